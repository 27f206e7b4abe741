"""One trial of a search, by the very road of a run: features once, then training, thresholds and their rows."""

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from edgeproof.core.errors import Interrupted, TrainError
from edgeproof.core.identity import sha_json
from edgeproof.core.progress import silent
from edgeproof.data.store import Market
from edgeproof.ledger.span import Span
from edgeproof.ledger.store import Ledger
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.folds import learn_folds
from edgeproof.recipe.learn import proven_folds, try_environment
from edgeproof.recipe.prepare import Prepared, prepare
from edgeproof.recipe.scores import Scorer, figures_of, rows_on_disk, scorer, told
from edgeproof.recipe.tracking import run_card, watcher
from edgeproof.recipe.vary import goal_of, varied
from edgeproof.rl.place import check_device
from edgeproof.search.study import Attempt, GivenUp, OutOfTime, Study
from edgeproof.train.loggers.tracker import Status, Tracker

__all__ = ["CHECKPOINTS", "Bench", "checked", "score", "thin"]

Watch = Callable[[Mapping[str, Any]], None]
CHECKPOINTS = "checkpoints"
KEPT = 3  # trials whose checkpoints stay
# What the prepared span does not depend on.
APART = {"model", "loss", "train", "policy", "keep", "exposure", "costs", "account", "window", "split", "combine"}
APART |= {"agent", "environment"}


@dataclass(frozen=True)
class Bench:
    """Where trials are made.

    Attributes:
        config: that the search varies.
        market, span, ledger: as of a run.
        tracker: of the study; each trial is tracked below it. None: nothing is tracked.
        spans: the last prepared spans, by what they depend on.
    """

    config: RunConfig
    market: Market
    span: Span
    ledger: Ledger
    tracker: Tracker | None = None
    spans: dict[str, Prepared] = field(default_factory=dict)

    def prepared(self, config: RunConfig) -> Prepared:
        """Features and labels of a config, built once for all trials that share them."""
        key = sha_json({name: body for name, body in config.trial_identity().items() if name not in APART})
        if key not in self.spans:
            while len(self.spans) > 1:
                self.spans.pop(next(iter(self.spans)))
            self.spans[key] = prepare(config, self.market, self.span, cache=self.ledger.folder / "cache")
        return self.spans[key]

    def tracked(self, config: RunConfig, attempt: Attempt) -> Tracker | None:
        """The tracker of a trial, below that of the study."""
        if self.tracker is None:
            return None
        study, number = attempt.study, attempt.number
        card = run_card(config, self.market, kind="trial", phase="search", trial_number=number, study=study)
        return self.tracker.child(attempt.folder, card)

    def trial(self, params: Mapping[str, Any]) -> RunConfig:
        """The config of a trial."""
        config, patience = varied(self.config, params), self.config.tune.patience
        if patience is None or config.has_agent or "train.patience" in params:
            return config
        return config.model_copy(update={"train": config.train.model_copy(update={"patience": patience})})


def checked(bench: Bench) -> None:
    """Find what would end every trial before the first one is made.

    Raises:
        SplitError: the span is too short.
        TrainError: a fold has one class only.
        DataError: an agent finds no episode in its bars.
        ConfigError: there is no such device for it.
    """
    if bench.config.has_agent:
        check_device(bench.config.agent.model_dump()["device"])
    config, prepared = bench.config, bench.prepared(bench.config)
    y = prepared.labels.y.reshape(-1)
    for fold in proven_folds(config, prepared):
        if config.has_agent:
            try_environment(config, prepared, fold)
        if config.has_agent and not config.has_eyes:
            continue  # it reads no label
        for name in ("train", "validation"):
            values = y[getattr(fold, name)]
            if not 0 < values.mean() < 1:
                raise TrainError(
                    f"{name} labels are all {values[0]:g} ({len(values)} samples): nothing to learn from; change the "
                    "label's threshold, or bring more bars"
                )


def score(bench: Bench, attempt: Attempt) -> float:
    """The objective's value of a trial; its figures are noted with it, and told to its tracker.

    Raises:
        GivenUp, OutOfTime: as the attempt says.
        ConfigError, SplitError, TrainError: the trial cannot be trained.
    """
    config = bench.trial(attempt.params)
    began, before = time.perf_counter(), attempt.noted.get("seconds", 0.0)
    tracker = bench.tracked(config, attempt)
    status: Status = "FAILED"
    try:
        figures = _trained(bench, attempt, config, watcher(tracker, config))
        if tracker is not None:
            tracker.figures({name: value for name, value in figures.items() if value is not None})
        status = "FINISHED"
    except (GivenUp, OutOfTime, Interrupted):
        status = "KILLED"
        raise
    finally:
        attempt.note(seconds=round(before + time.perf_counter() - began, 3))
        if tracker is not None:
            tracker.end(status)
    return told(figures, goal_of(bench.config))


def _trained(bench: Bench, attempt: Attempt, config: RunConfig, hears: Watch | None) -> dict[str, float | None]:
    folder, scored = attempt.folder / CHECKPOINTS, scorer(config, goal_of(bench.config))

    def watch(row: Mapping[str, Any]) -> None:
        if hears is not None:
            hears(row)
        _tell(attempt, row, scored)

    for row in rows_on_disk(folder):
        _tell(attempt, row, scored)
    learned, runs = learn_folds(
        config,
        bench.prepared(config),
        bench.ledger,
        market=bench.span.market,
        bars_per_year=bench.market.bars_per_year,
        folder=folder,
        write=silent,
        watch=watch,
    )
    figures = figures_of(runs, bench.market.bars_per_year)
    attempt.note(
        figures=figures, best_epoch=learned.trained.best_epoch, trial=learned.trial.id, weights=learned.trained.sha
    )
    return figures


def _tell(attempt: Attempt, row: Mapping[str, Any], scored: Scorer) -> None:
    """Report a row of the first fold, once."""
    found = scored(row) if row["fold"] == 0 else None
    if found is not None and found[0] not in attempt.told:
        attempt.report(*found)


def thin(study: Study) -> None:
    """Remove the checkpoints of finished trials that are not among the best."""
    with study.exclusive():
        kept = {row.number for row in study.ranked()[:KEPT]}
        for row in study.finished():
            if row.number not in kept:
                shutil.rmtree(study.place(row.number) / CHECKPOINTS, ignore_errors=True)
