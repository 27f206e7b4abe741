"""Short trainings at many learning rates: what each gains over knowing nothing, and the rate that follows from them.

Each rate has a training of its own from the same weights. Schedule, warm-up, averages and early stopping are off: the
rate is the point's own from the first step to the last. Every point is a trial without thresholds.
"""

import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from edgeproof.backtest.run import Choice
from edgeproof.combine.single import SingleConfig
from edgeproof.core.config import dump_yaml, space
from edgeproof.core.errors import ConfigError, OptionError, TrainError
from edgeproof.core.files import read_json, write_json, write_text
from edgeproof.core.progress import Progress, silent
from edgeproof.recipe.attempt import Bench
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.learn import learn, proven_folds
from edgeproof.recipe.trade import choose
from edgeproof.report.sweep import sweep_page
from edgeproof.rl.curriculum import NoCurriculumConfig
from edgeproof.rl.settings import PpoConfig
from edgeproof.samples.split.fold import Fold
from edgeproof.stats.dependence import long_run_variance
from edgeproof.train.average import NoAverageConfig
from edgeproof.train.schedule import ConstantConfig
from edgeproof.verdict.ready import json_ready

__all__ = [
    "EPOCHS",
    "NEAR",
    "POINTS",
    "UPDATES",
    "shortened",
    "shortened_agent",
    "shown_point",
    "suggested",
    "swept",
    "weak",
]

POINTS, EPOCHS = 20, 2
TENTH = 10  # of an agent's steps, at each rate
UPDATES = 10  # of an agent at each rate, at least: one is held near the policy that it began with, by PPO's clip
LOW, HIGH = 1e-5, 1e-1
TRIM = 1e-7  # of a probability, before its logarithm
NEAR = 0.1  # of the way back from the best to knowing nothing
SURE = 2.0  # standard errors of the best gain, below which it is hardly one
FEW = 0.15  # of the rates are better than knowing nothing by luck or by one another's neighbourhood: 3 of 20


def swept(bench: Bench, folder: Path, points: int, write: Callable[[str], None]) -> tuple[dict[str, Any], str]:
    """Train at every rate; the content of `sweep.json` and the page, both written. Points that lie there are kept.

    Args:
        bench: its config is that of every point, after `shortened`.
        folder: of the sweep.
        points: rates, evenly spaced in orders of magnitude.
        write: where progress lines go.
    """
    fold = proven_folds(bench.config, bench.prepared(bench.config))[-1]
    progress, found, metric = Progress("rate", points, write=write), [], _metric(bench.config)
    for number, rate in enumerate(np.geomspace(LOW, HIGH, points)):
        point = _point(bench, fold, float(f"{rate:.6g}"), folder / "points" / f"{number:03d}")
        found.append(point)
        if bench.tracker is not None:
            bench.tracker.epoch({"epoch": number + 1, "lr": point["rate"], metric: point["value"]})
        progress.step(f"lr {rate:.2e}  {metric} {shown_point(point)}")
    body = json_ready(_body(bench, fold, found))
    page = sweep_page(body)
    write_text(folder / "report.html", page)
    write_json(folder / "sweep.json", body)
    return body, page


def shortened(config: RunConfig, epochs: int) -> RunConfig:
    """The config of every point but for its rate.

    Args:
        config: of a model, that the rate is for.
        epochs: of each point.

    Raises:
        ConfigError: a model that is not trained by a rate.
    """
    if "train.lr" not in space(config):
        raise ConfigError(
            f"model {config.model.model_dump()['name']} has no learning rate of a training (train.lr) to sweep; "
            "`edgeproof tune` varies its own settings"
        )
    update: dict[str, Any] = {"epochs": epochs, "patience": None, "warmup_share": 0.0}
    update |= {"scheduler": ConstantConfig(), "average": NoAverageConfig()}
    return config.model_copy(update={"train": config.train.model_copy(update=update), "combine": SingleConfig()})


def shortened_agent(config: RunConfig, steps: int | None) -> RunConfig:
    """The config of every point but for its rate, of an agent: on the whole market from its first update on.

    Args:
        config: that the rate is for.
        steps: of the environment in each point; none: a tenth of what the config asks for, and ten updates at least.

    Raises:
        OptionError: the steps are so few that no rate could show what it does.
    """
    agent = cast("PpoConfig", config.agent)
    rollout = agent.steps * agent.accounts
    if steps is not None and steps <= (UPDATES - 1) * rollout:
        raise OptionError(
            f"--steps {steps}: an update takes {rollout} steps ({agent.accounts} accounts, {agent.steps} each), and "
            f"after fewer than {UPDATES} updates no rate shows what it does; write --steps {UPDATES * rollout} or more"
        )
    update: dict[str, Any] = {"total_steps": steps or max(-(-agent.total_steps // TENTH), UPDATES * rollout)}
    update |= {"schedule": "none", "warmup_share": 0.0, "curriculum": NoCurriculumConfig()}
    return config.model_copy(update={"agent": agent.model_copy(update=update), "combine": SingleConfig()})


def _metric(config: RunConfig) -> str:
    """What the points are compared by."""
    return "net_growth" if config.has_agent else config.train.loss_metric


def _at(config: RunConfig, rate: float) -> RunConfig:
    part = "agent" if config.has_agent else "train"
    return config.model_copy(update={part: getattr(config, part).model_copy(update={"lr": rate})})


def shown_point(point: Mapping[str, Any]) -> str:
    """The figure of a point, or why it has none."""
    return str(point.get("why")) if point["value"] is None else f"{point['value']:.5f}"


def _point(bench: Bench, fold: Fold, rate: float, place: Path) -> dict[str, Any]:
    """One short training, on record before it is scored; its figure, its checkpoint is not kept."""
    kept = place.with_suffix(".json")
    if kept.is_file():
        return read_json(kept)
    config = _at(bench.config, rate)
    found: dict[str, Any] = {"rate": rate, "value": None}
    try:
        prepared = bench.prepared(config)
        done = learn(config, prepared, bench.ledger, fold, market=bench.span.market, folder=place, write=silent)
        best = next(row for row in done.trained.history if row["best"])
        figure = "validation_score" if config.has_agent else config.train.loss_metric
        found |= {"value": best[figure], "trial": done.trial.id}
        found["gain_errors"] = (
            _earned_errors(choose(config, prepared, done.forecast, done.bars))
            if config.has_agent
            else _gain_errors(done.forecast.probability, prepared.labels.y, fold)
        )
    except TrainError as error:
        found |= {"why": str(error)}
    write_json(kept, found)
    shutil.rmtree(place, ignore_errors=True)
    return found


def _gain_errors(p_ST: np.ndarray, y_ST: np.ndarray, fold: Fold) -> float | None:
    """The gain in log loss over always saying the base rate, in its own standard errors; None where it never varies.

    Bar by bar, with the long-run variance, which sees that neighbouring labels overlap.
    """
    p = np.clip(p_ST.reshape(-1)[fold.validation].astype(np.float64), TRIM, 1 - TRIM)
    y, base = y_ST.reshape(-1)[fold.validation], float(y_ST.reshape(-1)[fold.train].mean())
    gain = np.where(y > 0, np.log(p / base), np.log((1 - p) / (1 - base)))
    _, bar = np.unique(fold.validation % y_ST.shape[1], return_inverse=True)
    return _in_errors(np.bincount(bar, gain) / np.bincount(bar))


def _earned_errors(choice: Choice) -> float | None:
    """What an agent's book earns a bar, in its own standard errors: knowing nothing it would stay out."""
    return _in_errors(choice.returns[:, choice.place]) if len(choice.thetas) else None


def _in_errors(gains_T: np.ndarray) -> float | None:
    error = math.sqrt((long_run_variance(gains_T) or 0.0) / len(gains_T))
    return float(gains_T.mean()) / error if error > 0.0 else None


def weak(points: Sequence[Mapping[str, Any]], nothing: float, sign: int) -> bool:
    """Whether even the best rate is hardly better than knowing nothing, or the smallest one as good as the best.

    Args:
        points: `value` of each, by rising rate, and `gain_errors` where it is known.
        nothing: the value of knowing nothing.
        sign: 1 where a smaller value is better, else -1.
    """
    better = [point for point in points if point["value"] is not None and sign * (nothing - point["value"]) > 0]
    if len(better) < max(1, round(FEW * len(points))):
        return True
    losses = [sign * point["value"] for point in points if point["value"] is not None]
    if losses[0] <= _enough(losses, sign * nothing):
        return True
    errors = min(better, key=lambda point: sign * point["value"]).get("gain_errors")
    return errors is not None and errors < SURE


def _body(bench: Bench, fold: Fold, found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    config, metric, y = bench.config, _metric(bench.config), bench.prepared(bench.config).labels.y.reshape(-1)
    base = float(y[fold.train].mean())
    nothing = _nothing(metric, base, float(y[fold.validation].mean()))
    length = (
        {"steps": config.agent.model_dump()["total_steps"]} if config.has_agent else {"epochs": config.train.epochs}
    )
    known = [(point["rate"], point["value"]) for point in found if point["value"] is not None]
    sign = 1 if metric == "log_loss" else -1
    best = min(known, key=lambda pair: sign * pair[1], default=None)
    return {
        "model": config.learner,
        "key": "agent.lr" if config.has_agent else "train.lr",
        "metric": metric,
        **length,
        "points": list(found),
        "nothing": nothing,
        "best": None if best is None else best[0],
        "suggested": suggested([rate for rate, _ in known], [sign * value for _, value in known], sign * nothing),
        "weak": weak(found, nothing, sign),
        "config": dump_yaml(config),
    }


def _nothing(metric: str, trained: float, base: float) -> float:
    """What the figure is of a forecast that is always the training samples' share of positives, or of staying out."""
    if metric == "log_loss":
        return -(base * math.log(trained) + (1 - base) * math.log(1 - trained))
    return {"net_growth": 0.0, "auc": 0.5, "f1_plus": 2 * base / (1 + base), "recall": 1.0}.get(metric, base)


def suggested(rates: Sequence[float], losses: Sequence[float], nothing: float) -> float | None:
    """The smallest rate that reaches nine tenths of the best one's gain over knowing nothing; None if none gains.

    Small, because a longer training with a schedule has more steps than a point of the sweep.

    Args:
        rates: rising.
        losses: of each; smaller is better.
        nothing: the loss of knowing nothing.
    """
    if not losses or not min(losses) < nothing:
        return None
    enough = _enough(losses, nothing)
    return next(rate for rate, loss in zip(rates, losses, strict=True) if loss <= enough)


def _enough(losses: Sequence[float], nothing: float) -> float:
    """The loss that has nine tenths of the best one's gain."""
    return min(losses) + NEAR * (nothing - min(losses))
