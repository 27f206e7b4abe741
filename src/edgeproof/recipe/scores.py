"""What trials are compared by: a figure after each epoch or validation, and one at the end, the mean over folds."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, cast

from edgeproof.core.container import read_container
from edgeproof.core.errors import TrainError
from edgeproof.gates.agent_history import members_of
from edgeproof.recipe.agent import population
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.folds import FoldRun
from edgeproof.rl.settings import PpoConfig
from edgeproof.search.settings import Goal
from edgeproof.stats.performance import performance
from edgeproof.train.keep import LAST

__all__ = ["Scorer", "figures_of", "rows_on_disk", "scorer", "told"]

Scorer = Callable[[Mapping[str, Any]], tuple[int, float] | None]
WATCHED = ("log_loss", "f1_plus", "auc")


def scorer(config: RunConfig, goal: Goal) -> Scorer:
    """Answers the step, from 0, and the figure that a row of a training's history stands for; None where none.

    Of a model every epoch is a step; where the objective is money, its log loss stands for it. Of an agent every
    validation is one, and the best member of a population stands for all of them.
    """
    return _of_agents(config, goal) if config.has_agent else lambda row: _of_epoch(row, goal)


def _of_epoch(row: Mapping[str, Any], goal: Goal) -> tuple[int, float] | None:
    value = row["log_loss" if goal == "net_sharpe" else goal]
    return None if value is None else (row["epoch"] - 1, -value if goal == "net_sharpe" else value)


def _of_agents(config: RunConfig, goal: Goal) -> Scorer:
    count, every = population(config), cast("PpoConfig", config.agent).validated_every
    figure = "sharpe" if goal == "net_sharpe" else "score"
    heard: dict[int, list[float]] = {}  # by update, one a member

    def score(row: Mapping[str, Any]) -> tuple[int, float] | None:
        if row.get("validation_score") is None:  # an encoder's epoch, or an update that was not validated
            return None
        update = int(row["update"])
        values = heard.setdefault(update, [])
        values.append(float(row[f"validation_{figure}"] or 0.0))
        return (-(-update // every) - 1, max(values)) if len(values) == count else None

    return score


def rows_on_disk(folder: Path) -> Sequence[Mapping[str, Any]]:
    """The finished epochs or updates of a training that was interrupted, of its first fold."""
    path = next((path for path in (folder / LAST, folder / "fold-00" / LAST) if path.exists()), None)
    if path is None:
        return []
    header = read_container(path)[1]
    if "memory" in header:
        return [{**row, "fold": 0} for row in header["memory"]["history"]]
    return [
        {**{name.replace(".", "_"): value for name, value in row.items()}, "fold": 0}
        for member in members_of(header["standing"]["history"])
        for row in member
    ]


def figures_of(runs: Sequence[FoldRun], bars_per_year: float) -> dict[str, float | None]:
    """Figures on validation, the mean over folds: of the epoch that is kept, and of the best threshold's net returns.

    Of an agent `net_growth` of the update that is kept, in bps a bar and account. Where no threshold gains anything,
    the Sharpe ratio is that of the one which lost least.
    """
    sharpe = fmean(_sharpe(run, bars_per_year) for run in runs)
    if all("validation_net_growth_bps" in run.facts for run in runs):
        return {"net_growth": fmean(run.facts["validation_net_growth_bps"] for run in runs), "sharpe": sharpe}
    found: dict[str, float | None] = {}
    for name in WATCHED:
        values = [run.facts[f"validation_{name}"] for run in runs]
        found[name] = None if None in values else fmean(values)
    return found | {"sharpe": sharpe}


def _sharpe(run: FoldRun, bars_per_year: float) -> float:
    if not len(run.choice.thetas):
        return 0.0
    figures = performance(run.choice.returns[:, run.choice.place], bars_per_year=bars_per_year)
    return float(figures["sharpe"] or 0.0)


def told(figures: Mapping[str, float | None], goal: Goal) -> float:
    """The objective among a trial's figures.

    Raises:
        TrainError: it is not defined on these samples.
    """
    value = figures["sharpe" if goal == "net_sharpe" else goal]
    if value is None:
        raise TrainError(f"{goal} is not defined on these validation samples")
    return value
