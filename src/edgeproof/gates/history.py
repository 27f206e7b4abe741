"""A training as a table of epochs, anyone's: losses on training and validation samples, and what else there is."""

# E epochs

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgeproof.core.errors import OptionError

__all__ = ["History", "Known", "history_of"]

NAMES = {
    "train": ("train_loss", "training_loss", "loss/train", "train/loss", "loss"),
    "validation": ("log_loss", "val_loss", "validation_loss", "valid_loss", "loss/val", "val/loss", "eval_loss"),
    "auc": ("auc", "val_auc", "validation_auc"),
    "norm": ("grad_norm", "gradient_norm"),
}


@dataclass(frozen=True)
class History:
    """Figures by epoch, f64[E] each; NaN where a figure was not finite or is not there.

    Attributes:
        train: loss on training samples.
        validation: loss on validation samples.
        auc: on validation.
        norm: of the gradient.
    """

    train: np.ndarray
    validation: np.ndarray
    auc: np.ndarray
    norm: np.ndarray

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
        parameters, samples, validation_samples: counts.
        descends: trained by steps along the gradient (trees are not).
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
    parameters: int | None = None
    samples: int | None = None
    validation_samples: int | None = None
    descends: bool = True

    @property
    def nothing(self) -> float | None:
        """Validation loss of knowing nothing."""
        return self.prior if self.validation_prior is None else self.validation_prior


def history_of(rows: Sequence[Mapping[str, Any]]) -> History:
    """The table of a sequence of rows, one an epoch, under any usual name of its columns.

    Raises:
        OptionError: rows without a training loss.
    """
    found = {name: _column(rows, known) for name, known in NAMES.items()}
    if len(rows) and not any(name in row for row in rows for name in NAMES["train"]):
        raise OptionError(
            f"no training loss among {', '.join(sorted(rows[0]))}; name a column train_loss (and val_loss, grad_norm)"
        )
    return History(**found)


def _column(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> np.ndarray:
    name = next((name for name in names if any(name in row for row in rows)), names[0])
    values = [row.get(name) for row in rows]
    column = np.array([np.nan if value is None else float(value) for value in values], dtype=np.float64)
    return np.where(np.isfinite(column), column, np.nan)
