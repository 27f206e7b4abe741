"""The regimes of a run's market, and a span of it seen regime by regime."""

# S symbols, T bars

from typing import cast

import numpy as np
import polars as pl

from edgeproof.core.clock import bars_per_day
from edgeproof.core.rng import Rng
from edgeproof.evaluate.regimes import ByRegime, Scored, by_regime
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.prepare import Prepared
from edgeproof.recipe.trade import Traded
from edgeproof.regimes.rules import RulesConfig
from edgeproof.train.forecast import Forecast

__all__ = ["regime_column", "span_by_regime"]


def span_by_regime(  # noqa: PLR0913 - a span that was forecast and traded
    config: RunConfig,
    prepared: Prepared,
    forecast: Forecast,
    traded: Traded,
    scored: np.ndarray,
    *,
    bars: slice,
    bars_per_year: float,
    volatility: np.ndarray | None,
    truth: np.ndarray | None,
) -> ByRegime:
    """Figures of a span in each regime; a regime is known from the bars up to its own, those before the span included.

    Args:
        config: the run's config.
        prepared: a span of the market that contains the bars; nothing beyond it is read.
        forecast: on the panel.
        traded: over the bars.
        scored: bool[S, T] forecasts of the bars whose label is known.
        bars: the span.
        bars_per_year: annualises.
        volatility: f[S, T] trailing volatility.
        truth: f[S, T] true probability of the label, where it is known.
    """
    rule = cast("RulesConfig", config.regimes)  # or any other part of REGIMES
    cut = (slice(None), bars)
    given = Scored(
        forecast.probability[cut],
        prepared.labels.y[cut],
        scored[cut],
        None if volatility is None else volatility[cut],
        None if truth is None else truth[cut],
    )
    return by_regime(
        rule.regimes(prepared.panel),
        bars,
        traded.track,
        traded.hold_return,
        rng=Rng(config.seed).child("regimes"),
        bars_per_year=bars_per_year,
        bars_per_day=bars_per_day(prepared.panel.interval_ns),
        horizon_bars=prepared.labels.horizon_bars,
        forecasts=given,
    )


def regime_column(found: ByRegime | None, bars: int) -> pl.Series:
    """The name of each bar's regime for the run's table of money, null where it is not known."""
    if found is None:
        return pl.Series("regime", [None] * bars, dtype=pl.String)
    return pl.Series("regime", [found.names[c] if c >= 0 else None for c in found.code.tolist()], dtype=pl.String)
