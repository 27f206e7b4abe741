"""Bars of one symbol: what a bar says is known at its close."""

# T bars

from dataclasses import dataclass

import numpy as np

from edgeproof.core.identity import sha_array

__all__ = ["OHLCV", "Bars"]

OHLCV = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True)
class Bars:
    """One symbol's bars in order of time, duplicates and reuse of the ticker already resolved.

    Attributes:
        symbol: name, unique in its market.
        open_time: i64[T], ns UTC, strictly increasing.
        close_time: i64[T], ns UTC, the moment from which the bar may be used.
        ohlcv: f64[T, 5] in the order of `OHLCV`.
        source: where the bars came from, for people.
        cut_from: the ticker that was cut after its reuse; empty for the others.
    """

    symbol: str
    open_time: np.ndarray
    close_time: np.ndarray
    ohlcv: np.ndarray
    source: str = ""
    cut_from: str = ""

    def __len__(self) -> int:
        """Number of bars."""
        return len(self.open_time)

    @property
    def sha(self) -> str:
        """Content hash of times and prices."""
        return sha_array(self.open_time, self.ohlcv)
