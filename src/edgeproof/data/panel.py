"""The panel: one market's open bars as dense arrays on one clock."""

# S symbols, T bars

from dataclasses import dataclass

import numpy as np

__all__ = ["Panel"]


@dataclass(frozen=True)
class Panel:
    """Bars of every symbol on the market's clock, up to the end of the span it was built for.

    Attributes:
        prices: f64[S, T, 5] open, high, low, close, volume; 0 where no bar is present.
        present: bool[S, T] a usable bar: it exists and is not masked by the quality config.
        open_time: i64[T] ns UTC.
        close_time: i64[T] ns UTC, strictly increasing.
        symbols: S names.
        interval_ns: length of a bar.
        calendar: `continuous` (every interval of the clock is a slot) or `sessions` (slots are the open times seen).
        sha: content hash of all of the above.
    """

    prices: np.ndarray
    present: np.ndarray
    open_time: np.ndarray
    close_time: np.ndarray
    symbols: tuple[str, ...]
    interval_ns: int
    calendar: str
    sha: str
