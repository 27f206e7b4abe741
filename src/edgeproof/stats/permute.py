"""Permutation p-values by blocks of bars: is what a forecast and an outcome share more than their order by chance.

Whole blocks of the forecast are dealt out to the blocks of the outcome, all symbols of a bar together; inside a block
both keep their order. Exact if the forecast's blocks are exchangeable given the outcome.
"""

# T bars, M blocks, Z repetitions

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["Permutation", "permutation_test", "product_permutation"]

_STILL = 1e-12  # variance below this share of the sum of squares is rounding, not variation
_LEAST_BLOCKS = 7  # 7! = 5040 orders: fewer cannot carry a p-value of 0.001


@dataclass(frozen=True)
class Permutation:
    """The statistic as observed and its one-sided p-value (1 + #{permuted >= observed}) / (Z + 1)."""

    statistic: float
    p: float
    blocks: int
    repetitions: int


def product_permutation(
    signal: np.ndarray,
    outcome: np.ndarray,
    generator: np.random.Generator,
    *,
    block_bars: int,
    repetitions: int = 999,
) -> Permutation | None:
    """Whether signal and outcome move together: the studentised mean product under permutation of the signal's blocks.

    With P_ij the sum over a block of signal block i times outcome block j (both around their means), an order pi has
    the terms P_{pi(j) j} and t = sqrt(M) mean / sd of them. Studentised, the test stays valid in large samples where
    signal and outcome are uncorrelated but not independent (Romano & Tirlea 2022, J. of Time Series Analysis 43:781);
    whole blocks keep the dependence inside each series (Kirch 2007, J. Statistical Planning & Inference 137:2534).
    For AUC pass the forecasts' ranks and the 0/1 labels: AUC is a line in their mean product.

    Args:
        signal: f64[T] or f64[T, S], known before the outcome.
        outcome: of the same shape.
        generator: of the orders.
        block_bars: at least the horizon of the outcome and the memory of the signal; bars after the last whole block
            are left out.
        repetitions: Z.

    Returns:
        None for fewer than 7 blocks, or where signal or outcome does not vary or is not finite.
    """
    both = [np.asarray(z, dtype=np.float64) for z in _same(signal, outcome)]
    if not all(np.isfinite(z).all() for z in both):
        return None
    x, y = (_blocks(z - np.mean(z), block_bars) for z in both)
    count = len(x)
    if count < _LEAST_BLOCKS or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    terms = x.reshape(count, -1) @ y.reshape(count, -1).T
    drawn = terms[_orders(generator, count, repetitions), np.arange(count)]
    observed = float(_t(np.diagonal(terms)[None])[0])
    return Permutation(observed, _p(_t(drawn), observed), count, repetitions)


def permutation_test(
    statistic: Callable[[np.ndarray, np.ndarray], float],
    signal: np.ndarray,
    outcome: np.ndarray,
    generator: np.random.Generator,
    *,
    block_bars: int,
    repetitions: int = 999,
) -> Permutation | None:
    """The same for any statistic of (signal, outcome) where larger is better, such as a masked AUC.

    Not studentised: valid where signal and outcome are independent, not merely uncorrelated. One call of `statistic` a
    repetition.

    Args:
        statistic: of a permuted signal and the outcome, both cut to whole blocks.
        signal: [T, ...].
        outcome: [T, ...].
        generator: of the orders.
        block_bars: at least the horizon of the outcome and the memory of the signal.
        repetitions: Z.

    Returns:
        None for fewer than 7 blocks, or where the statistic of any order is not finite.
    """
    signal, outcome = _same(signal, outcome)
    blocks = _blocks(signal, block_bars)
    count, kept = len(blocks), outcome[: len(blocks) * block_bars]
    if count < _LEAST_BLOCKS:
        return None
    shape = (count * block_bars, *signal.shape[1:])
    observed = float(statistic(blocks.reshape(shape), kept))
    drawn = [float(statistic(blocks[order].reshape(shape), kept)) for order in _orders(generator, count, repetitions)]
    if not np.isfinite([observed, *drawn]).all():
        return None
    return Permutation(observed, _p(np.array(drawn), observed), count, repetitions)


def _same(signal: np.ndarray, outcome: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if len(signal) != len(outcome):
        raise ValueError(f"signal has {len(signal)} bars and outcome {len(outcome)}: they must be of the same bars")
    return np.asarray(signal), np.asarray(outcome)


def _blocks(x: np.ndarray, block_bars: int) -> np.ndarray:
    if block_bars < 1:
        raise ValueError(f"block_bars {block_bars}: a block holds at least one bar")
    count = len(x) // block_bars
    return x[: count * block_bars].reshape(count, block_bars, *x.shape[1:])


def _orders(generator: np.random.Generator, count: int, repetitions: int) -> np.ndarray:
    """i64[Z, M]: independent random orders of the blocks."""
    return generator.permuted(np.tile(np.arange(count), (repetitions, 1)), axis=1)


def _t(terms: np.ndarray) -> np.ndarray:
    """sqrt(M) mean / sd of each row; 0 where it does not vary."""
    count, total = terms.shape[1], terms.sum(axis=1)
    squares = (terms * terms).sum(axis=1)
    spread = squares - total * total / count
    varies = spread > _STILL * squares
    return np.where(varies, total / np.sqrt(np.where(varies, spread, 1.0) * count / (count - 1)), 0.0)


def _p(drawn: np.ndarray, observed: float) -> float:
    # orders that differ in the last digit of a sum alone are ties, and a tie counts against the claim
    slack = 1e-12 * max(abs(observed), 1e-300)
    return (1 + int((drawn >= observed - slack).sum())) / (drawn.size + 1)
