"""Rolling sums, moments and extremes in constant time a row, without cancellation.

Rows are cut into blocks as long as the window, so every window is the tail of one block and the head of the next
(van Herk 1992; Gil & Werman 1993). Nothing is ever subtracted from a running total: a stretch of equal values has a
deviation of exactly 0, and a bad value is forgotten as soon as it leaves the window.
"""

# n rows

import numpy as np
from numba import njit

__all__ = ["rolling_extremes", "rolling_moments", "rolling_sum"]


@njit(cache=True, nogil=True)
def rolling_sum(x: np.ndarray, window: int) -> np.ndarray:
    """f64[n]: the sum of the last `window` values; a NaN in the window makes it NaN.

    The first `window - 1` rows hold the sum of what there is.
    """
    n = x.shape[0]
    out = np.empty(n)
    tail = np.zeros(window + 1)
    for start in range(0, n, window):
        if start > 0:
            for j in range(window - 1, 0, -1):
                tail[j] = tail[j + 1] + x[start - window + j]
        head = 0.0
        for j in range(min(window, n - start)):
            head += x[start + j]
            out[start + j] = head + tail[j + 1]
    return out


@njit(cache=True, nogil=True)
def rolling_moments(x: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count f64[n], mean f64[n] and sum of squared deviations f64[n] of the last `window` values, NaN left out.

    Sums are taken of differences to one member of the window (the first of the later block, or the last value before
    it), so the squared deviations lose at most a factor of `window` in relative precision: 1e-13, whatever the level.
    """
    n = x.shape[0]
    count, mean, squares = np.empty(n), np.empty(n), np.empty(n)
    tails = np.zeros((3, window + 1))
    last = 0.0
    for start in range(0, n, window):
        shift = last if np.isnan(x[start]) else x[start]
        if start > 0:
            for j in range(window - 1, 0, -1):
                value = x[start - window + j]
                known = not np.isnan(value)
                d = value - shift if known else 0.0
                tails[0, j] = tails[0, j + 1] + (1.0 if known else 0.0)
                tails[1, j] = tails[1, j + 1] + d
                tails[2, j] = tails[2, j + 1] + d * d
        k, s, q = 0.0, 0.0, 0.0
        for j in range(min(window, n - start)):
            value = x[start + j]
            if not np.isnan(value):
                last = value
                d = value - shift
                k += 1.0
                s += d
                q += d * d
            total = k + tails[0, j + 1]
            first = s + tails[1, j + 1]
            average = first / total if total > 0.0 else np.nan
            count[start + j] = total
            mean[start + j] = shift + average
            squares[start + j] = max(q + tails[2, j + 1] - first * average, 0.0)
    return count, mean, squares


@njit(cache=True, nogil=True)
def rolling_extremes(high: np.ndarray, low: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Highest high f64[n] and lowest low f64[n] of the last `window` rows."""
    n = high.shape[0]
    highest, lowest = np.empty(n), np.empty(n)
    top, bottom = np.full(window + 1, -np.inf), np.full(window + 1, np.inf)
    for start in range(0, n, window):
        if start > 0:
            for j in range(window - 1, 0, -1):
                top[j] = max(top[j + 1], high[start - window + j])
                bottom[j] = min(bottom[j + 1], low[start - window + j])
        up, down = -np.inf, np.inf
        for j in range(min(window, n - start)):
            up, down = max(up, high[start + j]), min(down, low[start + j])
            highest[start + j] = max(up, top[j + 1])
            lowest[start + j] = min(down, bottom[j + 1])
    return highest, lowest
