"""The 23 hourly features with NumPy and TA-Lib, symbol by symbol, as someone at home in both would write them."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import talib
from serve import serve

FOLDER = Path(sys.argv[1])
PRICES: np.ndarray = np.load(FOLDER / "prices.npy")
PRESENT: np.ndarray = np.load(FOLDER / "present.npy")
SLOTS = [np.flatnonzero(row) for row in PRESENT]


def padded(x: np.ndarray) -> np.ndarray:
    return np.concatenate(([np.nan], x))


def market_returns() -> np.ndarray:
    """f64[T]: mean over symbols of the log return from the slot before at which any symbol has a bar."""
    slots = np.flatnonzero(PRESENT.any(0))
    logs = np.log(np.where(PRESENT, PRICES[:, :, 3], np.nan)[:, slots])
    moves = logs[:, 1:] - logs[:, :-1]
    out = np.zeros(PRESENT.shape[1])
    known = ~np.isnan(moves)
    count = known.sum(0)
    out[slots[1:]] = np.where(known, moves, 0.0).sum(0) / np.where(count > 0, count, np.nan)
    return out


def of_symbol(columns: np.ndarray, slots: np.ndarray, cumulative: np.ndarray, market: np.ndarray) -> np.ndarray:
    o, h, l, c, v = columns  # noqa: E741 - the names of a bar's columns
    log_close, log_range = np.log(c), np.log(h / l)
    r = np.diff(log_close)
    out = np.full((len(c), 23), np.nan, np.float32)
    for k, lag in enumerate((1, 3, 6, 12, 24, 72)):
        out[lag:, k] = log_close[lag:] - log_close[:-lag]
    sd24, sd168 = talib.STDDEV(r, 24) * np.sqrt(24 / 23), talib.STDDEV(r, 168) * np.sqrt(168 / 167)
    out[1:, 6] = np.log(sd24)
    out[1:, 7] = np.log(sd24 / sd168)
    out[:, 8] = np.sqrt(talib.SUM(log_range * log_range, 24) / (24 * 4 * np.log(2)))
    out[:, 9] = log_range
    height = h - l
    out[:, 10] = (c - o) / height
    out[:, 11] = (c - l) / height
    out[:, 12] = talib.RSI(c, 14) / 100
    out[:, 13] = talib.MACD(c, 12, 26, 9)[2] / talib.ATR(h, l, c, 14)
    out[:, 14] = talib.ADX(h, l, c, 14) / 100
    upper, _, lower = talib.BBANDS(c, 20, 2, 2)
    out[:, 15] = (c - lower) / (upper - lower)
    out[:, 16] = talib.STOCHF(h, l, c, 14, 1)[0] / 100
    out[:, 17] = np.log(c / talib.SMA(c, 168))
    out[:, 18] = volume_z(v)
    out[1:, 19] = talib.SUM(np.sign(r) * v[1:], 24) / talib.SUM(v[1:], 24)
    traded = v[1:] > 0
    ratio = np.where(traded, np.abs(r), 0.0) / np.where(traded, c[1:] * v[1:], 1.0)
    out[1:, 20] = np.log(talib.SUM(ratio, 24) / talib.SUM(traded.astype(float), 24))
    out[:, 21] = market[slots]
    out[1:, 22] = talib.SUM(r - np.diff(cumulative[slots]), 24)
    return out


def volume_z(v: np.ndarray) -> np.ndarray:
    if (v > 0).all():
        log_volume = np.log(v)
        return (log_volume - talib.SMA(log_volume, 168)) / (talib.STDDEV(log_volume, 168) * np.sqrt(168 / 167))
    log_volume = pd.Series(np.log(np.where(v > 0, v, np.nan)))  # TA-Lib's running sums do not survive a NaN
    window = log_volume.rolling(168, min_periods=84)
    return ((log_volume - window.mean()) / window.std()).to_numpy()


def table() -> list[float]:
    """Fill [S, T, 23] float32 and its mask; returns each feature's mean where ready, to compare."""
    market = market_returns()
    cumulative = np.cumsum(np.nan_to_num(market))
    x = np.zeros((*PRESENT.shape, 23), np.float32)
    ready = np.zeros(PRESENT.shape, bool)
    for s, slots in enumerate(SLOTS):
        columns = np.ascontiguousarray(PRICES[s].take(slots, 0).T)
        values = of_symbol(columns, slots, cumulative, market)
        finite = np.isfinite(values).all(axis=1) & (np.arange(len(values)) >= 300)
        ready[s, slots[finite]] = True
        x[s, slots[finite]] = values[finite]
    return [float(x[0, ready[0], f].mean(dtype=float)) for f in range(23)]


with np.errstate(all="ignore"):
    serve(table)
