"""Rules that call a bar unusable: each reads the bar itself and bars before it, never a later one."""

# T bars of one symbol, in order of time

import numpy as np

__all__ = ["bad_price", "inconsistent", "no_trade", "off_open", "stale_run", "wick"]

ROUNDING = 1e-9  # relative: sources that round high and low apart from open and close
FAR_LOG = 0.47  # a price 60% away ...
FAR_RANGES = 15.0  # ... and 15 usual ranges: 144.21 in an hour of 310 (Binance ETHUSDT 2017-08-22)
USUAL_BARS = 168
USUAL_ENOUGH = 24


def bad_price(ohlcv: np.ndarray) -> np.ndarray:
    """bool[T]: a price that is not finite or not positive, a volume that is missing or negative."""
    with np.errstate(invalid="ignore"):
        return ~(np.isfinite(ohlcv).all(axis=1) & (ohlcv[:, :4] > 0).all(axis=1) & (ohlcv[:, 4] >= 0))


def inconsistent(ohlcv: np.ndarray) -> np.ndarray:
    """bool[T]: high below, or low above, one of the bar's other prices (by more than rounding)."""
    opened, high, low, close = (ohlcv[:, column] for column in range(4))
    with np.errstate(invalid="ignore"):
        above = np.maximum(np.maximum(opened, close), low) > high * (1 + ROUNDING)
        return above | (np.minimum(opened, close) < low * (1 - ROUNDING))


def no_trade(ohlcv: np.ndarray) -> np.ndarray:
    """bool[T]: volume is zero and high equals low."""
    return (ohlcv[:, 4] == 0) & (ohlcv[:, 1] == ohlcv[:, 2])


def stale_run(ohlcv: np.ndarray) -> np.ndarray:
    """i64[T]: length so far of the run of bars with high = low = close and one close; 0 where high and low differ."""
    close = ohlcv[:, 3]
    flat = (ohlcv[:, 1] == ohlcv[:, 2]) & (ohlcv[:, 1] == close)
    same = flat & np.concatenate([[False], flat[:-1] & (close[1:] == close[:-1])])[: len(close)]
    index = np.arange(len(close))
    start = np.maximum.accumulate(np.where(same, 0, index))
    return np.where(flat, index - start + 1, 0)


def off_open(ohlcv: np.ndarray, *, whole: bool = False) -> np.ndarray:
    """bool[T]: the open is far from the last close and from this one, on one side: nobody could trade there.

    Far is 60% and 15 times the median log range of up to 168 bars before; a bar with fewer than 24 before it is never
    called so, unless `whole` lets the median of all bars stand in (for findings, not for masks: it looks ahead).
    """
    return _far(ohlcv, (0, 0), whole=whole)


def wick(ohlcv: np.ndarray, *, whole: bool = False) -> np.ndarray:
    """bool[T]: high or low is far (as in `off_open`) beyond open, close and the last close.

    Half of them are bad ticks and half are real crashes, so they are kept unless the config says otherwise.
    """
    return _far(ohlcv, (1, 2), whole=whole) & ~off_open(ohlcv, whole=whole)


def _far(ohlcv: np.ndarray, columns: tuple[int, int], *, whole: bool) -> np.ndarray:
    import polars as pl

    bad = bad_price(ohlcv)
    logs = np.log(np.where(bad[:, None], 1.0, ohlcv[:, :4]))
    before = np.concatenate([logs[:1, 3], logs[:-1, 3]])
    above = logs[:, columns[0]] - np.maximum(before, logs[:, 3])
    below = np.minimum(before, logs[:, 3]) - logs[:, columns[1]]
    reach = np.maximum(above, below)
    far = (reach > FAR_LOG) & ~bad & ~np.concatenate([[False], bad[:-1]])
    if not far.any():
        return far
    ranges = logs[:, 1] - logs[:, 2]
    usual = pl.Series(ranges).shift(1).rolling_median(USUAL_BARS, min_samples=USUAL_ENOUGH).to_numpy()
    if whole:
        usual = np.where(np.isfinite(usual), usual, np.median(ranges))
    with np.errstate(invalid="ignore"):
        return far & (reach > FAR_RANGES * usual)
