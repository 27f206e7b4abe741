"""The trading stage: a span's forecasts through the policy and the simulator."""

# S symbols, T bars

from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from edgeproof.backtest.policy import ThresholdConfig
from edgeproof.backtest.run import Choice, Replay, choose_theta, hold_return, run_policy
from edgeproof.evaluate.figures import trading_figures
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.prepare import Prepared
from edgeproof.simulator.engines import simulate
from edgeproof.simulator.options import Options
from edgeproof.simulator.track import Track
from edgeproof.train.forecast import Forecast

__all__ = ["Traded", "choose", "trade"]

# An asset without a bar for a day is closed at its last price: longer than any outage of a large venue, 4 hours.
OPTIONS = Options(delisting_bars=24)


@dataclass(frozen=True)
class Traded:
    """The money of one span.

    Attributes:
        track: over the bars of the span, flat before its first.
        hold_return: f64[bars] of holding the track's own average weights, free of cost.
        benchmarks: net figures of buy and hold under the same costs.
    """

    track: Track
    hold_return: np.ndarray
    benchmarks: dict[str, dict[str, Any]] = field(default_factory=dict)


def choose(config: RunConfig, prepared: Prepared, forecast: Forecast, bars: slice) -> Choice:
    """Try every threshold on the validation bars."""
    return choose_theta(_policy(config), _replay(prepared, forecast, bars), config.costs, OPTIONS)


def trade(
    config: RunConfig, prepared: Prepared, forecast: Forecast, *, theta: float | None, bars: slice, bars_per_year: float
) -> Traded:
    """Trade a span with a threshold that was chosen elsewhere; None never trades.

    Args:
        config: policy and costs.
        prepared: a span that contains the bars.
        forecast: of these bars.
        theta: threshold.
        bars: the span.
        bars_per_year: annualises the benchmarks' figures.
    """
    replay = _replay(prepared, forecast, bars)
    track = run_policy(_policy(config), replay, theta, config.costs, OPTIONS)
    held = trading_figures(_buy_and_hold(config, replay), bars_per_year=bars_per_year)["net"]
    return Traded(track, hold_return(track, replay.prices, replay.present), {"buy_and_hold": held})


def _buy_and_hold(config: RunConfig, replay: Replay) -> Track:
    """Equal weights bought once and held, under the same costs."""
    weights = np.full(replay.p.shape, 1.0 / len(replay.p))
    every = np.ones(len(replay.decide), dtype=bool)
    return simulate(replay.prices, replay.present, weights, every, config.costs, options=OPTIONS)


def _policy(config: RunConfig) -> ThresholdConfig:
    return cast("ThresholdConfig", config.policy)  # or an outside policy with the same two methods


def _replay(prepared: Prepared, forecast: Forecast, bars: slice) -> Replay:
    return Replay(
        p=forecast.probability,
        made=forecast.made,
        decide=prepared.decide,
        prices=prepared.panel.prices,
        present=prepared.panel.present,
        horizon_bars=prepared.labels.horizon_bars,
    ).cut(bars)
