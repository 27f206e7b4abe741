"""Features of price alone: returns, the shape of a bar, the distance to the mean of a week."""

import numpy as np

from edgeproof.features.feature import Rows
from edgeproof.features.rolling import rolling_sum

__all__ = ["body_share", "close_location", "log_distance_sma", "log_return"]


def log_return(rows: Rows, lag: int) -> np.ndarray:
    """ln(C_t / C_{t-lag})."""
    out = np.empty(len(rows))
    out[:lag] = np.nan
    np.subtract(rows.log_close[lag:], rows.log_close[:-lag], out=out[lag:])
    return out


def body_share(rows: Rows) -> np.ndarray:
    """(C - O) / (H - L); no value where high = low."""
    return (rows.close - rows.open) / (rows.high - rows.low)


def close_location(rows: Rows) -> np.ndarray:
    """(C - L) / (H - L); no value where high = low."""
    return (rows.close - rows.low) / (rows.high - rows.low)


def log_distance_sma(rows: Rows, window: int) -> np.ndarray:
    """ln(C / mean of the last `window` closes)."""
    return rows.log_close - np.log(rolling_sum(rows.close, window) / window)
