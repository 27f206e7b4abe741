"""The volatility that a label's distances are measured in: the standard deviation of past log returns."""

# S symbols, T bars

import numpy as np

from edgeproof.data.panel import Panel

__all__ = ["panel_volatility", "trailing_volatility"]


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
