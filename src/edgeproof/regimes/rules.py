"""Bull or bear, calm or wild: the market's trend and volatility, held against what had been usual until then."""

# T bars

import heapq
from math import isfinite
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from edgeproof.core.clock import bars_per_day
from edgeproof.core.config import Config
from edgeproof.data.panel import Panel
from edgeproof.regimes.regime import UNKNOWN, Regimes, market_index

__all__ = ["RulesConfig", "expanding_median", "rolling_volatility"]

NAMES = ("bull_calm", "bull_wild", "bear_calm", "bear_wild")
Days = Annotated[float, Field(gt=0.0, le=1000.0)]


class RulesConfig(Config):
    """Four regimes of the equal-weight market, each known at the close of its bar.

    bear: the market stands no higher than `trend_days` ago; wild: its volatility of `volatility_days` is above the
    median of all such values so far, this one included.

    Attributes:
        trend_days: days of bars round the clock that the trend looks back; at least 2 bars.
        volatility_days: days that the volatility is taken over; at least 5 bars.
        history_days: days of volatilities that there must be before their median is trusted; at least 20 bars.
    """

    name: Literal["rules"] = "rules"
    trend_days: Days = 30.0
    volatility_days: Days = 10.0
    history_days: Days = 30.0

    def regimes(self, panel: Panel) -> Regimes:
        """The regime of every bar of a panel."""
        per_day = bars_per_day(panel.interval_ns)
        trend_bars = max(2, round(self.trend_days * per_day))
        change, known = market_index(panel.prices, panel.present)
        volatility = rolling_volatility(change, known, max(5, round(self.volatility_days * per_day)))
        usual = expanding_median(volatility, max(20, round(self.history_days * per_day)))
        growth = np.cumsum(np.log1p(np.maximum(change, -1.0 + 1e-12)))
        trend = np.full(len(change), np.nan)
        trend[trend_bars:] = growth[trend_bars:] - growth[:-trend_bars]
        ready = np.isfinite(usual) & np.isfinite(volatility) & np.isfinite(trend)
        with np.errstate(invalid="ignore"):
            code = 2 * (trend <= 0.0) + (volatility > usual)
        rule = (
            f"Bear: the equal-weight market stands no higher than {self.trend_days:g} days ago, else bull. Wild: its "
            f"volatility of {self.volatility_days:g} days is above the median of all such values until then, else calm."
        )
        return Regimes(np.where(ready, code, UNKNOWN).astype(np.int8), NAMES, rule)


def rolling_volatility(change: np.ndarray, known: np.ndarray, bars: int) -> np.ndarray:
    """Root of the mean square of the known changes of the last `bars` bars, f64[T].

    NaN before `bars` bars have passed, and where fewer than half of them are known.
    """
    square, count = np.r_[0.0, np.cumsum(np.where(known, change, 0.0) ** 2)], np.r_[0, np.cumsum(known)]
    out = np.full(len(change), np.nan)
    if len(change) < bars:
        return out
    number = count[bars:] - count[:-bars]
    mean = (square[bars:] - square[:-bars]) / np.maximum(number, 1)
    out[bars - 1 :] = np.where(2 * number >= bars, np.sqrt(np.maximum(mean, 0.0)), np.nan)
    return out


def expanding_median(values: np.ndarray, least: int) -> np.ndarray:
    """Median of all finite values up to each bar, f64[T]; NaN until there are `least` of them.

    Two heaps hold the lower and the upper half, so that each bar costs a logarithm of their number.
    """
    low: list[float] = []  # negated: its first is the largest of the lower half
    high: list[float] = []
    out = np.full(len(values), np.nan)
    for t, value in enumerate(values.tolist()):
        if isfinite(value):
            heapq.heappush(high, -heapq.heappushpop(low, -value))
            if len(high) > len(low):
                heapq.heappush(low, -heapq.heappop(high))
        if len(low) + len(high) >= least:
            out[t] = -low[0] if len(low) > len(high) else (high[0] - low[0]) / 2
    return out
