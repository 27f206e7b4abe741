"""A sample occupies bars: the first bar that it reads, the bar at which it is decided, the bar that resolves its label.

These three numbers are all that purging needs to know about features, windows and labels.
"""

# S symbols, T bars, N samples, L window

from dataclasses import dataclass

import numpy as np

__all__ = ["Samples", "first_read_of_windows"]


@dataclass(frozen=True)
class Samples:
    """N samples and the bars that they occupy.

    Attributes:
        index: i64[N] flat sample index, symbol * T + decision bar.
        first: i64[N] clock index of the first bar that any feature in the sample's window reads.
        decided: i64[N] decision bar.
        resolved: i64[N] bar at which the label is known.
        clock: i64[T] close times in ns of the bars that these numbers count, for splits that speak of months.
    """

    index: np.ndarray
    first: np.ndarray
    decided: np.ndarray
    resolved: np.ndarray
    clock: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.index)

    def take(self, which: np.ndarray | slice) -> "Samples":
        """The samples at these positions (or where this mask is true)."""
        return Samples(self.index[which], self.first[which], self.decided[which], self.resolved[which], self.clock)

    def sorted(self) -> "Samples":
        """The samples in the order of their decision bars, as they are where they are in order already."""
        if (self.decided[1:] >= self.decided[:-1]).all():
            return self
        return self.take(np.argsort(self.decided, kind="stable"))

    def among(self, *parts: np.ndarray) -> "Samples":
        """The samples with these flat indices, part after part.

        Raises:
            KeyError: an index that no sample has.
        """
        wanted = np.concatenate(parts) if parts else self.index[:0]
        place = np.full(1 + max(self.index.max(initial=0), wanted.max(initial=0)), -1, dtype=np.int64)
        place[self.index] = np.arange(len(self.index))
        found = place[wanted]
        if (found < 0).any():
            raise KeyError(int(wanted[found < 0][0]))
        return self.take(found)


def first_read_of_windows(first_read: np.ndarray, window: int) -> np.ndarray:
    """First bar read by the window that ends at each bar: the minimum of `first_read` over the window's bars.

    Args:
        first_read: i32[S, T] first bar that any feature at (s, t) reads.
        window: L.

    Returns:
        i64[S, T]; the first L - 1 columns hold minima over the bars that exist.
    """
    lowest = first_read.astype(np.int64)
    span = 1
    while span < window:  # doubling: after k rounds each column covers 2**k bars
        step = min(span, window - span)
        shifted = lowest.copy()
        shifted[:, step:] = np.minimum(lowest[:, step:], lowest[:, :-step])
        lowest, span = shifted, span + step
    return lowest
