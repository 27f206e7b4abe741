"""Features of volume: how unusual it is, which side it is on, what price moves cost in it.

Amihud, Y. (2002), Illiquidity and stock returns, J. Financial Markets 5, 31-56: as in its equation 1, bars without
volume do not count. Neither do they count in the volume z-score; half the bars must have been traded.
"""

import numpy as np

from edgeproof.features.feature import Rows
from edgeproof.features.rolling import rolling_moments, rolling_sum

__all__ = ["log_amihud", "log_volume_z", "signed_volume_share"]


def log_volume_z(rows: Rows, window: int) -> np.ndarray:
    """(ln V - mean) / standard deviation (n - 1) of ln V over the traded ones of `window` bars."""
    volume = np.log(np.where(rows.volume > 0.0, rows.volume, np.nan))
    count, mean, squares = rolling_moments(volume, window)
    enough = (squares > 0.0) & (2 * count >= window)
    deviation = np.sqrt(np.where(enough, squares, np.nan) / (count - 1.0))
    return (volume - mean) / deviation


def signed_volume_share(rows: Rows, window: int) -> np.ndarray:
    """Sum of sign(C_t - C_{t-1}) V_t over sum of V_t, `window` bars."""
    total = rolling_sum(rows.volume, window)
    signed = rolling_sum(np.sign(rows.log_return) * rows.volume, window)
    return signed / np.where(total > 0.0, total, np.nan)


def log_amihud(rows: Rows, window: int) -> np.ndarray:
    """Logarithm of the mean of |log return| / (C V) over the traded ones of `window` bars."""
    traded = rows.volume > 0.0
    value = np.where(traded, rows.close * rows.volume, 1.0)
    ratio = np.where(traded, np.abs(rows.log_return), 0.0) / value
    count = rolling_sum(traded.astype(np.float64), window)
    total = np.where(2.0 * count >= window, rolling_sum(ratio, window), np.nan)
    return np.log(np.where(total > 0.0, total, np.nan) / count)
