"""The volatility that a label's distances are measured in: the standard deviation of past log returns."""

# S symbols, T bars

import numpy as np

from edgeproof.data.panel import Panel

__all__ = ["panel_volatility", "trailing_volatility"]


def panel_volatility(panel: Panel, bars: int) -> np.ndarray:
    """f64[S, T]: `trailing_volatility` of every symbol."""
    rows = zip(panel.prices[:, :, 3], panel.present, strict=True)
    return np.stack([trailing_volatility(close, there, bars) for close, there in rows])


def trailing_volatility(close: np.ndarray, present: np.ndarray, bars: int) -> np.ndarray:
    """f64[T]: standard deviation (n - 1) of the last `bars` one-bar log returns, known at the close of t.

    NaN where one of the `bars + 1` slots up to t has no bar.
    """
    T = len(close)
    out = np.full(T, np.nan)
    if bars + 1 > T:
        return out
    usable = present & (close > 0.0)
    returns = np.full(T, np.nan)
    pair = usable[1:] & usable[:-1]
    returns[1:][pair] = np.log(close[1:][pair] / close[:-1][pair])
    windows = np.lib.stride_tricks.sliding_window_view(returns, bars)
    out[bars - 1 :] = np.std(windows, axis=1, ddof=1)
    return out
