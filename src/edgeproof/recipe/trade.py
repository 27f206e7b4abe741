"""The trading stage: a span's forecasts through the policy and the simulator."""

# S symbols, T bars

from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from edgeproof.backtest.ablations import ablate
from edgeproof.backtest.baselines import baselines, random_entries
from edgeproof.backtest.policies import Policy
from edgeproof.backtest.run import Choice, Replay, choose_theta, hold_return, run_policy, targets
from edgeproof.core.rng import Rng
from edgeproof.data.panel import Panel
from edgeproof.evaluate.figures import trading_figures
from edgeproof.labels.volatility import volatility_over_gaps
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.prepare import Prepared
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.presets import preset
from edgeproof.simulator.track import Track
from edgeproof.train.forecast import Forecast

__all__ = ["Traded", "charged", "choose", "trade"]

VOLATILITY_BARS = 24  # of brackets in volatilities that no label measures


@dataclass(frozen=True)
class Traded:
    """The money of one span.

    Attributes:
        track: over the bars of the span, flat before its first.
        hold_return: f64[bars] of holding the track's own average weights, free of cost.
        benchmarks: net figures of each baseline under the same costs, and `random_entries`: the model's own trades at
            random times; empty where nothing beside the track was asked for.
        ablations: net figures of the same targets under each ablation, and `stamps`, what no market offers of it;
            empty without a threshold, and where nothing beside the track was asked for.
    """

    track: Track
    hold_return: np.ndarray
    benchmarks: dict[str, dict[str, Any]] = field(default_factory=dict)
    ablations: dict[str, dict[str, Any]] = field(default_factory=dict)


def choose(config: RunConfig, prepared: Prepared, forecast: Forecast, bars: slice) -> Choice:
    """Try every threshold on the validation bars."""
    replay = _replay(config, prepared, forecast, bars)
    return choose_theta(_policy(config), replay, config.costs, config.options, keep=config.keep)


def trade(
    config: RunConfig,
    prepared: Prepared,
    forecast: Forecast,
    *,
    theta: float | None,
    bars: slice,
    bars_per_year: float,
    beside: bool = True,
) -> Traded:
    """Trade a span with a threshold that was chosen elsewhere; None never trades.

    Args:
        config: policy and costs.
        prepared: a span that contains the bars.
        forecast: of these bars.
        theta: threshold.
        bars: the span.
        bars_per_year: annualises the figures of benchmarks and ablations.
        beside: also trade benchmarks and ablations.
    """
    replay, options = _replay(config, prepared, forecast, bars), config.options
    track = run_policy(_policy(config), replay, theta, config.costs, options)
    hold = hold_return(track, replay.prices, replay.present)
    if not beside:
        return Traded(track, hold)
    changed = {} if theta is None else _ablations(config, replay, theta, track, bars_per_year)
    return Traded(track, hold, _benchmarks(config, replay, theta, track, bars_per_year), changed)


def _benchmarks(
    config: RunConfig, replay: Replay, theta: float | None, track: Track, bars_per_year: float
) -> dict[str, dict[str, Any]]:
    short = bool(getattr(config.policy, "short", False))
    rules = baselines(replay, config.costs, config.options, short=short)
    found = {name: trading_figures(other, bars_per_year=bars_per_year)["net"] for name, other in rules.items()}
    growth = float(track.equity[-1] / track.equity[0]) - 1.0
    weights = targets(_policy(config), replay, theta, config.options)
    generator = Rng(config.seed).child("baselines").numpy()
    drawn = random_entries(weights, replay, config.costs, config.options, generator, growth=growth)
    return found | ({} if drawn is None else {"random_entries": drawn.figures()})


def _ablations(
    config: RunConfig, replay: Replay, theta: float, track: Track, bars_per_year: float
) -> dict[str, dict[str, Any]]:
    weights, every = targets(_policy(config), replay, theta, config.options), np.ones(len(replay.decide), bool)
    orders = (weights, every, config.costs, config.options)
    outside = replay.outside(config.options)
    changed = ablate(replay.prices, replay.present, orders, outside=outside, track=track)
    return {
        name: trading_figures(other, bars_per_year=bars_per_year)["net"] | {"stamps": list(other.stamps)}
        for name, other in changed.items()
    }


def charged(costs: CostsConfig) -> dict[str, Any]:
    """What the report says of the costs: every charge, and source, date and note of the preset that they are from."""
    found = costs.model_dump()
    if costs.preset is not None:
        schedule = preset(costs.preset)
        found |= {"source": schedule.source, "date": schedule.date, "note": schedule.note}
        found["changed"] = [name for name, value in schedule.charges.items() if found[name] != value]
    return found


def _policy(config: RunConfig) -> Policy:
    return cast("Policy", config.policy)


def _replay(config: RunConfig, prepared: Prepared, forecast: Forecast, bars: slice) -> Replay:
    return Replay(
        p=forecast.probability,
        made=forecast.made,
        decide=prepared.decide,
        prices=prepared.panel.prices,
        present=prepared.panel.present,
        horizon_bars=prepared.labels.horizon_bars,
        volatility=_volatility(config, prepared.panel),
        exposure=config.exposure,
    ).cut(bars)


def _volatility(config: RunConfig, panel: Panel) -> np.ndarray | None:
    """f64[S, T] of one bar where exits are measured in it: the label's own if they are the label's."""
    if not config.options.in_volatilities:
        return None
    if getattr(config.policy, "from_label", False):
        return config.label.barrier_volatility(panel)  # pyright: ignore[reportAttributeAccessIssue] - it has barriers
    return volatility_over_gaps(panel, VOLATILITY_BARS)
