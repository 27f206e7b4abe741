"""Stationary bootstrap with automatic block length: intervals for display, from prefix sums.

Resampled means and Sharpe ratios are functions of sums over blocks, so a resample costs one look-up a block and not
one a bar.
"""

# T bars, Z repetitions, K blocks of a resample

import math
from dataclasses import dataclass

import numpy as np

__all__ = ["Interval", "automatic_block", "resampled_moments", "sharpe_interval"]

_STILL, _NOTHING = 1e-12, 1e-50  # variation below this share of the size, or at all, is rounding
_CHUNK_CELLS = 1_000_000


@dataclass(frozen=True)
class Interval:
    """Percentile interval of the mean and of the Sharpe ratio per bar, and the mean block length that gave it."""

    mean_low: float
    mean_high: float
    sharpe_low: float
    sharpe_high: float
    block_bars: float
    repetitions: int


def automatic_block(x: np.ndarray) -> float | None:
    """Mean block length of the stationary bootstrap that suits the series' autocorrelation.

    b = (2 G^2 / D)^(1/3) T^(1/3) with D = 2 g^2, G = sum w(k/M)|k| R_k, g = sum w(k/M) R_k over |k| <= M, flat-top
    w, M twice the first lag after which K = max(5, log10 T) autocorrelations stay below 2 sqrt(log10 T / T)
    (Politis & White 2004, Econometric Reviews 23:53; Patton, Politis & White 2009). At least 1, at most
    ceil(min(3 sqrt T, T/3)). None for fewer than 20 bars or no variation.
    """
    x = np.asarray(x, dtype=np.float64)
    n = x.size
    if n < 20 or np.ptp(x) <= max(_STILL * np.abs(x).max(), _NOTHING):
        return None
    run = max(5, int(math.log10(n)))
    longest = min(math.ceil(math.sqrt(n)) + run, n - 1)
    centred = x - x.mean()
    covariance = np.array([centred[: n - k] @ centred[k:] for k in range(longest + 1)]) / n
    small = np.abs(covariance[1:]) < 2 * math.sqrt(math.log10(n) / n) * covariance[0]
    runs = np.flatnonzero(np.lib.stride_tricks.sliding_window_view(small[:-1], run).all(axis=1))
    cut = min(2 * int(runs[0] + 1), longest) if runs.size else longest
    lag = np.arange(1, cut + 1)
    weight = np.minimum(1.0, 2 * (1 - lag / cut))
    spectrum = covariance[0] + 2 * float(weight @ covariance[1 : cut + 1])
    slope = 2 * float((weight * lag) @ covariance[1 : cut + 1])
    most = math.ceil(min(3 * math.sqrt(n), n / 3))
    if spectrum <= 0:
        return float(most)
    return float(np.clip((slope**2 / spectrum**2) ** (1 / 3) * n ** (1 / 3), 1.0, most))


def resampled_moments(
    x: np.ndarray, generator: np.random.Generator, *, block_bars: float, repetitions: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and Sharpe ratio (ddof 1, per bar) of stationary-bootstrap resamples, f64[Z] each.

    Blocks start anywhere with equal chance, have geometric lengths of mean `block_bars` and wrap around (Politis &
    Romano 1994, JASA 89:1303). A resample that does not vary has Sharpe 0.
    """
    x = np.asarray(x, dtype=np.float64)
    n, centre = x.size, float(x.mean())
    centred = np.r_[x, x] - centre  # sums around the mean keep the digits of the variance
    first, second = np.r_[0.0, np.cumsum(centred)], np.r_[0.0, np.cumsum(centred**2)]
    blocks = math.ceil(n / block_bars + 6 * math.sqrt(n / block_bars) + 20)
    step = max(1, _CHUNK_CELLS // blocks)
    totals, squares = np.empty(repetitions), np.empty(repetitions)
    for low in range(0, repetitions, step):
        high = min(low + step, repetitions)
        start, length = _draw_blocks(generator, n, block_bars, (high - low, blocks))
        totals[low:high] = (first[start + length] - first[start]).sum(axis=1)
        squares[low:high] = (second[start + length] - second[start]).sum(axis=1)
    mean = totals / n
    spread = squares - totals * mean
    varies = spread > _STILL * max(float(second[n]), 1e-300)
    deviation = np.sqrt(np.where(varies, spread, 1.0) / (n - 1))
    return mean + centre, np.where(varies, (mean + centre) / deviation, 0.0)


def _draw_blocks(
    generator: np.random.Generator, bars: int, block_bars: float, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Starts and lengths i64[Z, K] of blocks that fill `bars` exactly; those not needed have length 0."""
    length = np.minimum(generator.geometric(1 / max(block_bars, 1.0), size=shape), bars)
    start = generator.integers(0, bars, size=shape)
    length[:, -1] = bars  # the last block fills what is left; K is 6 standard deviations more than the need
    end = np.minimum(np.cumsum(length, axis=1), bars)
    return start, np.diff(end, axis=1, prepend=0)


def sharpe_interval(
    x: np.ndarray,
    generator: np.random.Generator,
    *,
    level: float = 0.95,
    block_bars: float | None = None,
    repetitions: int = 2000,
) -> Interval | None:
    """Percentile interval of mean and Sharpe ratio per bar; None for fewer than 20 bars or no variation.

    For display only: at 17 episodes its coverage falls to 90%, and under skew it has little power.

    Args:
        x: f64[T] returns per bar.
        generator: of the resamples.
        level: coverage.
        block_bars: mean block length; None for the automatic one.
        repetitions: Z.
    """
    automatic = automatic_block(x)
    if automatic is None:
        return None
    block = automatic if block_bars is None else block_bars
    mean, sharpe = resampled_moments(x, generator, block_bars=block, repetitions=repetitions)
    tails = [(1 - level) / 2, (1 + level) / 2]
    (mean_low, mean_high), (low, high) = np.quantile(mean, tails), np.quantile(sharpe, tails)
    return Interval(float(mean_low), float(mean_high), float(low), float(high), block, repetitions)
