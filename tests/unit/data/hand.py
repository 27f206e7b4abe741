"""Hand-made bars for the tests of this folder."""

import numpy as np

from edgeproof.core.clock import HOUR_NS
from edgeproof.data.bars import Bars

START = 1_700_000_000 // 3600 * 3600 * 10**9  # 2023-11-14 22:00 UTC, on the hour


def walk(symbol: str = "AAA", count: int = 200, *, seed: int = 0, start: int = START, interval: int = HOUR_NS) -> Bars:
    """A calm random walk without any defect: 0.5% a bar, opens at the last close."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(0.005 * rng.standard_normal(count)))
    opened = np.concatenate([[100.0], close])[:count]
    high, low = np.maximum(opened, close) * 1.001, np.minimum(opened, close) * 0.999
    time = start + interval * np.arange(count, dtype=np.int64)
    return Bars(symbol, time, time + interval, np.stack([opened, high, low, close, 1 + rng.random(count)], axis=1))


def without(bars: Bars, drop: slice) -> Bars:
    """The bars with some left out."""
    keep = np.ones(len(bars), dtype=bool)
    keep[drop] = False
    return Bars(bars.symbol, bars.open_time[keep], bars.close_time[keep], bars.ohlcv[keep], bars.source)


def scaled(bars: Bars, begin: int, factor: float) -> Bars:
    """The bars with every price from `begin` on multiplied."""
    ohlcv = bars.ohlcv.copy()
    ohlcv[begin:, :4] *= factor
    return Bars(bars.symbol, bars.open_time, bars.close_time, ohlcv, bars.source)
