"""Features of volume: how unusual it is, which side it is on, what price moves cost in it.

Amihud, Y. (2002), Illiquidity and stock returns, J. Financial Markets 5, 31-56: as in its equation 1, bars without
volume do not count. Neither do they count in the volume z-score; half the bars must have been traded.
"""

import numpy as np
from numba import njit

from edgeproof.features.feature import Rows
from edgeproof.features.rolling import mean_of_finite, moments_of_finite, rolling_sum

__all__ = ["log_amihud", "log_volume_z", "signed_volume_share"]


def log_volume_z(rows: Rows, window: int) -> np.ndarray:
    """(ln V - mean) / standard deviation (n - 1) of ln V over the traded ones of `window` bars."""
    volume = np.log(rows.volume)  # -inf without volume: left out of the moments
    count, mean, squares = moments_of_finite(volume, window, window // 2)
    return _standardised(volume, count, mean, squares)


@njit(cache=True, nogil=True, error_model="numpy")
def _standardised(x: np.ndarray, count: np.ndarray, mean: np.ndarray, squares: np.ndarray) -> np.ndarray:
    out = np.empty(len(x))
    for i in range(len(x)):
        out[i] = (x[i] - mean[i]) / np.sqrt(squares[i] / (count[i] - 1.0))
    return out


def signed_volume_share(rows: Rows, window: int) -> np.ndarray:
    """Sum of sign(C_t - C_{t-1}) V_t over sum of V_t, `window` bars; no value without volume."""
    return rolling_sum(_signed(rows.close, rows.volume), window) / rolling_sum(rows.volume, window)


@njit(cache=True, nogil=True)
def _signed(close: np.ndarray, volume: np.ndarray) -> np.ndarray:
    out = np.full(len(close), np.nan)
    now, before, amount, signed = close[1:], close[:-1], volume[1:], out[1:]
    for j in range(len(now)):
        signed[j] = amount[j] if now[j] > before[j] else (-amount[j] if now[j] < before[j] else 0.0)
    return out


def log_amihud(rows: Rows, window: int) -> np.ndarray:
    """Logarithm of the mean of |log return| / (C V) over the traded ones of `window` bars."""
    ratio = np.abs(rows.log_return) / (rows.close * rows.volume)
    return np.log(mean_of_finite(ratio, window, window // 2))
