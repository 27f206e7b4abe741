"""Uniqueness: a bar that k labels share counts 1/k for each (López de Prado 2018, ch. 4, sections 4.3 and 4.4).

A label decided at t occupies bars t+1 to the bar at which it ends, so labels may differ in length. Counted are all
labels whose position can be opened, also those that turn out to be never known. Whether a label decided earlier still
runs in bar u was settled before u: so a weight depends on nothing after its own label's last bar, and on nothing before
the fills of the labels that share its first bar.
"""

# S symbols, T bars

import numpy as np
from numba import njit

__all__ = ["concurrency", "uniqueness"]


def concurrency(opened: np.ndarray, last: np.ndarray) -> np.ndarray:
    """i64[S, U]: labels that occupy each bar; U runs to the last bar that any label occupies, T at least.

    Args:
        opened: bool[S, T] a label is decided at t and filled at the open of t+1.
        last: i[S, T] last bar that it occupies, t+1 or later, also beyond T; read where `opened`.
    """
    S, T = opened.shape
    row, at = np.nonzero(opened)
    end = last[row, at].astype(np.int64)
    step = np.zeros((S, max(T, int(end.max(initial=0)) + 1) + 1), np.int64)
    np.add.at(step, (row, at + 1), 1)
    np.add.at(step, (row, end + 1), -1)
    return np.cumsum(step, axis=1)[:, :-1]


def uniqueness(opened: np.ndarray, last: np.ndarray) -> np.ndarray:
    """f64[S, T]: mean of 1 / (labels over the bar) over the bars t+1 .. last of a label decided at t; 0 where none is.

    Args:
        opened: bool[S, T] a label is decided at t and filled at the open of t+1.
        last: i[S, T] last bar that it occupies, t+1 or later, also beyond T; read where `opened`.
    """
    share = 1.0 / np.maximum(concurrency(opened, last), 1)
    return _mean_shares(opened, last, share)


@njit(cache=True, nogil=True)
def _mean_shares(opened: np.ndarray, last: np.ndarray, share: np.ndarray) -> np.ndarray:
    S, T = opened.shape
    mean = np.zeros((S, T))
    for s in range(S):
        for t in range(T):
            if opened[s, t]:
                total = 0.0
                for u in range(t + 1, last[s, t] + 1):
                    total += share[s, u]
                mean[s, t] = total / (last[s, t] - t)
    return mean
