"""One complete training of the steps that try things: by the road of a run, scored in log losses, kept on disk.

`proposal.json`, `trial.json`, `losses.safetensors` and, while it may still be the run's model, `checkpoints`. What lies
there is read back: after a kill the same call goes on, and makes the same choices from the same numbers.
"""

# S symbols, T bars, N samples

import functools
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, cast

import numpy as np
import torch
from scipy.optimize import minimize_scalar

from edgeproof.core.config import Config, from_mapping
from edgeproof.core.container import read_container, write_container
from edgeproof.core.errors import ConfigError, DataError, OptionError, SplitError, TrainError
from edgeproof.core.files import read_json, write_json
from edgeproof.core.progress import silent
from edgeproof.features.scale import apply
from edgeproof.ledger.markets import rows_of
from edgeproof.ledger.store import Row
from edgeproof.recipe.attempt import CHECKPOINTS, Bench, figures_of
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.folds import FoldRun, learn_folds
from edgeproof.recipe.learn import Learned, trial_config
from edgeproof.recipe.prepare import Prepared
from edgeproof.train.forecast import predict
from edgeproof.verdict.ready import json_ready

__all__ = [
    "FAILING",
    "Tried",
    "drop_checkpoints",
    "prior_logit",
    "proposed",
    "recall",
    "trial_rows",
    "tried",
    "yardstick",
]

FAILING = (ConfigError, DataError, OptionError, SplitError, TrainError)  # of one trial, not of the step
MOST_TRAINED_ON = 20_000  # training samples that are forecast to know the gap; its standard error is about 0.001 nats
PROPOSAL, RECORD, LOSSES = "proposal.json", "trial.json", "losses.safetensors"
Score = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Tried:
    """A training and what its forecasts are worth.

    Attributes:
        label: for people: `dropout 0.2`.
        config: that was trained.
        folder: where it lies.
        body: the content of `trial.json`: `trial`, `log_loss`, `loss`, `train`, `prior`, `gap`, `net_sharpe`,
            `seconds`, `history`; `why` where it failed.
    """

    label: str
    config: RunConfig
    folder: Path
    body: Mapping[str, Any]

    @property
    def done(self) -> bool:
        """Whether it came to its end."""
        return "why" not in self.body

    @property
    def trial(self) -> str:
        """Its id in the ledger; empty where it was refused before it was counted."""
        return self.body["trial"]

    @property
    def seconds(self) -> float:
        """That it took."""
        return self.body["seconds"]

    @property
    def gap(self) -> float | None:
        """(validation - train) / (prior - train); None where the training part was not learned either."""
        return self.body["gap"]

    def losses(self) -> dict[str, np.ndarray]:
        """Of each validation sample: `key` and `bar` i64[N] (fold and index), `loss` and `prior` f64[N]."""
        return read_container(self.folder / LOSSES)[0]


def yardstick(loss: Config, share: float) -> Score:
    """The configured loss without label smoothing, a value a sample; of `bce` the log loss in nats.

    Trials that change the loss are compared by that of the run's own config. Focal and weighted losses ask for other
    probabilities than the true ones, so that their log loss is worse than the prior's where nothing is wrong.

    Args:
        loss: an entry of LOSSES.
        share: positives among the training samples.
    """
    plain: Any = loss.model_copy(update={"label_smoothing": 0.0})
    build = plain.build(share)

    def score(logit_N: np.ndarray, y_N: np.ndarray) -> np.ndarray:
        logit, y = (torch.from_numpy(np.ascontiguousarray(values, dtype=np.float64)) for values in (logit_N, y_N))
        return build(logit, y).numpy()

    return score


def prior_logit(score: Score, share: float) -> float:
    """The best answer that is the same for all samples, of labels with this share of positives."""
    labels, weights = np.array([0.0, 1.0]), np.array([1 - share, share])

    def loss(z: float) -> float:
        return float(weights @ score(np.full(2, z), labels))

    found: Any = minimize_scalar(loss, bounds=(-15.0, 15.0), method="bounded", options={"xatol": 1e-10})
    return float(found.x)


def proposed(folder: Path, base: RunConfig) -> tuple[str, RunConfig] | None:
    """Label and config of a trial that was begun in this folder; None where none was."""
    place = folder / PROPOSAL
    if not place.is_file():
        return None
    body = read_json(place)
    config = from_mapping(RunConfig, body["config"], source=str(place))
    return body["label"], config.model_copy(update={"market": base.market})


def tried(
    bench: Bench,
    label: str,
    config: RunConfig,
    folder: Path,
    *,
    write: Callable[[str], None] = silent,
    must: bool = False,
) -> Tried:
    """Train a config completely, score it, and keep what is known; or read it back.

    Args:
        bench: where trials are made; all are compared by the `yardstick` of its config's loss.
        label: for people.
        config: of the trial.
        folder: of the trial.
        write: where the epochs' progress goes.
        must: a training that fails is no trial, but the run's own: it raises.

    Raises:
        EdgeproofError: with `must`, as of `learn_folds`.
    """
    kept = folder / RECORD
    if kept.is_file():
        return Tried(label, config, folder, read_json(kept))
    write_json(folder / PROPOSAL, {"label": label, "config": config.model_dump(mode="json")})
    began = time.perf_counter()
    try:
        body = _trained(bench, config, folder, write)
    except FAILING as error:
        if must:
            raise
        body = _failed(bench, config, str(error))
    seconds = round(time.perf_counter() - began, 3)
    body = json_ready(body | {"label": label, "seconds": seconds, "trainings": _trainings(bench, config)})
    write_json(kept, body)
    return Tried(label, config, folder, body)


def recall(bench: Bench, trial: Tried, after: Callable[[Learned], None]) -> None:
    """Look at every fold's model of a trial whose checkpoints are still there; nothing is trained or counted again."""
    _folds(bench, trial.config, trial.folder, silent, after)


def trial_rows(bench: Bench, config: RunConfig) -> list[Row]:
    """Rows of the ledger that a training of this config left: its own, and those of the trainings behind it."""
    own, behind = trial_config(config), functools.cache(lambda label: trial_config(config, training=label))
    rows = rows_of(bench.ledger, bench.market.fingerprints())
    mine = [row for row in rows if row.kind == "training" and row.body["seed"] == config.seed]
    return [row for row in mine if row.body["config"] in (own, behind(row.body["label"]))]


def _trainings(bench: Bench, config: RunConfig) -> int:
    """How many a trial was made of, by the ledger; the row of the whole is none where there are several."""
    count = len(trial_rows(bench, config))
    return count - 1 if count > 1 else 1


def drop_checkpoints(trial: Tried) -> None:
    """Remove the checkpoints of a trial that will not be the run's model; its figures stay."""
    shutil.rmtree(trial.folder / CHECKPOINTS, ignore_errors=True)


def _folds(
    bench: Bench, config: RunConfig, folder: Path, write: Callable[[str], None], after: Callable[[Learned], None]
) -> tuple[Learned, list[FoldRun]]:
    return learn_folds(
        config,
        bench.prepared(config),
        bench.ledger,
        market=bench.span.market,
        bars_per_year=bench.market.bars_per_year,
        folder=folder / CHECKPOINTS,
        write=write,
        after=after,
    )


def _failed(bench: Bench, config: RunConfig, why: str) -> dict[str, Any]:
    """What is kept of a training that broke off; it was counted, unless it was refused before that."""
    own = (row.body["trial"] for row in trial_rows(bench, config) if row.body["config"] == trial_config(config))
    nothing = dict.fromkeys(("log_loss", "loss", "train", "prior", "gap", "net_sharpe"))
    return {**nothing, "trial": next(own, ""), "why": why, "history": []}


def _trained(bench: Bench, config: RunConfig, folder: Path, write: Callable[[str], None]) -> dict[str, Any]:
    prepared, loss = bench.prepared(config), cast("Config", bench.config.loss)
    parts: list[tuple[dict[str, np.ndarray], dict[str, float]]] = []
    learned, runs = _folds(bench, config, folder, write, lambda one: parts.append(_part(config, prepared, one, loss)))
    figures = figures_of(runs, bench.market.bars_per_year)
    means = {name: fmean(part[1][name] for part in parts) for name in ("loss", "train", "prior")}
    arrays = {name: np.concatenate([part[0][name] for part in parts]) for name in parts[0][0]}
    write_container(folder / LOSSES, arrays, {"trial": learned.trial.id})
    room = means["prior"] - means["train"]
    return {
        "trial": learned.trial.id,
        "log_loss": figures["log_loss"],
        **means,
        "gap": (means["loss"] - means["train"]) / room if room > 0 else None,
        "net_sharpe": figures["sharpe"],
        "best_epoch": learned.trained.best_epoch,
        "history": _curve(learned.trained.history),
    }


def _part(
    config: RunConfig, prepared: Prepared, learned: Learned, loss: Config
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """A fold's losses on its validation samples, and the means on these and on its training samples."""
    fold, T = learned.fold, prepared.panel.present.shape[1]
    y, logit = prepared.labels.y.reshape(-1), learned.forecast.logit.reshape(-1)
    share = float(y[fold.train].mean())
    score, index = yardstick(loss, share), fold.validation
    losses = score(logit[index], y[index])
    priors = score(np.full(len(index), prior_logit(score, share)), y[index])
    arrays = {
        "key": fold.number * prepared.labels.y.size + index,
        "bar": fold.number * T + index % T,
        "loss": losses,
        "prior": priors,
    }
    means = {
        "loss": losses.mean(),
        "prior": priors.mean(),
        "train": _on_training(config.window, prepared, learned, score),
    }
    return arrays, {name: float(value) for name, value in means.items()}


def _on_training(window: int, prepared: Prepared, learned: Learned, score: Score) -> float:
    """Mean loss of the kept model on clean training samples, evenly chosen, without dropout."""
    train, y = learned.fold.train, prepared.labels.y.reshape(-1)
    chosen = train[np.linspace(0, len(train) - 1, min(len(train), MOST_TRAINED_ON)).astype(np.int64)]
    x = apply(learned.preprocessor, prepared.table.x)
    said = predict(learned.trained.model, x, chosen, window=window).logit.reshape(-1)[chosen]
    return float(score(said, y[chosen]).mean())


def _curve(history: Sequence[Mapping[str, Any]]) -> list[list[float]]:
    """Epoch, training loss and log loss on validation of every epoch."""
    return [[row["epoch"], row["train_loss"], row["log_loss"]] for row in history]
