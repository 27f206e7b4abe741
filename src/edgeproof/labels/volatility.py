"""The volatility that a label's threshold is measured in: the standard deviation of past log returns."""

# T bars

import numpy as np

__all__ = ["trailing_volatility"]


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
