"""Oscillators: RSI, MACD over ATR, ADX, Bollinger position, stochastic %K.

Wilder, J. W. (1978), New Concepts in Technical Trading Systems (RSI, ATR, ADX); Appel, G. (2005), Technical Analysis:
Power Tools for Active Investors (MACD); Bollinger, J. (2001), Bollinger on Bollinger Bands; Lane, G. C. (1984), Lane's
stochastics (%K).

Recursions remember their whole past. They start as running means and then forget at 1/14 a bar, so 300 bars leave less
than 1e-9 of what came before. Where nothing has moved for 14 bars they would only echo the past: there they have no
value.
"""

# n rows

import numpy as np
from numba import njit

from edgeproof.features.feature import Rows
from edgeproof.features.rolling import rolling_extremes, rolling_moments

__all__ = ["adx", "bollinger_position", "macd_histogram_atr", "rsi", "stochastic_k"]


def rsi(rows: Rows, period: int) -> np.ndarray:
    """U / (U + D), Wilder's means of rises and falls of the close; 0 to 1."""
    return _rsi(rows.close, period)


@njit(cache=True, nogil=True, error_model="numpy")
def _rsi(close: np.ndarray, period: int) -> np.ndarray:
    n = close.shape[0]
    out = np.full(n, np.nan)
    up, down, still, steady = 0.0, 0.0, period, 1.0 / period
    for i in range(1, n):
        move = close[i] - close[i - 1]
        still = still + 1 if move == 0.0 else 0
        rate = steady if i >= period else 1.0 / i
        up += (max(move, 0.0) - up) * rate
        down += (max(-move, 0.0) - down) * rate
        if still < period:
            out[i] = up / (up + down)
    return out


def macd_histogram_atr(rows: Rows) -> np.ndarray:
    """(EMA12 - EMA26 - its EMA9) of the close, over ATR14."""
    return _macd_histogram_atr(rows.high, rows.low, rows.close, 14)


@njit(cache=True, nogil=True, error_model="numpy")
def _macd_histogram_atr(high: np.ndarray, low: np.ndarray, close: np.ndarray, period: int) -> np.ndarray:
    n = close.shape[0]
    out = np.full(n, np.nan)
    fast = slow = close[0]
    signal, width, still, steady = 0.0, 0.0, period, 1.0 / period
    for i in range(1, n):
        price, before = close[i], close[i - 1]
        fast += (price - fast) * (2.0 / 13.0)
        slow += (price - slow) * (2.0 / 27.0)
        signal += (fast - slow - signal) * 0.2
        true_range = max(high[i], before) - min(low[i], before)
        still = still + 1 if true_range == 0.0 else 0
        width += (true_range - width) * (steady if i >= period else 1.0 / i)
        if still < period:
            out[i] = (fast - slow - signal) / width
    return out


def adx(rows: Rows, period: int) -> np.ndarray:
    """Wilder's mean of |P - M| / (P + M), P and M his means of upward and downward moves; 0 to 1."""
    return _adx(rows.high, rows.low, period)


@njit(cache=True, nogil=True, error_model="numpy")
def _adx(high: np.ndarray, low: np.ndarray, period: int) -> np.ndarray:
    # the true range, by which P and M are usually divided, cancels in |P - M| / (P + M)
    n = high.shape[0]
    out = np.full(n, np.nan)
    plus, minus, mean, seen, still, steady = 0.0, 0.0, 0.0, 0, period, 1.0 / period
    for i in range(1, n):
        rise, fall = high[i] - high[i - 1], low[i - 1] - low[i]
        up = rise if rise > fall and rise > 0.0 else 0.0
        down = fall if fall > rise and fall > 0.0 else 0.0
        still = still + 1 if up == down else 0
        rate = steady if i >= period else 1.0 / i
        plus += (up - plus) * rate
        minus += (down - minus) * rate
        if plus + minus > 0.0:
            seen += 1
            mean += (abs(plus - minus) / (plus + minus) - mean) * (steady if seen >= period else 1.0 / seen)
        if still < period:
            out[i] = mean
    return out


def bollinger_position(rows: Rows, window: int) -> np.ndarray:
    """(C - lower) / (upper - lower), bands two standard deviations (n) off the mean; no value at constant price."""
    mean, squares = rolling_moments(rows.close, window)
    return _position(rows.close, mean, squares, window)


@njit(cache=True, nogil=True, error_model="numpy")
def _position(close: np.ndarray, mean: np.ndarray, squares: np.ndarray, window: int) -> np.ndarray:
    out = np.empty(len(close))
    for i in range(len(close)):
        out[i] = 0.5 + (close[i] - mean[i]) / np.sqrt(squares[i] * (16.0 / window))
    return out


def stochastic_k(rows: Rows, window: int) -> np.ndarray:
    """(C - lowest low) / (highest high - lowest low) of `window` bars; no value where these are equal."""
    highest, lowest = rolling_extremes(rows.high, rows.low, window)
    return (rows.close - lowest) / (highest - lowest)
