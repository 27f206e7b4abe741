"""What an account reads beside its own state, laid out by bar, every price checked before it is traded on."""

# A assets, T bars

from dataclasses import dataclass

import numba
import numpy as np

from edgeproof.core.errors import DataError, OptionError
from edgeproof.core.lately import known_before
from edgeproof.simulator.account import Feed
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.impact import impact_rates
from edgeproof.simulator.options import Options

__all__ = ["Outside", "by_bar", "feed_of"]

BLOCK = 64  # bars: 64 x 143 prices in and out stay in the second-level cache
NOTHING = np.empty((0, 0))


@dataclass(frozen=True)
class Outside:
    """Series that some options read beside the bars; a series that no option reads is refused.

    Attributes:
        volatility: f64[A, T] of one bar, known at the close of t, for brackets in volatilities. Where it is not a
            positive number nothing is opened; what reduces or closes a position is traded.
        funding_rate: f64[A, T] share of notional that longs pay to shorts at the open of t, 0 where none is due.
        impact_volatility: f64[A, T] of one bar, known at the close of t, for impact instead of the one that it measures
            over `impact_bars`.
    """

    volatility: np.ndarray | None = None
    funding_rate: np.ndarray | None = None
    impact_volatility: np.ndarray | None = None


@numba.njit(cache=True, nogil=True)
def _unpack(prices: np.ndarray, first: int, second: int, one: np.ndarray, other: np.ndarray) -> None:
    """Copy two columns by bar: the kernel walks over assets inside a bar (41 -> 23 ms)."""
    for start in range(0, len(one), BLOCK):
        for a in range(len(prices)):
            for t in range(start, min(start + BLOCK, len(one))):
                one[t, a], other[t, a] = prices[a, t, first], prices[a, t, second]


@numba.njit(cache=True, nogil=True)
def _count_bad(values: np.ndarray, present: np.ndarray) -> int:
    """How many present bars hold something that is no price."""
    bad = 0
    for t in range(values.shape[0]):
        for a in range(values.shape[1]):
            value = values[t, a]
            bad += present[t, a] & ((not value > 0.0) | (value == np.inf))
    return bad


def feed_of(prices: np.ndarray, present: np.ndarray, costs: CostsConfig, options: Options, outside: Outside) -> Feed:
    """What the kernel reads, by bar.

    Raises:
        OptionError: a series that is needed and missing, or given and not read.
        DataError: a present bar without a usable price, high and low that do not hold open and close, a volume or a
            funding rate that is no number.
    """
    _require_series(present.shape, costs, options, outside)
    opens, closes = _columns(prices, 0, 3)
    shown = by_bar(present)
    if _count_bad(opens, shown) + _count_bad(closes, shown) > 0:
        usable = (prices[:, :, [0, 3]] > 0.0) & (prices[:, :, [0, 3]] < np.inf)
        a, t, column = np.argwhere(present[:, :, np.newaxis] & ~usable)[0]
        raise DataError(
            f"simulator: the {('open', 'close')[column]} of asset {a} at bar {t} is {prices[a, t, 3 * column]}, "
            "which is no price; mask the bar"
        )
    volatility, funding, impact, capacity, high, low = (NOTHING,) * 6
    if options.has_bracket:
        high, low = _columns(prices, 1, 2)
        _check_range(opens, high, low, closes, shown)
    if options.in_volatilities and outside.volatility is not None:
        volatility = by_bar(np.where(np.isfinite(outside.volatility), outside.volatility, 0.0))
    if outside.funding_rate is not None:
        funding = by_bar(np.asarray(outside.funding_rate, np.float64))
    if costs.impact > 0.0 or options.participation > 0.0:
        _check_volume(prices, present)
    if costs.impact > 0.0:
        rates = impact_rates(prices, present, costs.impact, costs.impact_bars, volatility=outside.impact_volatility)
        impact = by_bar(rates)
    if options.participation > 0.0:
        capacity = by_bar(options.participation * known_before(prices[:, :, 4], present, 0.0))
    return Feed(opens, high, low, closes, shown, volatility, funding, impact, capacity)


def _columns(prices: np.ndarray, first: int, second: int) -> tuple[np.ndarray, np.ndarray]:
    """Two columns of the prices by bar, f64[T, A] each."""
    shape = (prices.shape[1], prices.shape[0])
    one, other = np.empty(shape), np.empty(shape)
    _unpack(prices, first, second, one, other)
    return one, other


def _require_series(shape: tuple[int, ...], costs: CostsConfig, options: Options, outside: Outside) -> None:
    """Refuse a series that nothing reads, one that is missing, and one of another shape."""
    if outside.volatility is None and options.in_volatilities:
        raise OptionError("simulator: a bracket in volatilities reads Outside.volatility f64[A, T]; give it")
    unread = {"volatility": not options.in_volatilities, "impact_volatility": costs.impact == 0.0}
    for name in ("volatility", "funding_rate", "impact_volatility"):
        series = getattr(outside, name)
        if series is not None and unread.get(name, False):
            raise OptionError(f"simulator series {name} is read by no option that is on; leave it out")
        if series is not None and series.shape != shape:
            raise DataError(f"simulator: series {name} {series.shape} does not match the bars {shape}")
    if outside.funding_rate is not None and not np.isfinite(outside.funding_rate).all():
        a, t = np.argwhere(~np.isfinite(outside.funding_rate))[0]
        raise DataError(f"simulator: the funding rate of asset {a} at bar {t} is not finite; write 0 where none is due")


def _check_range(open_: np.ndarray, high: np.ndarray, low: np.ndarray, close: np.ndarray, shown: np.ndarray) -> None:
    """A bracket is only as good as the bar's range."""
    fits = (low > 0.0) & (low <= open_) & (low <= close) & (high >= open_) & (high >= close) & (high < np.inf)
    if not fits[shown].all():
        t, a = np.argwhere(shown & ~fits)[0]
        raise DataError(
            f"simulator: high {high[t, a]} and low {low[t, a]} of asset {a} at bar {t} do not hold its open "
            f"{open_[t, a]} and close {close[t, a]}; mask the bar"
        )


def _check_volume(prices: np.ndarray, present: np.ndarray) -> None:
    volume = prices[:, :, 4]
    bad = present & ~((volume >= 0.0) & (volume < np.inf))
    if bad.any():
        a, t = np.argwhere(bad)[0]
        raise DataError(f"simulator: the volume of asset {a} at bar {t} is {volume[a, t]}; mask the bar")


def by_bar(values: np.ndarray) -> np.ndarray:
    """[..., A, T] as a contiguous [..., T, A] that may be written, which one asset's is already."""
    swapped = np.swapaxes(values, -1, -2)
    return swapped if swapped.flags.c_contiguous and swapped.flags.writeable else np.array(swapped, order="C")
