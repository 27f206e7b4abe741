"""Combinatorially symmetric cross-validation: does the trial that wins in one half of the bars lose in the other?

Bailey, Borwein, Lopez de Prado & Zhu (2017), J. of Computational Finance 20(4). Only block sums and sums of squares
are needed, so all C(S, S/2) splits of 1,000 trials take a fraction of a second.
"""

# T bars, N trials, S blocks, C splits

from dataclasses import dataclass
from itertools import combinations

import numpy as np

__all__ = ["Overfitting", "cscv"]

_STILL = 1e-12  # variance below this share of the sum of squares is rounding, not variation
_CHUNK_CELLS = 200_000  # stays in the cache


@dataclass(frozen=True)
class Overfitting:
    """All splits of one table of trials.

    Attributes:
        pbo: share of splits in which the in-sample best is at or below the out-of-sample median (logit <= 0).
        probability_of_loss: share of splits in which its out-of-sample Sharpe ratio is below zero.
        slope: of its out-of-sample on its in-sample Sharpe ratio; None where the latter does not vary.
        logits: f64[C] ln(w / (1 - w)), w = rank / (N + 1), ties at their mean rank; splits in lexicographic order.
        in_sample, out_of_sample: f64[C] Sharpe ratios per bar of the in-sample best.
        trials: N.
        blocks: S.
    """

    pbo: float
    probability_of_loss: float
    slope: float | None
    logits: np.ndarray
    in_sample: np.ndarray
    out_of_sample: np.ndarray
    trials: int
    blocks: int


def cscv(returns: np.ndarray, *, blocks: int = 16) -> Overfitting | None:
    """Split the bars into S blocks; choose on every half, judge on the other, by Sharpe ratio (ddof 1).

    A trial that never trades has Sharpe 0. Bars before the first whole block (T mod S of them) are left out.

    Args:
        returns: f64[T, N] net return per bar of every trial.
        blocks: S, even.

    Returns:
        None for fewer than two trials or fewer than two bars a block.
    """
    if blocks < 2 or blocks % 2:
        raise ValueError(f"{blocks} blocks cannot be halved; give an even number such as 16")
    if returns.ndim != 2 or returns.shape[1] < 2 or len(returns) < 2 * blocks:
        return None
    length = len(returns) // blocks
    kept = returns[len(returns) - length * blocks :].reshape(blocks, length, -1)
    sums, squares = kept.sum(axis=1), (kept * kept).sum(axis=1)
    halves = _halves(blocks)
    step = max(1, _CHUNK_CELLS // returns.shape[1])
    parts = [_judge(halves[i : i + step], sums, squares, length * blocks // 2) for i in range(0, len(halves), step)]
    straight, mirrored = (np.concatenate(part, axis=1) for part in zip(*parts, strict=True))
    rank, inside, outside = np.concatenate([straight, mirrored[:, ::-1]], axis=1)
    share = rank / (returns.shape[1] + 1)
    logits = np.log(share / (1 - share))
    return Overfitting(
        pbo=float((logits <= 0).mean()),
        probability_of_loss=float((outside < 0).mean()),
        slope=_slope(inside, outside),
        logits=logits,
        in_sample=inside,
        out_of_sample=outside,
        trials=returns.shape[1],
        blocks=blocks,
    )


def _halves(blocks: int) -> np.ndarray:
    """f64[C/2, S] in-sample membership of the first half of all splits; the i-th from the end is the i-th's mirror."""
    chosen = np.array(list(combinations(range(blocks), blocks // 2)))
    chosen = chosen[: len(chosen) // 2]
    member = np.zeros((len(chosen), blocks))
    member[np.arange(len(chosen))[:, None], chosen] = 1.0
    return member


def _judge(member: np.ndarray, sums: np.ndarray, squares: np.ndarray, bars: int) -> tuple[np.ndarray, np.ndarray]:
    """`_rank` of each split and of its mirror, in which the halves change places."""
    first, second = member @ sums, member @ squares
    one = _sharpe(first, second, bars)
    other = _sharpe(sums.sum(axis=0) - first, squares.sum(axis=0) - second, bars)
    return _rank(one, other), _rank(other, one)


def _rank(inside: np.ndarray, outside: np.ndarray) -> np.ndarray:
    """f64[3, C]: mean rank from below out of sample, in-sample and out-of-sample Sharpe of the in-sample best."""
    row, best = np.arange(len(inside)), inside.argmax(axis=1)
    reached = outside[row, best]
    below = np.count_nonzero(outside < reached[:, None], axis=1)
    up_to = np.count_nonzero(outside <= reached[:, None], axis=1)
    return np.stack([(below + up_to + 1) / 2, inside[row, best], reached])


def _sharpe(total: np.ndarray, squares: np.ndarray, bars: int) -> np.ndarray:
    spread = squares - total * total / bars
    varies = spread > _STILL * squares
    np.sqrt(spread, out=spread, where=varies)
    ratio = np.divide(total, spread, out=np.zeros_like(total), where=varies)
    ratio *= np.sqrt(bars - 1) / bars
    return ratio


def _slope(x: np.ndarray, y: np.ndarray) -> float | None:
    spread = ((x - x.mean()) ** 2).sum()
    return float(((x - x.mean()) * (y - y.mean())).sum() / spread) if spread > 0 else None
