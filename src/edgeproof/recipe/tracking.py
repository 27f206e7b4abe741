"""What a run tells its tracker: what it is, where it was made, what it learned from, and how it was judged."""

# S symbols, T bars, F features

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from edgeproof.data.store import Market
from edgeproof.evaluate.curves import curves, distribution
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.folder import RunFolder
from edgeproof.recipe.learn import Learned, trial_config
from edgeproof.recipe.prepare import Prepared
from edgeproof.train.loggers.architecture import architecture, architecture_text
from edgeproof.train.loggers.card import Card
from edgeproof.train.loggers.context import environment, repository
from edgeproof.train.loggers.tracker import Tracker, open_tracker
from edgeproof.verdict.ready import json_ready

__all__ = ["open_run", "run_card", "tell_epochs", "tell_learned", "tell_verdict", "watcher"]


def run_card(
    config: RunConfig,
    market: Market,
    *,
    kind: str = "run",
    phase: str = "supervised",
    trial_number: int | None = None,
    study: str | None = None,
) -> Card:
    """What a run of this config on this market is called and known by.

    Args:
        config: the run's config.
        market: what it runs on.
        kind: `run`, `study`, `trial`, `campaign` or `sweep`.
        phase: `supervised` or `search`.
        trial_number: within a study.
        study: name of the study.
    """
    body = config.anywhere().model_dump(mode="json")
    return Card(
        phase="reinforcement" if config.has_agent and phase == "supervised" else phase,
        kind=kind,
        model=config.learner,
        variant=_variant(body["label"]),
        sha=trial_config(config, seed=config.seed, market=market.identity),
        dataset=market.hash,
        config=body,
        trial_number=trial_number,
        study=study,
    )


def _variant(label: Any) -> str:
    return label["name"] if isinstance(label, Mapping) else "labels"


def open_run(
    config: RunConfig, market: Market, folder: RunFolder, *, workspace: Path, source: object = None
) -> Tracker | None:
    """The run's tracker, told what the run is and where it was made; None where nothing is tracked.

    Args:
        config: the run's config.
        market: what it runs on.
        folder: of the run.
        workspace: where the database lies if no other is named.
        source: the config as it was given; a file's repository is recorded, else that of the current folder.

    Raises:
        ConfigError: the server or database cannot be used.
    """
    tracker = open_tracker(config.tracking, folder.path, run_card(config, market), workspace=workspace)
    if tracker is None:
        return None
    outbox = tracker.outbox
    outbox.data(market.path.name, market.hash, f"{len(market.symbols)} symbols, {market.manifest.kind}")
    outbox.json("config.json", config.anywhere().model_dump(mode="json", exclude={"market", "tracking", "gates"}))
    outbox.json("environment.json", environment())
    facts, difference = repository(_place_of(source))
    outbox.json("git.json", facts)
    if facts:
        outbox.tags({"mlflow.source.git.commit": facts["commit"], "mlflow.source.git.branch": facts["branch"]})
        outbox.tags({"git_dirty": facts["dirty"]})
    if difference:
        outbox.text("git.diff", difference)
    tracker.send()
    return tracker


def _place_of(source: object) -> Path:
    if isinstance(source, str | os.PathLike):
        return Path(source).resolve().parent
    return Path.cwd()


def watcher(tracker: Tracker | None, config: RunConfig) -> Callable[[Mapping[str, Any]], None] | None:
    """What hears of every finished epoch; a split with one fold has no numbered folds."""
    if tracker is None:
        return None
    if config.split.model_dump()["name"] != "holdout":
        return tracker.epoch
    return lambda row: tracker.epoch({key: value for key, value in row.items() if key != "fold"})


def tell_epochs(hears: Callable[[Mapping[str, Any]], None] | None) -> Callable[[Learned], None]:
    """What tells all epochs of a finished training, those too that it was taken up with; None hears nothing."""

    def tell(learned: Learned) -> None:
        if hears is not None:
            for row in learned.trained.history:
                hears({**row, "fold": learned.fold.number})

    return tell


def tell_learned(tracker: Tracker | None, prepared: Prepared, learned: Learned, *, window: int) -> None:
    """The last fold's data, model and forecasts.

    Args:
        tracker: of the run; None: nothing is told.
        prepared: the open span.
        learned: of the last fold.
        window: L.
    """
    if tracker is None:
        return
    outbox, fold, table = tracker.outbox, learned.fold, prepared.table
    parts = {name: index for name in ("train", "validation", "test") if len(index := getattr(fold, name))}
    labels = prepared.labels
    outbox.json("data/distribution.json", distribution(table.x, labels.y, labels.weight, table.names, parts))
    p, y = learned.forecast.probability.reshape(-1)[fold.validation], labels.y.reshape(-1)[fold.validation]
    body = curves(p, y)
    outbox.json("validation/confusion.json", json_ready(body["confusion"]))
    outbox.json("validation/roc.json", {"auc": body["auc"], **body["roc"]})
    outbox.json("validation/pr.json", {"pr_auc": body["pr_auc"], **body["pr"]})
    arrays = {name: array.tolist() for name, array in learned.preprocessor.to_arrays().items()}
    outbox.json("data/scaler.json", {"features": list(table.names), **arrays})
    made_of = architecture(learned.trained.model, window=window, features=len(table.names))
    outbox.json("model/architecture.json", made_of)
    outbox.text("model/architecture.txt", architecture_text(made_of))
    outbox.tags({"dataset_sha": learned.dataset_sha, "trial": learned.trial.id, "weights_sha": learned.trained.sha})
    outbox.figures({"best_epoch": learned.trained.best_epoch, "parameters": made_of["parameters"]})
    tracker.send()


def tell_verdict(tracker: Tracker | None, folder: RunFolder, body: Mapping[str, Any]) -> None:
    """The judgement: its figures, its files, and the bundle that it is of.

    Args:
        tracker: of the run; None: nothing is told.
        folder: of the run.
        body: the content of verdict.json.
    """
    if tracker is None:
        return
    outbox, span = tracker.outbox, body["span"]
    outbox.tags({"verdict": body["verdict"], "span": span, "bundle_sha": folder.state()["trained"]})
    for name in ("validation", "sealed"):
        if body.get(name):
            outbox.figures(_figures(body[name], name))
    outbox.text("verdict.json", (folder.path / "verdict.json").read_text(encoding="utf-8"))
    outbox.text("report.html", (folder.path / "report.html").read_text(encoding="utf-8"))
    if outbox.clean((folder.bundle / "bundle.json").read_text(encoding="utf-8")):
        outbox.as_it_is("bundle", folder.bundle)


def _figures(span: Mapping[str, Any], name: str) -> dict[str, float]:
    """Figures of the forecast, and net and gross ones of its money, of one span by dotted name."""
    found = {}
    for part, figures in (("", span), ("net.", span["net"]), ("gross.", span["gross"])):
        for key, value in figures.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                found[f"{name}.{part}{key}"] = float(value)
    return found
