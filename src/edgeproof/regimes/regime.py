"""Regimes: the state that the market was in at each bar, by what its bars had shown until then."""

# S symbols, T bars

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["UNKNOWN", "Regimes", "market_index"]

UNKNOWN = -1


@dataclass(frozen=True)
class Regimes:
    """One regime a bar, for the whole market.

    Attributes:
        code: i8[T] index into `names`, -1 where too little had been seen.
        names: of the regimes.
        rule: one sentence: how a bar gets its regime.
        fits: what a fitted model was at each of its fits, in order; empty for fixed rules.
    """

    code: np.ndarray
    names: tuple[str, ...]
    rule: str
    fits: tuple[Mapping[str, Any], ...] = ()


def market_index(prices: np.ndarray, present: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return of the equal-weight market at each bar.

    r_t = mean over symbols of close_t / close_p - 1, over those with a bar at t and at p, the last slot before t at
    which any symbol has one: an outage of the whole market is bridged.

    Args:
        prices: f64[S, T, 5].
        present: bool[S, T].

    Returns:
        f64[T] simple returns, 0 where not known; bool[T] where known.
    """
    T = present.shape[1]
    slots = np.flatnonzero(present.any(axis=0))
    change, known = np.zeros(T), np.zeros(T, dtype=bool)
    now, before = slots[1:], slots[:-1]
    both = present[:, now] & present[:, before]
    close = prices[:, :, 3]
    ratio = np.divide(close[:, now], close[:, before], out=np.ones(both.shape), where=both) - 1.0
    count = both.sum(axis=0)
    change[now] = ratio.sum(axis=0) / np.maximum(count, 1)
    known[now] = count > 0
    return change, known
