"""A training as a table of epochs, anyone's: losses on training and validation samples, and what else there is."""

# E epochs

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgeproof.core.errors import OptionError
from edgeproof.core.finding import Finding
from edgeproof.gates.columns import FIGURES, found

__all__ = ["History", "Known", "history_of"]


@dataclass(frozen=True)
class History:
    """Figures by epoch, f64[E] each; NaN where a figure was not finite or is not there.

    Attributes:
        train: loss on training samples.
        validation: loss on validation samples.
        auc: on validation.
        norm: of the gradient.
        rate: learning rate.
        waiting: share of the time in which the device waited for its next batch.
        waited: the same in seconds, where both times are an epoch's.
    """

    train: np.ndarray
    validation: np.ndarray
    auc: np.ndarray
    norm: np.ndarray
    rate: np.ndarray
    waiting: np.ndarray
    waited: np.ndarray

    def __len__(self) -> int:
        return len(self.train)

    @property
    def best(self) -> int:
        """Place of the epoch with the lowest validation loss."""
        return int(np.nanargmin(self.validation))


@dataclass(frozen=True)
class Known:
    """What is known of a training beside its table; everything may be missing.

    Attributes:
        prior: loss of always forecasting the training labels' share (their entropy), if the training loss is plain
            cross-entropy in nats; ln 2 for two even classes.
        validation_prior: the same forecast's loss on validation; none: `prior`.
        ended: `epochs`, `patience`, or empty: it goes on, was stopped, or nobody knows.
        failed: what `failed.json` holds.
        inputs: `finite`, `largest`, `constant`, `columns` of the scaled inputs.
        moved: distance of the weights from where they began, as a share of their size there.
        dead: by layer, the share of silent units before and after.
        lr, clip_norm, weight_decay, dropout, batch_size: settings.
        workers: processes that make batches beside the training.
        parameters, samples, validation_samples: counts.
        descends: trained by steps along the gradient (trees are not).
        steps: losses of the first steps, one by one.
        checked: what `check_model` and `check_training` found in the model, its loss and its data.
    """

    prior: float | None = None
    validation_prior: float | None = None
    ended: str = ""
    failed: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    moved: float | None = None
    dead: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    lr: float | None = None
    clip_norm: float | None = None
    weight_decay: float | None = None
    dropout: float | None = None
    batch_size: int | None = None
    workers: int | None = None
    parameters: int | None = None
    samples: int | None = None
    validation_samples: int | None = None
    descends: bool = True
    steps: tuple[float, ...] = ()
    checked: tuple[Finding, ...] = ()

    @property
    def nothing(self) -> float | None:
        """Validation loss of knowing nothing."""
        return self.prior if self.validation_prior is None else self.validation_prior


def history_of(rows: Sequence[Mapping[str, Any]]) -> History:
    """The table of a sequence of rows, one an epoch, under any usual name of its columns (`gates.columns.FIGURES`).

    Raises:
        OptionError: rows without a training loss.
    """
    names = {name for row in rows for name in row}
    column = {figure: _column(rows, found(names, known)) for figure, known in FIGURES.items()}
    if len(rows) and found(names, FIGURES["train"]) is None:
        raise OptionError(
            f"no training loss among {', '.join(sorted(rows[0]))}; name a column train_loss (and val_loss, grad_norm)"
        )
    data, seconds, waiting = column["data_seconds"], column["seconds"], column["waiting"]
    whole = np.where(np.isnan(seconds), data + column["step_seconds"], seconds)
    waiting = np.where(np.isnan(waiting) & (whole > 0), data / np.where(whole > 0, whole, 1.0), waiting)
    return History(
        train=column["train"],
        validation=column["validation"],
        auc=column["auc"],
        norm=column["norm"],
        rate=column["rate"],
        waiting=waiting,
        waited=np.where(np.isnan(seconds), np.nan, data),
    )


def _column(rows: Sequence[Mapping[str, Any]], name: str | None) -> np.ndarray:
    values = [None if name is None else row.get(name) for row in rows]
    column = np.array([np.nan if value is None else float(value) for value in values], dtype=np.float64)
    return np.where(np.isfinite(column), column, np.nan)
