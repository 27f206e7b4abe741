"""Uniqueness: a bar that k labels share counts 1/k for each (López de Prado 2018, ch. 4, section 4.4).

Counted are all labels whose position can be opened, also those that turn out to be never known: so a weight depends on
nothing after the label's own resolution.
"""

# S symbols, T bars

import numpy as np

__all__ = ["uniqueness"]


def uniqueness(opened: np.ndarray, horizon_bars: int) -> np.ndarray:
    """f64[S, T]: mean of 1 / (labels over the bar) over bars t+1 .. t+H of a label decided at t; 0 where none is.

    Args:
        opened: bool[S, T] a label is decided at t and filled at the open of t+1.
        horizon_bars: H.
    """
    S, T = opened.shape
    H = horizon_bars
    starts = np.zeros((S, T + H + 1), np.int64)
    starts[:, 1 : T + 1] = opened
    cumulative = np.cumsum(starts, 1)
    # a label over bar u was decided in u-H .. u-1
    over = np.empty((S, T + H))
    over[:, :H] = cumulative[:, :H]
    over[:, H:] = cumulative[:, H : T + H] - cumulative[:, :T]
    share = 1.0 / np.maximum(over, 1.0)
    mean = np.zeros((S, T))
    for k in range(1, H + 1):
        mean += share[:, k : k + T]
    return np.where(opened, mean / H, 0.0)
