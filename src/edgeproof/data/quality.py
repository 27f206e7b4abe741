"""What is masked, and why: every rule reads the bar itself and bars before it, never a later one.

A masked bar is never traded and never used in a window. A rule that needed the next bar (a close that reverts) would
choose samples by their future, so such bars are findings only: correct the file and import it again.
"""

# T bars

from typing import Literal

import numpy as np
from pydantic import Field

from edgeproof.core.config import Config

__all__ = ["QualityConfig", "bad_price", "inconsistent", "keep_mask", "no_trade", "stale_run", "wick"]

Choice = Literal["mask", "keep"]
ROUNDING = 1e-9  # relative: sources that round high and low apart from open and close
WICK_LOG = 0.47  # a wick of at least 60% ...
WICK_RANGES = 15.0  # ... and 15 usual ranges is a bad tick: 144.21 in an hour of 310 (Binance ETHUSDT 2017-08-22)
WICK_BARS = 168


class QualityConfig(Config):
    """Which bars are masked.

    Attributes:
        bad_price: prices that are not finite or not positive, negative or missing volume.
        ohlc: high below open, close or low; low above open or close.
        no_trade: volume is zero and high equals low: nothing was traded, so nothing could have been.
        spike: a wick of 60% and 15 times the usual range of the 168 bars before.
        stale: the bars of an unchanged-price run from its `stale_bars`-th on.
        stale_bars: length from which a run is stale.
        max_gap_bars: a longer gap starts a new segment: features warm up again.
    """

    bad_price: Choice = "mask"
    ohlc: Choice = "mask"
    no_trade: Choice = "mask"
    spike: Choice = "mask"
    stale: Choice = "mask"
    stale_bars: int = Field(default=24, ge=2)
    max_gap_bars: int = Field(default=24, ge=0)


def keep_mask(ohlcv: np.ndarray, config: QualityConfig) -> np.ndarray:
    """bool[T]: bars that no rule set to `mask` takes out; ohlcv is f64[T, 5] of one symbol in order of time."""
    keep = np.ones(len(ohlcv), dtype=bool)
    if config.bad_price == "mask":
        keep &= ~bad_price(ohlcv)
    if config.ohlc == "mask":
        keep &= ~inconsistent(ohlcv)
    if config.no_trade == "mask":
        keep &= ~no_trade(ohlcv)
    if config.spike == "mask":
        keep &= ~wick(ohlcv)
    if config.stale == "mask":
        keep &= stale_run(ohlcv) < config.stale_bars
    return keep


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
    """i64[T]: how many bars, this one included, have repeated one close with high = low = close; 0 if this has not."""
    close = ohlcv[:, 3]
    flat = (ohlcv[:, 1] == ohlcv[:, 2]) & (ohlcv[:, 1] == close)
    same = flat & np.concatenate([[False], close[1:] == close[:-1]])
    index = np.arange(len(close))
    start = np.maximum.accumulate(np.where(same, 0, index))
    return np.where(flat, index - start + 1, 0)


def wick(ohlcv: np.ndarray) -> np.ndarray:
    """bool[T]: high or low far outside the body, measured in the median log range of the bars before."""
    import polars as pl

    valid = ~bad_price(ohlcv)
    safe = np.where(valid[:, None], ohlcv[:, :4], 1.0)
    logs = np.log(safe)
    body_high, body_low = np.maximum(logs[:, 0], logs[:, 3]), np.minimum(logs[:, 0], logs[:, 3])
    reach = np.maximum(logs[:, 1] - body_high, body_low - logs[:, 2])
    candidate = reach > WICK_LOG
    if not candidate.any():
        return candidate
    usual = pl.Series(logs[:, 1] - logs[:, 2]).shift(1).rolling_median(WICK_BARS, min_samples=24).to_numpy()
    with np.errstate(invalid="ignore"):
        return candidate & (reach > WICK_RANGES * usual)
