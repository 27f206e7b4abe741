"""How good the best of N trials would look by luck: the studentised maximum bootstrap, exact in their dependence.

Trials without stored returns enter by Sidak. A trial that never trades has Sharpe 0 and cannot be the best by luck.
"""

# T bars, N trials, M blocks, Z repetitions

from dataclasses import dataclass

import numpy as np

__all__ = ["MaximumTest", "maximum_test", "sidak"]

_AT_ONCE = 4999  # repetitions whose draws are held at a time
_STILL = 1e-12  # variance below this share of the sum of squares is rounding, not variation


@dataclass(frozen=True)
class MaximumTest:
    """The best of N trials against the bootstrap distribution of the maximum.

    Attributes:
        p: p-value of the maximum over all N trials.
        p_best: the best trial's own bootstrap p, as if it had been the only one.
        best: column of the trial that was tested.
        statistic: its t.
    """

    p: float
    p_best: float
    best: int
    statistic: float


def maximum_test(
    returns: np.ndarray,
    generator: np.random.Generator,
    *,
    repetitions: int = 999,
    block_bars: int = 24,
    chosen: int | None = None,
) -> MaximumTest | None:
    """p-value of the largest t over trials (or of a chosen trial's, which can only be larger), all centred.

    The null is that of White's (2000) reality check, studentised.

    Blocks of `block_bars` bars are drawn with multinomial weights W: t* = sum W C / sqrt((sum W C^2 - (sum W C)^2/M)
    M/(M-1)) on the centred block sums C, so that only sums are needed. p = (1 + #{max t* >= max t}) / (Z + 1).
    A trial whose blocks do not vary has t = 0; so has a resample in which a sparse trial's blocks do not vary.

    Args:
        returns: f64[T, N] net return per bar of every trial; bars after the last whole block are left out.
        generator: of the weights.
        repetitions: Z.
        block_bars: length of a block, at least the label horizon.
        chosen: column of the trial that was kept; None for the best. Judged by its own t against the maximum of all,
            further trials, whatever they are, never lower its p.

    Returns:
        None with no trial, fewer than two blocks, or a return that is no number.
    """
    length = max(1, block_bars)
    count = len(returns) // length
    if count < 2 or returns.ndim != 2 or returns.shape[1] == 0 or not np.isfinite(returns).all():
        return None
    sums = returns[: count * length].reshape(count, length, -1).sum(axis=1)
    observed = _t(sums.sum(axis=0), (sums * sums).sum(axis=0), count)
    best = int(observed.argmax()) if chosen is None else chosen
    centred = sums - sums.mean(axis=0)
    centred[:, observed == 0] = 0.0  # rounding dust of a constant column must not be studentised
    squares, exceed, alone = centred * centred, 0, 0
    for first in range(0, repetitions, _AT_ONCE):
        many = min(_AT_ONCE, repetitions - first)
        weights = generator.multinomial(count, np.full(count, 1 / count), many).astype(np.float64)
        drawn = _t(weights @ centred, weights @ squares, count)
        exceed += int((drawn.max(axis=1) >= observed[best]).sum())
        alone += int((drawn[:, best] >= observed[best]).sum())
    scale = repetitions + 1
    return MaximumTest((1 + exceed) / scale, (1 + alone) / scale, best, float(observed[best]))


def sidak(p_max: float, p_best: float, others: int) -> float:
    """The p-value of the maximum with M further trials whose returns are not stored, 1-(1-p_max)(1-p_best)^M.

    The M are taken as independent of the stored ones and as good as the best of them (Sidak 1967).
    """
    return p_max + (1 - p_max) * (1 - (1 - p_best) ** others)  # the same, and exactly p_max where nothing is missing


def _t(total: np.ndarray, squares: np.ndarray, count: int) -> np.ndarray:
    spread = squares - total * total / count
    varies = spread > _STILL * squares
    safe = np.where(varies, spread, 1.0)
    return np.where(varies, total / np.sqrt(safe * count / (count - 1)), 0.0)
