"""Rolling sums, moments and extremes that depend on nothing but their own window, to the last bit.

A window of 168 rows is put together from blocks of 128, 32 and 8, each block from two of half its size. Nothing is ever
subtracted from a running total: a stretch of equal values has a deviation of exactly 0, a bad value is forgotten as
soon as it leaves the window, and a shorter history gives the same numbers. Moments are merged as in Chan, Golub &
LeVeque (1983), Algorithms for computing the sample variance, The American Statistician 37, 242-247.
"""

# n rows, m rows of one chunk

import numpy as np
from numba import njit

__all__ = [
    "mean_of_finite",
    "moments_of_finite",
    "rolling_extremes",
    "rolling_moments",
    "rolling_sum",
    "widened_moments",
]

_CHUNK = 1024  # rows at a time: the buffers stay in the first cache


@njit(cache=True, nogil=True)
def rolling_sum(x: np.ndarray, window: int) -> np.ndarray:
    """f64[n]: the sum of the last `window` values; NaN if one of them is NaN or there are fewer."""
    n = x.shape[0]
    out = np.full(n, np.nan)
    buffers = np.empty((3, _CHUNK + window))
    for start in range(0, n, _CHUNK):
        low = max(0, start - window + 1)
        m = min(n, start + _CHUNK) - low
        if m < window:
            continue
        block, spare, total = buffers[0], buffers[1], buffers[2]
        block[:m], total[:m] = x[low : low + m], 0.0
        size, used = 1, 0
        while True:
            if window & size:
                _add(total[used:m], block[: m - used], spare[used:m])
                total, spare, used = spare, total, used + size
            if used == window:
                break
            _add(block[size:m], block[: m - size], spare[size:m])
            block, spare = spare, block
            size *= 2
        out[low + window - 1 : low + m] = total[window - 1 : m]
    return out


@njit(cache=True, nogil=True)
def _add(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    for j in range(len(out)):
        out[j] = a[j] + b[j]


_Pair = tuple[np.ndarray, np.ndarray]


def rolling_moments(x: np.ndarray, window: int) -> _Pair:
    """Mean f64[n] and sum of squared deviations f64[n] of the last `window` values; not finite if one is not."""
    return widened_moments((x, x), 1, window)


@njit(cache=True, nogil=True)
def widened_moments(moments: _Pair, base: int, times: int) -> _Pair:
    """Moments (means, sums of squared deviations) of windows of `base * times` rows from those of `base` rows.

    A single row has no deviation: with base 1 the second array is not read.
    """
    n, reach = moments[0].shape[0], base * (times - 1)
    mean, squares = np.full(n, np.nan), np.full(n, np.nan)
    buffers = np.empty((6, _CHUNK + reach))
    for start in range(0, n, _CHUNK):
        low = max(0, start - reach)
        m = min(n, start + _CHUNK) - low
        if m <= reach:
            continue
        block, spare, total = (buffers[0], buffers[1]), (buffers[2], buffers[3]), (buffers[4], buffers[5])
        block[0][:m], block[1][:m] = moments[0][low : low + m], 0.0
        if base > 1:
            block[1][:m] = moments[1][low : low + m]
        size, used = 1, 0  # in blocks of `base` rows
        while True:
            if times & size:
                _merge(total, block, spare, (m, base, used, size))
                total, spare, used = spare, total, used + size
            if used == times:
                break
            _merge(block, block, spare, (m, base, size, size))
            block, spare = spare, block
            size *= 2
        mean[low + reach : low + m], squares[low + reach : low + m] = total[0][reach:m], total[1][reach:m]
    return mean, squares


@njit(cache=True, nogil=True)
def _merge(late: _Pair, early: _Pair, out: _Pair, sizes: tuple[int, int, int, int]) -> None:
    """For each of m rows: moments of `k` blocks, merged with those of the `size` blocks before them."""
    m, base, k, size = sizes
    shift = k * base
    mean_a, squares_a, mean_b, squares_b = (
        late[0][shift:m],
        late[1][shift:m],
        early[0][: m - shift],
        early[1][: m - shift],
    )
    into_mean, into_squares = out[0][shift:m], out[1][shift:m]
    if k == 0:
        into_mean[:], into_squares[:] = mean_b, squares_b
        return
    share, weight = size / (k + size), base * k * size / (k + size)
    for j in range(len(into_mean)):
        apart = mean_b[j] - mean_a[j]
        into_mean[j] = mean_a[j] + apart * share
        into_squares[j] = squares_a[j] + squares_b[j] + apart * apart * weight


def moments_of_finite(x: np.ndarray, window: int, least: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count, mean and sum of squared deviations, f64[n] each, of the finite ones among the last `window` values.

    NaN where fewer than `least` are finite, or there are no `window` rows yet.
    """
    mean, squares = rolling_moments(x, window)
    return _fill_incomplete(x, window, least, (mean, squares)), mean, squares


def mean_of_finite(x: np.ndarray, window: int, least: int) -> np.ndarray:
    """f64[n]: mean of the finite ones among the last `window` values, as in `moments_of_finite`."""
    mean = rolling_sum(x, window) / window
    _fill_incomplete(x, window, least, (mean, np.empty(len(x))))
    return mean


@njit(cache=True, nogil=True, fastmath={"reassoc"})  # the values of one window may be summed in any order
def _fill_incomplete(x: np.ndarray, window: int, least: int, out: _Pair) -> np.ndarray:
    """Mean and squares where the mean is not finite, directly: such windows are few; returns the counts f64[n]."""
    n = len(x)
    count, known = np.full(n, float(window)), np.empty(n)
    first, end = 0, 0  # the window's finite values are known[first:end]
    for i in range(window - 1, n):
        if np.isfinite(out[0][i]):
            end = 0
            continue
        out[0][i], out[1][i] = np.nan, np.nan
        if end > 0:
            first += 1 if np.isfinite(x[i - window]) else 0
        else:
            first = 0
        for j in range(i if end > 0 else i - window + 1, i + 1):
            if np.isfinite(x[j]):
                known[end] = x[j]
                end += 1
        count[i] = end - first
        _direct(known[first:end], least, i, out)
    return count


@njit(cache=True, nogil=True, fastmath={"reassoc"})
def _direct(values: np.ndarray, least: int, i: int, out: _Pair) -> None:
    if len(values) < least:
        return
    total, square = 0.0, 0.0
    for j in range(len(values)):
        total += values[j]
    average = total / len(values)
    for j in range(len(values)):
        square += (values[j] - average) * (values[j] - average)
    out[0][i], out[1][i] = average, square


@njit(cache=True, nogil=True)
def rolling_extremes(high: np.ndarray, low: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Highest high f64[n] and lowest low f64[n] of the last `window` rows; of what there is in the first ones."""
    n = high.shape[0]
    highest, lowest = np.empty(n), np.empty(n)
    buffers = np.empty((4, _CHUNK + window))
    for start in range(0, n, _CHUNK):
        first = max(0, start - window + 1)
        m = min(n, start + _CHUNK) - first
        top, bottom, spare_top, spare_bottom = buffers[0], buffers[1], buffers[2], buffers[3]
        top[:m], bottom[:m] = high[first : first + m], low[first : first + m]
        size = 1
        while size < window:
            step = min(size, window - size)  # blocks of an extreme may overlap
            spare_top[:step], spare_bottom[:step] = top[:step], bottom[:step]
            _extend((top[step:m], bottom[step:m]), (top[: m - step], bottom[: m - step]), spare_top, spare_bottom, step)
            top, bottom, spare_top, spare_bottom = spare_top, spare_bottom, top, bottom
            size += step
        highest[start : first + m], lowest[start : first + m] = top[start - first : m], bottom[start - first : m]
    return highest, lowest


@njit(cache=True, nogil=True)
def _extend(late: _Pair, early: _Pair, top: np.ndarray, bottom: np.ndarray, step: int) -> None:
    (a, b), (c, d) = late, early
    into_top, into_bottom = top[step:], bottom[step:]
    for j in range(len(a)):
        into_top[j] = a[j] if a[j] > c[j] else c[j]
        into_bottom[j] = b[j] if b[j] < d[j] else d[j]
