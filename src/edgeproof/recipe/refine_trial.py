"""One complete training of the steps that try things: by the road of a run, scored in log losses, kept on disk.

`proposal.json`, `trial.json`, `losses.safetensors` and, while it may still be the run's model, `checkpoints`. What lies
there is read back: after a kill the same call goes on, and makes the same choices from the same numbers.
"""

# N samples

import functools
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, cast

import numpy as np

from edgeproof.core.config import Config, from_mapping
from edgeproof.core.container import read_container, write_container
from edgeproof.core.errors import ConfigError, DataError, OptionError, SplitError, TrainError
from edgeproof.core.files import read_json, write_json
from edgeproof.core.progress import silent
from edgeproof.ledger.markets import known_markets, rows_of
from edgeproof.ledger.store import Row
from edgeproof.recipe.attempt import CHECKPOINTS, Bench
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.folds import FoldRun, learn_folds
from edgeproof.recipe.learn import Learned, trial_config
from edgeproof.recipe.refine_score import fold_losses
from edgeproof.recipe.scores import figures_of
from edgeproof.recipe.tracking import run_card, tell_epochs, watcher
from edgeproof.train.loggers.tracker import Tracker, tracked
from edgeproof.verdict.ready import json_ready

__all__ = [
    "FAILING",
    "Tried",
    "drop_checkpoints",
    "proposed",
    "recall",
    "trial_rows",
    "tried",
]

FAILING = (ConfigError, DataError, OptionError, SplitError, TrainError)  # of one trial, not of the step
PROPOSAL, RECORD, LOSSES = "proposal.json", "trial.json", "losses.safetensors"


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
        bench: where trials are made; all are compared by the `refine_score.yardstick` of its config's loss.
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
        with _tracking(bench, label, config, folder) as tracker:
            body = _trained(bench, config, folder, write, tracker)
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
    _folds(bench, trial.config, trial.folder, after)


def trial_rows(bench: Bench, config: RunConfig) -> list[Row]:
    """Rows of the ledger that a training of this config left: its own, and those of the trainings behind it."""
    own, behind = trial_config(config), functools.cache(lambda label: trial_config(config, training=label))
    prints = known_markets(bench.ledger, bench.ledger.rows("market"))[bench.span.market]
    rows = rows_of(bench.ledger, prints)
    mine = [row for row in rows if row.kind == "training" and row.body["seed"] == config.seed]
    return [row for row in mine if row.body["config"] in (own, behind(row.body["label"]))]


def _trainings(bench: Bench, config: RunConfig) -> int:
    """How many a trial was made of, by the ledger; a row of the whole is none where there are several behind it."""
    own, rows = trial_config(config), trial_rows(bench, config)
    behind = sum(row.body["config"] != own for row in rows)
    return behind or max(1, len(rows))


def drop_checkpoints(trial: Tried) -> None:
    """Remove the checkpoints of a trial that will not be the run's model; its figures stay."""
    shutil.rmtree(trial.folder / CHECKPOINTS, ignore_errors=True)


@contextmanager
def _tracking(bench: Bench, label: str, config: RunConfig, folder: Path) -> Iterator[Tracker | None]:
    """The trial's tracker below that of the run; its step is the study."""
    if bench.tracker is None:
        yield None
        return
    card = run_card(config, bench.market, kind="trial", phase="search", study=folder.parent.name)
    tracker = bench.tracker.child(folder, card)
    tracker.outbox.tags({"technique": label})
    with tracked(tracker):
        yield tracker


def _folds(
    bench: Bench,
    config: RunConfig,
    folder: Path,
    after: Callable[[Learned], None],
    *,
    write: Callable[[str], None] = silent,
    hears: Callable[[Mapping[str, Any]], None] | None = None,
) -> tuple[Learned, list[FoldRun]]:
    tell = tell_epochs(hears)

    def finished(one: Learned) -> None:
        tell(one)
        after(one)

    return learn_folds(
        config,
        bench.prepared(config),
        bench.ledger,
        market=bench.span.market,
        bars_per_year=bench.market.bars_per_year,
        folder=folder / CHECKPOINTS,
        write=write,
        watch=hears,
        after=finished,
    )


def _failed(bench: Bench, config: RunConfig, why: str) -> dict[str, Any]:
    """What is kept of a training that broke off; it was counted, unless it was refused before that."""
    own = (row.body["trial"] for row in trial_rows(bench, config) if row.body["config"] == trial_config(config))
    nothing = dict.fromkeys(("log_loss", "loss", "train", "prior", "gap", "net_sharpe"))
    return {**nothing, "trial": next(own, ""), "why": why, "history": []}


def _trained(
    bench: Bench, config: RunConfig, folder: Path, write: Callable[[str], None], tracker: Tracker | None
) -> dict[str, Any]:
    prepared, loss = bench.prepared(config), cast("Config", bench.config.loss)
    parts: list[tuple[dict[str, np.ndarray], dict[str, float]]] = []

    def after(one: Learned) -> None:
        parts.append(fold_losses(config, prepared, one, loss))

    learned, runs = _folds(bench, config, folder, after, write=write, hears=watcher(tracker, config))
    figures = figures_of(runs, bench.market.bars_per_year)
    if tracker is not None:
        tracker.figures({name: value for name, value in figures.items() if value is not None})
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


def _curve(history: Sequence[Mapping[str, Any]]) -> list[list[float]]:
    """Epoch, training loss and log loss on validation of every epoch."""
    return [[row["epoch"], row["train_loss"], row["log_loss"]] for row in history]
