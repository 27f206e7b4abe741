"""The volatility that a label's distances are measured in: the standard deviation of past log returns."""

# S symbols, T bars

import math

import numpy as np
from numba import njit

from edgeproof.data.panel import Panel

__all__ = ["panel_volatility", "trailing_volatility", "volatility_over_gaps"]


MOST_CELLS = 4_000_000  # returns in windows at once: 32 MB, whatever the market


def panel_volatility(panel: Panel, bars: int) -> np.ndarray:
    """f64[S, T]: `trailing_volatility` of every symbol."""
    S, T = panel.present.shape
    step = max(1, MOST_CELLS // max(1, T * bars))
    parts = [_rows(panel.prices[s : s + step, :, 3], panel.present[s : s + step], bars) for s in range(0, S, step)]
    return np.concatenate(parts) if parts else np.zeros((0, T))


def trailing_volatility(close: np.ndarray, present: np.ndarray, bars: int) -> np.ndarray:
    """f64[T]: standard deviation (n - 1) of the last `bars` one-bar log returns, known at the close of t.

    NaN where one of the `bars + 1` slots up to t has no bar.
    """
    return _rows(close[None], present[None], bars)[0]


def _rows(close: np.ndarray, present: np.ndarray, bars: int) -> np.ndarray:
    S, T = close.shape
    out = np.full((S, T), np.nan)
    if bars + 1 > T:
        return out
    usable = present & (close > 0.0)
    returns = np.full((S, T), np.nan)
    pair = usable[:, 1:] & usable[:, :-1]
    returns[:, 1:][pair] = np.log(close[:, 1:][pair] / close[:, :-1][pair])
    windows = np.lib.stride_tricks.sliding_window_view(returns, bars, axis=1)
    out[:, bars - 1 :] = np.std(windows, axis=2, ddof=1)
    return out


def volatility_over_gaps(panel: Panel, bars: int) -> np.ndarray:
    """f64[S, T]: standard deviation (n - 1) of those of the last `bars` one-bar log returns that there are.

    Known at the close of t. NaN where fewer than half of them, or fewer than two, lie between two bars that are
    present; so a missing bar costs two returns, not all labels of the `bars` that follow.
    """
    close = panel.prices[:, :, 3]
    usable = panel.present & (close > 0.0)
    returns = np.full(close.shape, np.nan)
    pair = usable[:, 1:] & usable[:, :-1]
    returns[:, 1:][pair] = np.log(close[:, 1:][pair] / close[:, :-1][pair])
    return _deviations(returns, bars, max(2, (bars + 1) // 2))


@njit(cache=True, nogil=True)
def _deviations(returns: np.ndarray, bars: int, least: int) -> np.ndarray:
    """Two passes over each window: the mean, then the squares about it."""
    S, T = returns.shape
    out = np.full((S, T), np.nan)
    for s in range(S):
        for t in range(least, T):
            count, total, squares = 0, 0.0, 0.0
            for k in range(max(t - bars + 1, 1), t + 1):
                if not math.isnan(returns[s, k]):
                    count += 1
                    total += returns[s, k]
            if count >= least:
                mean = total / count
                for k in range(max(t - bars + 1, 1), t + 1):
                    if not math.isnan(returns[s, k]):
                        squares += (returns[s, k] - mean) ** 2
                out[s, t] = math.sqrt(squares / (count - 1))
    return out
