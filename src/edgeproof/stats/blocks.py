"""The one test that decides: t of 14 equal consecutive blocks, lowered where the units are negatively skewed.

With few, unequal and dependent blocks the t test on block sums stays conservative at one-sided 5% up to 14 blocks
(Ibragimov & Mueller 2010), whatever the dependence inside a block, and it has no bandwidth to choose.
"""

# T bars, U units, K openings

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

__all__ = [
    "BLOCKS",
    "BlockTest",
    "alpha",
    "block_sums",
    "block_t",
    "skewness",
    "traded_blocks",
    "units",
    "upper_bound",
]

BLOCKS = 14
_FREEDOM = BLOCKS - 1
_FIRST, _LATER = 0.04, 0.01
_STILL, _NOTHING = 1e-12, 1e-50  # a spread below this share of the largest value, or at all, is not variation


@dataclass(frozen=True)
class BlockTest:
    """What the blocks say about one series.

    Attributes:
        t: sqrt(14) mean(B) / sd(B) of the block sums; 0 where they do not vary.
        adjusted: t lowered by Johnson's term where the units are negatively skewed.
        p: one-sided p-value of `adjusted` with 13 degrees of freedom; 0.5 for zeros, None where it cannot be said.
        units: number of units.
        skew: skewness of the units, 0 where undefined.
        flag: None, "short" (fewer than 14 bars), "constant" (bars or block sums do not vary) or "not_finite".
    """

    t: float
    adjusted: float
    p: float | None
    units: int
    skew: float
    flag: str | None


def alpha(opening: int) -> float:
    """Level at the k-th opening of a span: 0.04, then 0.01/(k(k-1)); all of them sum to 0.05.

    So the chance of any false claim is at most 0.05 for any dependence between the candidates: sum over k >= 2 of
    1/(k(k-1)) telescopes to 1.
    """
    if opening < 1:
        raise ValueError(f"opening {opening}: the first opening of a span is number 1")
    return _FIRST if opening == 1 else _LATER / (opening * (opening - 1))


def block_sums(x: np.ndarray) -> np.ndarray:
    """Sums over 14 equal consecutive blocks (sizes differ by at most one bar), f64[14]."""
    return np.bincount(_block_of(len(x)), x, BLOCKS)


def traded_blocks(in_market: np.ndarray) -> int:
    """How many of the 14 blocks hold a bar with a position."""
    return int(np.count_nonzero(block_sums(np.asarray(in_market, dtype=np.float64))))


def units(x: np.ndarray, in_market: np.ndarray, *, bars_per_day: int, horizon_bars: int = 1) -> np.ndarray:
    """Sums over units: episodes if in the market in under half of the bars, else days (at least one label horizon).

    Args:
        x: f64[T] returns per bar.
        in_market: bool[T] bars with any position; an episode is a run of them.
        bars_per_day: 24 on hourly bars, 1 on daily.
        horizon_bars: of the label.
    """
    held = np.asarray(in_market, dtype=bool)
    if held.size and held.mean() < 0.5:
        edge = np.flatnonzero(np.diff(np.r_[0, held.astype(np.int8), 0]))
        total = np.r_[0.0, np.cumsum(x)]
        return total[edge[1::2]] - total[edge[::2]]
    length = max(1, bars_per_day, horizon_bars)
    whole = len(x) // length * length
    return np.asarray(x[:whole], dtype=np.float64).reshape(-1, length).sum(axis=1)


def skewness(x: np.ndarray) -> float | None:
    """Third standardised moment with divisor n; None for fewer than 3 values or no variation."""
    if len(x) < 3 or not np.isfinite(x).all() or _is_still(x):
        return None
    centred = x - x.mean()
    return float((centred**3).mean() / (centred**2).mean() ** 1.5)


def block_t(x: np.ndarray, in_market: np.ndarray, *, bars_per_day: int, horizon_bars: int = 1) -> BlockTest:
    """One-sided test that the mean of a series is above zero.

    t = sqrt(14) mean(B) / sd(B, ddof 1) of the 14 block sums (Ibragimov & Mueller 2010, JBES 28:453), then
    t + min(g, 0)/(6 sqrt(m)) (2 t^2 + 1) with the skewness g of the m units (Johnson 1978, JASA 73:536).

    Args:
        x: f64[T] net return per bar, zeros kept.
        in_market: bool[T] bars with any position.
        bars_per_day: 24 on hourly bars, 1 on daily.
        horizon_bars: of the label.
    """
    x = np.asarray(x, dtype=np.float64)
    if not np.isfinite(x).all():
        return BlockTest(0.0, 0.0, None, 0, 0.0, "not_finite")
    parts = units(x, in_market, bars_per_day=bars_per_day, horizon_bars=horizon_bars)
    skew = skewness(parts) or 0.0
    if len(x) < BLOCKS:
        return BlockTest(0.0, 0.0, None, len(parts), skew, "short")
    sums = block_sums(x)
    if _is_still(x) or _is_still(sums):  # equal bars make unequal sums where blocks differ by a bar
        return BlockTest(0.0, 0.0, 0.5 if not sums.any() else None, len(parts), skew, "constant")
    t = float(sums.mean() / sums.std(ddof=1) * np.sqrt(BLOCKS))
    adjusted = t + min(skew, 0.0) / (6 * np.sqrt(max(len(parts), 1))) * (2 * t * t + 1)
    return BlockTest(t, float(adjusted), float(stdtr(_FREEDOM, -adjusted)), len(parts), skew, None)


def upper_bound(x: np.ndarray, *, level: float = 0.95) -> float | None:
    """Upper confidence bound of the mean per bar over its standard deviation, from the blocks.

    (mean + t_{level,13} sd(B_mean)/sqrt(14)) / sd(bar, divisor T). None for fewer than 14 bars or no variation.
    """
    x = np.asarray(x, dtype=np.float64)
    if len(x) < BLOCKS or not np.isfinite(x).all() or _is_still(x):
        return None
    means = block_sums(x) / np.bincount(_block_of(len(x)), minlength=BLOCKS)
    error = means.std(ddof=1) / np.sqrt(BLOCKS)
    return float((x.mean() + stdtrit(_FREEDOM, level) * error) / x.std())


def _block_of(bars: int) -> np.ndarray:
    return np.arange(bars) * BLOCKS // max(bars, 1)


def _is_still(x: np.ndarray) -> bool:
    return bool(np.ptp(x) <= max(_STILL * np.abs(x).max(), _NOTHING))
