"""Combinatorially symmetric cross-validation: does the trial that wins in one half of the bars lose in the other?

Bailey, Borwein, Lopez de Prado & Zhu (2017), J. of Computational Finance 20(4). Only block sums and sums of squares
are needed, and a split's mirror is its complement: all C(S, S/2) splits of 1,000 trials take a fraction of a second.
"""

# T bars, N trials, S blocks, C splits

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

__all__ = ["Dominance", "Overfitting", "cscv", "dominance"]

_STILL = 1e-12  # variance below this share of the sum of squares is rounding, not variation
_CHUNK_CELLS = 200_000  # stays in the cache
_POINTS = 1000  # of the grid on which distributions are compared


@dataclass(frozen=True)
class Overfitting:
    """All splits of one table of trials; splits in lexicographic order of their in-sample blocks.

    Attributes:
        pbo: share of splits in which the in-sample best is at or below the out-of-sample median (logit <= 0).
        pbo_strict: share of those in which it is below (logit < 0). They differ where N is odd or trials tie.
        probability_of_loss: share of splits in which its out-of-sample Sharpe ratio is below zero.
        slope, intercept, r2: least squares of its out-of-sample on its in-sample Sharpe ratio, the degradation; None
            where the latter does not vary (r2 also where the former does not).
        logits: f64[C] ln(w / (1 - w)), w = rank / (N + 1), ties at their mean rank.
        in_sample, out_of_sample: f64[C] Sharpe ratios per bar of the in-sample best.
        chosen: i64[C] the in-sample best, the first of several.
        trials: N.
        blocks: S.
    """

    pbo: float
    pbo_strict: float
    probability_of_loss: float
    slope: float | None
    intercept: float | None
    r2: float | None
    logits: np.ndarray
    in_sample: np.ndarray
    out_of_sample: np.ndarray
    chosen: np.ndarray
    trials: int
    blocks: int


@dataclass(frozen=True)
class Dominance:
    """Out-of-sample Sharpe ratio of the in-sample best against that of a trial drawn at random, over all splits.

    With the distribution functions F of both, d(y) = F_all(y) - F_best(y) on 1,000 points from the smallest to the
    largest ratio of the best.

    Attributes:
        first_order: d >= 0 everywhere: whatever ratio is wanted, choosing reaches it at least as often.
        second_order: the integral of d from below is >= 0 everywhere: better for whoever is averse to risk.
        least, most: smallest and largest d.
        integral, least_integral: of d over the points by trapezoids, and its smallest running value, from 0 on.
    """

    first_order: bool
    second_order: bool
    least: float
    most: float
    integral: float
    least_integral: float


def cscv(returns: np.ndarray, *, blocks: int = 16) -> Overfitting | None:
    """Split the bars into S blocks; choose on every half, judge on the other, by Sharpe ratio (ddof 1).

    A trial that never trades has Sharpe 0. Bars before the first whole block (T mod S of them) are left out.

    Args:
        returns: f64[T, N] net return of every trial on each bar of the market's grid, bars without a position too.
        blocks: S, even.

    Returns:
        None for fewer than two trials, fewer than two bars a block, or a return that is not finite.
    """
    table = _block_sums(returns, blocks)
    if table is None:
        return None
    parts = [(_rank(one, other), _rank(other, one)) for one, other in _ratios(*table)]
    straight, mirrored = (np.concatenate(part, axis=1) for part in zip(*parts, strict=True))
    rank, inside, outside, chosen = np.concatenate([straight, mirrored[:, ::-1]], axis=1)
    share = rank / (returns.shape[1] + 1)
    logits = np.log(share / (1 - share))
    slope, intercept, r2 = _line(inside, outside)
    return Overfitting(
        pbo=float((logits <= 0).mean()),
        pbo_strict=float((logits < 0).mean()),
        probability_of_loss=float((outside < 0).mean()),
        slope=slope,
        intercept=intercept,
        r2=r2,
        logits=logits,
        in_sample=inside,
        out_of_sample=outside,
        chosen=chosen.astype(np.int64),
        trials=returns.shape[1],
        blocks=blocks,
    )


def dominance(returns: np.ndarray, split: Overfitting) -> Dominance | None:
    """Stochastic dominance of choosing the in-sample best over choosing any trial.

    Args:
        returns: f64[T, N] the table that `split` was made from.
        split: what `cscv` returned.

    Returns:
        None where the best has the same out-of-sample ratio in all splits, or a return is not finite.
    """
    table, best = _block_sums(returns, split.blocks), np.sort(split.out_of_sample)
    low, high = float(best[0]), float(best[-1])
    if table is None or high - low <= _STILL * max(abs(low), abs(high)):
        return None
    counts, total, short = np.zeros(_POINTS + 1), 0.0, 0.0
    for halves in _ratios(*table):
        for ratio in halves:  # every half is the out-of-sample half of one split
            counts += _counts(ratio, low, high)
            total += float(ratio.sum())
            short += float(np.maximum(low - ratio, 0.0).sum())
    cells, grid = counts.sum(), np.linspace(low, high, _POINTS)
    gap = np.cumsum(counts[:-1]) / cells - np.searchsorted(best, grid, side="right") / best.size
    running = np.cumsum((gap[1:] + gap[:-1]) / 2) * (grid[1] - grid[0])
    return Dominance(
        first_order=bool(gap.min() >= 0),
        # below the grid only F_all grows, above it only F_best is complete: there the integral falls to the means' gap
        second_order=bool(running.min() + short / cells >= 0 and best.mean() >= total / cells),
        least=float(gap.min()),
        most=float(gap.max()),
        integral=float(running[-1]),
        least_integral=min(float(running.min()), 0.0),
    )


def _block_sums(returns: np.ndarray, blocks: int) -> tuple[np.ndarray, np.ndarray, int] | None:
    """Sums and sums of squares of every block, f64[S, N], and the bars of a half."""
    if blocks < 2 or blocks % 2:
        raise ValueError(f"{blocks} blocks cannot be halved; give an even number such as 16")
    if returns.ndim != 2 or returns.shape[1] < 2 or len(returns) < 2 * blocks:
        return None
    length = len(returns) // blocks
    kept = returns[len(returns) - length * blocks :].reshape(blocks, length, -1)
    if not np.isfinite(kept).all():
        return None
    return kept.sum(axis=1), (kept * kept).sum(axis=1), length * blocks // 2


def _ratios(sums: np.ndarray, squares: np.ndarray, bars: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Sharpe ratios of both halves, f64[c, N] each, of the first C/2 splits in chunks."""
    halves = _halves(len(sums))
    step = max(1, _CHUNK_CELLS // sums.shape[1])
    for i in range(0, len(halves), step):
        first, second = halves[i : i + step] @ sums, halves[i : i + step] @ squares
        yield (
            _sharpe(first, second, bars),
            _sharpe(sums.sum(axis=0) - first, squares.sum(axis=0) - second, bars),
        )


def _halves(blocks: int) -> np.ndarray:
    """f64[C/2, S] in-sample membership of the first half of all splits; the i-th from the end is the i-th's mirror."""
    chosen = np.array(list(combinations(range(blocks), blocks // 2)))
    chosen = chosen[: len(chosen) // 2]
    member = np.zeros((len(chosen), blocks))
    member[np.arange(len(chosen))[:, None], chosen] = 1.0
    return member


def _rank(inside: np.ndarray, outside: np.ndarray) -> np.ndarray:
    """f64[4, C]: mean rank from below out of sample, in- and out-of-sample Sharpe of the in-sample best, and itself."""
    row, best = np.arange(len(inside)), inside.argmax(axis=1)
    reached = outside[row, best]
    below = np.count_nonzero(outside < reached[:, None], axis=1)
    up_to = np.count_nonzero(outside <= reached[:, None], axis=1)
    return np.stack([(below + up_to + 1) / 2, inside[row, best], reached, best])


def _sharpe(total: np.ndarray, squares: np.ndarray, bars: int) -> np.ndarray:
    spread = squares - total * total / bars
    varies = spread > _STILL * squares
    np.sqrt(spread, out=spread, where=varies)
    ratio = np.divide(total, spread, out=np.zeros_like(total), where=varies)
    ratio *= np.sqrt(bars - 1) / bars
    return ratio


def _counts(ratio: np.ndarray, low: float, high: float) -> np.ndarray:
    """How many ratios fall up to each point of the grid and above the one before; the last entry lies beyond it."""
    place = (ratio - low) * ((_POINTS - 1) / (high - low))
    place -= 1e-9  # the grid's ends are ratios themselves: rounding must not push them one point up
    np.ceil(place, out=place)
    np.clip(place, 0, _POINTS, out=place)
    return np.bincount(place.astype(np.int32).ravel(), minlength=_POINTS + 1)


def _line(x: np.ndarray, y: np.ndarray) -> tuple[float | None, float | None, float | None]:
    """Slope, intercept and R2 of the least squares line."""
    dx, dy = x - x.mean(), y - y.mean()
    spread, height, both = float(dx @ dx), float(dy @ dy), float(dx @ dy)
    if spread <= 0:
        return None, None, None
    slope = both / spread
    return slope, float(y.mean() - slope * x.mean()), both**2 / (spread * height) if height > 0 else None
