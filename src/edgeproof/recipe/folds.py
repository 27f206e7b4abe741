"""The fold loop: every fold is trained, chooses its own threshold, and trades the blocks that it has never seen.

The last fold's model becomes the bundle. The other folds leave figures, spans and hashes in its lineage, and their
out-of-sample blocks, put together, are the paths that stand beside the verdict and never decide.
"""

# S symbols, T bars

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from edgeproof.backtest.run import Choice
from edgeproof.core.clock import iso
from edgeproof.core.container import write_container
from edgeproof.core.finding import Finding
from edgeproof.core.progress import duration_text, silent
from edgeproof.core.rng import Rng
from edgeproof.evaluate.paths import Block, block_of, distribution, joined, path_figures
from edgeproof.ledger.store import Ledger
from edgeproof.ledger.trials import Trial, record_trials
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.learn import Learned, learn, proven_folds, trial_config
from edgeproof.recipe.prepare import Prepared
from edgeproof.recipe.tables import times
from edgeproof.recipe.trade import choose, trade
from edgeproof.samples.split.fold import Fold
from edgeproof.samples.split.paths import assemble_paths
from edgeproof.stats.classify import classification
from edgeproof.stats.performance import performance
from edgeproof.train.keep import LAST
from edgeproof.verdict.ready import json_ready

__all__ = ["FoldRun", "follow_folds", "learn_folds", "paths_body", "paths_table"]

PREPROCESSOR = "preprocessor.safetensors"


@dataclass(frozen=True)
class FoldRun:
    """What a fold leaves.

    Attributes:
        fold: its samples and stretches.
        choice: its thresholds on its own validation.
        best: trial id of the threshold that is kept (of the one that lost least, where none is).
        blocks: its out-of-sample blocks, traded.
        facts: its row in the lineage: hashes, spans, counts, figures.
        findings: what its training has to say.
    """

    fold: Fold
    choice: Choice
    best: str
    blocks: tuple[Block, ...]
    facts: dict[str, Any]
    findings: tuple[Finding, ...]


def learn_folds(  # noqa: PLR0913 - what a run is trained from, and who hears of it
    config: RunConfig,
    prepared: Prepared,
    ledger: Ledger,
    *,
    market: str,
    bars_per_year: float,
    folder: Path,
    write: Callable[[str], None],
    watch: Callable[[Mapping[str, Any]], None] | None = None,
    after: Callable[[Learned], None] | None = None,
) -> tuple[Learned, list[FoldRun]]:
    """Train and trade every fold of the config's split, in order; answers the last one's model and all that is left.

    A training that was finished before a kill is read back, not repeated.

    Args:
        config: the run's config.
        prepared: the open span.
        ledger: where every training and every threshold is counted.
        market: the ledger's record of the market.
        bars_per_year: annualises.
        folder: checkpoints; with several folds, `fold-NN` inside it, each with its preprocessor.
        write: where progress lines go.
        watch: is told every finished epoch of every fold, as in `train.loop.fit`, with the fold's number as `fold`.
        after: is given every fold's finished training, also one that was read back.

    Raises:
        SplitError: the span is too short.
        TrainError: one class only in a fold, or the loss is not finite.
    """
    folds, done, learned, told = proven_folds(config, prepared), [], None, False
    for fold in folds:
        place, title = _place(folder, fold, len(folds))
        began, known = time.monotonic(), any(place.rglob(LAST))
        learned = learn(
            config,
            prepared,
            ledger,
            fold,
            market=market,
            folder=place,
            title=title,
            write=write,
            watch=_of_fold(watch, fold),
        )
        if after is not None:
            after(learned)
        if len(folds) > 1:
            write_container(place / PREPROCESSOR, learned.preprocessor.to_arrays(), {"data": learned.dataset_sha})
        done.append(_traded(config, prepared, ledger, learned, market=market, bars_per_year=bars_per_year))
        left = len(folds) - 1 - fold.number
        if left and not known and not told:
            took, told = time.monotonic() - began, True
            write(f"one fold takes {duration_text(took)}: about {duration_text(took * left)} left\n")
    assert learned is not None  # noqa: S101 - a split without folds has been refused
    return learned, done


def _of_fold(
    watch: Callable[[Mapping[str, Any]], None] | None, fold: Fold
) -> Callable[[Mapping[str, Any]], None] | None:
    return None if watch is None else lambda row: watch({**row, "fold": fold.number})


def follow_folds(config: RunConfig, prepared: Prepared, ledger: Ledger, *, market: str, folder: Path) -> None:
    """Take part in every training of `learn_folds`, in a process that works for the one that calls it."""
    folds = proven_folds(config, prepared)
    for fold in folds:
        place, _ = _place(folder, fold, len(folds))
        learn(config, prepared, ledger, fold, market=market, folder=place, write=silent)


def _place(folder: Path, fold: Fold, count: int) -> tuple[Path, str]:
    if count == 1:
        return folder, "epoch"
    return folder / f"fold-{fold.number:02d}", f"fold {fold.number + 1}/{count} epoch"


def _traded(
    config: RunConfig, prepared: Prepared, ledger: Ledger, learned: Learned, *, market: str, bars_per_year: float
) -> FoldRun:
    choice = choose(config, prepared, learned.forecast, learned.bars)
    close = prepared.panel.close_time[learned.bars]
    trials = _thresholds(config, learned, choice)
    record_trials(ledger, market, trials, choice.returns, close)
    blocks = []
    for start, stop in learned.fold.test_bars:
        bars, year = slice(start, stop), bars_per_year
        traded = trade(
            config, prepared, learned.forecast, theta=choice.theta, bars=bars, bars_per_year=year, beside=False
        )
        blocks.append(block_of(learned.fold.number, (start, stop), traded.track, traded.hold_return))
    facts = _facts(prepared, learned, choice, blocks, bars_per_year=bars_per_year)
    best = trials[choice.place].id
    findings = (*(learned.inherited.findings if learned.inherited else ()), *learned.trained.findings)
    return FoldRun(learned.fold, choice, best, tuple(blocks), facts | {"trial": best}, findings)


def _thresholds(config: RunConfig, learned: Learned, choice: Choice) -> list[Trial]:
    """Each threshold is a trial of its own; folds differ in their data, so that none stands for another."""
    return [
        replace(
            learned.trial,
            config=trial_config(config, theta=float(theta)),
            label=f"theta {theta:.6f}",
            parent=learned.trial.id,
            score={"net_growth": float(growth)},
        )
        for theta, growth in zip(choice.thetas, choice.growth, strict=True)
    ]


def _facts(
    prepared: Prepared, learned: Learned, choice: Choice, blocks: Sequence[Block], *, bars_per_year: float
) -> dict[str, Any]:
    """A fold's row: what it was, on which bars, and what it earned there."""
    fold, close, kept = learned.fold, prepared.panel.close_time, choice.place
    trained = np.unique(fold.train % len(close))
    chosen = choice.returns[:, kept] if choice.theta is not None else np.zeros(len(choice.returns))
    score = _score(prepared, learned, fold.validation)
    kept_row = next((row for row in learned.trained.history if row.get("best")), {})
    growth = {"validation_net_growth_bps": kept_row["validation_score"]} if "validation_score" in kept_row else {}
    return {
        "fold": fold.number,
        "model": learned.trained.sha,
        "data": learned.dataset_sha,
        "theta": choice.theta,
        "best_epoch": learned.trained.best_epoch,
        "train": _stretch(close, int(trained[0]), int(trained[-1]) + 1),
        "validation": _stretch(close, learned.bars.start, learned.bars.stop),
        "test": [_stretch(close, *bars) for bars in fold.test_bars],
        "samples": {name: len(getattr(fold, name)) for name in ("train", "validation", "test")},
        "purged": fold.purged,
        "embargoed": fold.embargoed,
        "validation_sharpe": performance(chosen, bars_per_year=bars_per_year)["sharpe"],
        **{f"validation_{name}": value for name, value in score.items() if name in ("auc", "log_loss", "f1_plus")},
        **growth,
        **_out_of_sample(prepared, learned, blocks, bars_per_year),
    }


def _out_of_sample(
    prepared: Prepared, learned: Learned, blocks: Sequence[Block], bars_per_year: float
) -> dict[str, Any]:
    if not blocks:
        return {}
    score, net = _score(prepared, learned, learned.fold.test), joined(blocks, "net")
    money = performance(net, bars_per_year=bars_per_year)
    return {
        "auc": score["auc"],
        "log_loss": score["log_loss"],
        "sharpe": money["sharpe"],
        "total_return": money["total_return"],
        "max_drawdown": money["max_drawdown"],
        "bars": len(net),
        "trades": sum(block.trades for block in blocks),
    }


def _score(prepared: Prepared, learned: Learned, samples: np.ndarray) -> dict[str, Any]:
    p, y = learned.forecast.probability.reshape(-1)[samples], prepared.labels.y.reshape(-1)[samples]
    return classification(p, y)


def _stretch(close: np.ndarray, start: int, stop: int) -> dict[str, Any]:
    return {"start": iso(int(close[start])), "end": iso(int(close[stop - 1])), "bars": stop - start}


def paths_body(runs: Sequence[FoldRun], *, bars_per_year: float, rng: Rng) -> dict[str, Any] | None:
    """What the bundle's lineage, verdict.json and the report say of folds and paths; None without test blocks.

    Args:
        runs: of every fold.
        bars_per_year: annualises.
        rng: of the intervals.
    """
    paths = [
        path_figures(blocks, bars_per_year=bars_per_year, rng=rng.child("path", number))
        for number, blocks in enumerate(_paths(runs))
    ]
    if not paths:
        return None
    spread = {key: distribution(paths, key) for key in ("sharpe", "total_return", "max_drawdown")}
    return json_ready({"folds": [run.facts for run in runs], "paths": paths, "distribution": spread})


def paths_table(runs: Sequence[FoldRun], close_time: np.ndarray) -> pl.DataFrame:
    """One row a bar of each path: its fold, returns, exposure, what was traded, and equity compounded from 1.

    Args:
        runs: of every fold.
        close_time: i64[T] ns UTC of the clock.
    """
    frames = []
    for number, blocks in enumerate(_paths(runs)):
        clock = np.concatenate([close_time[block.start : block.stop] for block in blocks])
        net = joined(blocks, "net")
        columns = {
            "path": np.full(len(net), number),
            "fold": np.concatenate([np.full(len(block.net), block.fold) for block in blocks]),
            "net_return": net,
            "gross_return": joined(blocks, "gross"),
            "hold_return": joined(blocks, "hold"),
            "exposure": joined(blocks, "exposure"),
            "traded": joined(blocks, "traded"),
            "equity": np.cumprod(1 + net),
        }
        frames.append(pl.DataFrame([times(clock), *(pl.Series(name, value) for name, value in columns.items())]))
    return pl.concat(frames) if frames else pl.DataFrame()


def _paths(runs: Sequence[FoldRun]) -> list[list[Block]]:
    """The blocks of every path in the order of time."""
    blocks = {(block.fold, (block.start, block.stop)): block for run in runs for block in run.blocks}
    return [[blocks[piece] for piece in path] for path in assemble_paths([run.fold for run in runs])]
