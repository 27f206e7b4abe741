"""A sweep of the learning rate: short trainings over four orders of magnitude, each scored on validation and counted.

After Smith (2017), "Cyclical learning rates for training neural networks", whose range test raises the rate within one
training. Here every rate has a training of its own from the same weights, so that a point says what its rate does and
not what the rates before it left behind; it costs a few epochs each. Schedule, warm-up, averages and early stopping are
off: the rate is the point's own from the first step to the last.
"""

import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgeproof.combine.single import SingleConfig
from edgeproof.core.config import dump_yaml, space
from edgeproof.core.device import set_threads
from edgeproof.core.errors import ConfigError, OptionError, TrainError
from edgeproof.core.files import read_json, write_json, write_text
from edgeproof.core.progress import Progress, silent
from edgeproof.data.store import Market
from edgeproof.ledger.store import Ledger
from edgeproof.ledger.workspace import find_workspace
from edgeproof.recipe.attempt import Bench, checked
from edgeproof.recipe.claim import claim_folder
from edgeproof.recipe.config import RunConfig, load_run_config
from edgeproof.recipe.learn import learn, proven_folds
from edgeproof.recipe.prepare import open_bars
from edgeproof.recipe.run import market_of, to_terminal
from edgeproof.recipe.tracking import run_card
from edgeproof.recipe.transfer import with_parent
from edgeproof.report.sweep import sweep_page
from edgeproof.samples.split.fold import Fold
from edgeproof.stats.dependence import long_run_variance
from edgeproof.train.average import NoAverageConfig
from edgeproof.train.loggers.tracker import open_tracker, tracked
from edgeproof.train.schedule import ConstantConfig
from edgeproof.verdict.ready import json_ready

__all__ = ["Sweep", "suggested", "sweep", "weak"]

LOW, HIGH = 1e-5, 1e-1
TRIM = 1e-7  # of a probability, before its logarithm
NEAR = 0.1  # of the way back from the best to knowing nothing
SURE = 2.0  # standard errors of the best gain, below which it is hardly one
FEW = 0.15  # of the rates are better than knowing nothing by luck or by one another's neighbourhood: 3 of 20


@dataclass(frozen=True)
class Sweep:
    """A finished sweep.

    Attributes:
        folder: where `sweep.json` and `report.html` lie.
        body: the content of `sweep.json`: `metric`, `points` (`rate`, `value`, `trial`, and `why` where it failed),
            `nothing`, `best`, `suggested`, and `weak` where even the best is hardly better than nothing.
    """

    folder: Path
    body: dict[str, Any]

    def lines(self) -> list[str]:
        """One line a rate, and what follows from them."""
        body = self.body
        said = [f"  lr {point['rate']:<9.2e} {_shown(point)}" for point in body["points"]]
        if body["suggested"] is None:
            nothing = f"knowing nothing ({body['metric']} {body['nothing']:.5f})"
            return [*said, f"No rate is better than {nothing}: none is suggested."]
        rule = f"the smallest rate that reaches {1 - NEAR:.0%} of what the best one gains over knowing nothing"
        weak = " Hardly better than knowing nothing: do not lean on it." if body["weak"] else ""
        return [*said, f"Suggested: train.lr={body['suggested']:.2g} ({rule}).{weak}"]


def _shown(point: Mapping[str, Any]) -> str:
    return str(point.get("why")) if point["value"] is None else f"{point['value']:.5f}"


def sweep(
    config: Path | str | Mapping[str, Any] | RunConfig,
    market: Market | Path | str | None = None,
    *,
    out: Path | str = "sweep",
    workspace: Path | str | None = None,
    overrides: Sequence[str] = (),
    points: int = 20,
    epochs: int = 2,
    write: Callable[[str], None] = to_terminal,
) -> Sweep:
    """Train shortly at each of many rates between 1e-5 and 1e-1, and suggest one.

    Args:
        config: a YAML file, a mapping, or a config; `train.loss_metric` is the figure that is looked at.
        market: a market, its folder, or None for the config's own.
        out: folder of the sweep; one of the same config and market goes on.
        workspace: folder whose ledger counts: every point is a trial.
        overrides: such as `model=mlp`.
        points: rates, evenly spaced in orders of magnitude.
        epochs: of each training.
        write: where progress lines go.

    Raises:
        EdgeproofError: bad input, in one line.
    """
    if points < 3 or epochs < 1:
        raise OptionError(f"--points {points} --epochs {epochs}: at least 3 points of 1 epoch are a sweep")
    settings = with_parent(_short(load_run_config(config, overrides), epochs))
    opened, folder = market_of(settings, market), Path(out)
    ledger = Ledger(find_workspace(None if workspace is None else Path(workspace), opened.path))
    set_threads()
    bench = Bench(settings, opened, open_bars(settings, opened, ledger), ledger)
    checked(bench)
    identity = {"config": settings.anywhere().model_dump(mode="json"), "market": opened.identity, "points": points}
    claim_folder(folder, identity | {"workspace": str(ledger.workspace)}, "sweep")
    card = run_card(settings, opened, kind="sweep", phase="search")
    tracker = open_tracker(settings.tracking, folder, card, workspace=ledger.workspace)
    with tracked(tracker, write):
        body, page = _swept(replace(bench, tracker=tracker), folder, points, write)
        if tracker is not None:
            tracker.figures({name: body[name] for name in ("best", "suggested", "nothing")})
            tracker.outbox.json("sweep.json", body)
            tracker.outbox.text("report.html", page)
    return Sweep(folder, body)


def _swept(bench: Bench, folder: Path, points: int, write: Callable[[str], None]) -> tuple[dict[str, Any], str]:
    """Train at every rate; the content of `sweep.json` and the page, both written."""
    fold = proven_folds(bench.config, bench.prepared(bench.config))[-1]
    progress, found = Progress("rate", points, write=write), []
    for number, rate in enumerate(np.geomspace(LOW, HIGH, points)):
        point = _point(bench, fold, float(f"{rate:.6g}"), folder / "points" / f"{number:03d}")
        found.append(point)
        if bench.tracker is not None:
            bench.tracker.epoch(
                {"epoch": number + 1, "lr": point["rate"], bench.config.train.loss_metric: point["value"]}
            )
        progress.step(f"lr {rate:.2e}  {bench.config.train.loss_metric} {_shown(point)}")
    body = json_ready(_body(bench, fold, found))
    page = sweep_page(body)
    write_text(folder / "report.html", page)
    write_json(folder / "sweep.json", body)
    return body, page


def _short(config: RunConfig, epochs: int) -> RunConfig:
    """The config of every point but for its rate.

    Raises:
        ConfigError: the model is not trained by a rate.
    """
    if "train.lr" not in space(config):
        raise ConfigError(
            f"model {config.model.model_dump()['name']} has no learning rate of a training (train.lr) to sweep; "
            "`edgeproof tune` varies its own settings"
        )
    update: dict[str, Any] = {"epochs": epochs, "patience": None, "warmup_share": 0.0}
    update |= {"scheduler": ConstantConfig(), "average": NoAverageConfig()}
    return config.model_copy(update={"train": config.train.model_copy(update=update), "combine": SingleConfig()})


def _point(bench: Bench, fold: Fold, rate: float, place: Path) -> dict[str, Any]:
    """One short training, on record before it is scored; its figure, its checkpoint is not kept."""
    kept = place.with_suffix(".json")
    if kept.is_file():
        return read_json(kept)
    config = bench.config.model_copy(update={"train": bench.config.train.model_copy(update={"lr": rate})})
    found: dict[str, Any] = {"rate": rate, "value": None}
    try:
        done = learn(
            config, bench.prepared(config), bench.ledger, fold, market=bench.span.market, folder=place, write=silent
        )
        best = next(row for row in done.trained.history if row["best"])
        found |= {"value": best[config.train.loss_metric], "trial": done.trial.id}
        found["gain_errors"] = _gain_errors(done.forecast.probability, bench.prepared(config).labels.y, fold)
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
    gains_T = np.bincount(bar, gain) / np.bincount(bar)
    error = math.sqrt((long_run_variance(gains_T) or 0.0) / len(gains_T))
    return float(gains_T.mean()) / error if error > 0.0 else None


def weak(points: Sequence[Mapping[str, Any]], nothing: float, sign: int) -> bool:
    """Whether even the best rate is hardly better than knowing nothing.

    Args:
        points: `value` of each, and `gain_errors` where it is known.
        nothing: the value of knowing nothing.
        sign: 1 where a smaller value is better, else -1.
    """
    better = [point for point in points if point["value"] is not None and sign * (nothing - point["value"]) > 0]
    if len(better) < max(1, round(FEW * len(points))):
        return True
    errors = min(better, key=lambda point: sign * point["value"]).get("gain_errors")
    return errors is not None and errors < SURE


def _body(bench: Bench, fold: Fold, found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    metric, y = bench.config.train.loss_metric, bench.prepared(bench.config).labels.y.reshape(-1)
    base = float(y[fold.train].mean())
    nothing = _nothing(metric, base, float(y[fold.validation].mean()))
    known = [(point["rate"], point["value"]) for point in found if point["value"] is not None]
    sign = 1 if metric == "log_loss" else -1
    best = min(known, key=lambda pair: sign * pair[1], default=None)
    return {
        "model": bench.config.model.model_dump()["name"],
        "metric": metric,
        "epochs": bench.config.train.epochs,
        "points": list(found),
        "nothing": nothing,
        "best": None if best is None else best[0],
        "suggested": suggested([rate for rate, _ in known], [sign * value for _, value in known], sign * nothing),
        "weak": weak(found, nothing, sign),
        "config": dump_yaml(bench.config),
    }


def _nothing(metric: str, trained: float, base: float) -> float:
    """What the figure is of a forecast that is always the training samples' share of positives."""
    if metric == "log_loss":
        return -(base * math.log(trained) + (1 - base) * math.log(1 - trained))
    return {"auc": 0.5, "f1_plus": 2 * base / (1 + base), "recall": 1.0}.get(metric, base)


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
    enough = min(losses) + NEAR * (nothing - min(losses))
    return next(rate for rate, loss in zip(rates, losses, strict=True) if loss <= enough)
