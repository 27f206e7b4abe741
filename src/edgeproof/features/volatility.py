"""Features of the size of moves: close-to-close and range volatility.

Parkinson, M. (1980), The extreme value method for estimating the variance of the rate of return, J. Business 53, 61-65.
"""

import math

import numpy as np

from edgeproof.features.feature import Rows
from edgeproof.features.rolling import rolling_sum, widened_moments

__all__ = ["log_range", "log_volatility_24", "log_volatility_ratio_24_168", "parkinson"]


def log_volatility_24(rows: Rows) -> np.ndarray:
    """Logarithm of the standard deviation (n - 1) of 24 log returns; no value where they are all equal."""
    return 0.5 * np.log(rows.return_moments_24[1] / 23)


def log_volatility_ratio_24_168(rows: Rows) -> np.ndarray:
    """Logarithm of the ratio of the standard deviations (n - 1) of 24 and of 168 log returns."""
    long = widened_moments(rows.return_moments_24, 24, 7)[1]
    return 0.5 * np.log(rows.return_moments_24[1] / long * (167 / 23))


def log_range(rows: Rows) -> np.ndarray:
    """ln(H / L): 0 where high = low."""
    return rows.log_range


def parkinson(rows: Rows, window: int) -> np.ndarray:
    """sqrt(mean of ln(H/L)^2 / (4 ln 2)) over `window` bars, per bar."""
    return np.sqrt(rolling_sum(rows.log_range**2, window) / (window * 4 * math.log(2)))
