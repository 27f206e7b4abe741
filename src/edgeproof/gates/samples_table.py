"""Samples as plain arrays, windows by reference: what the checks of sample quality look at. No market is needed."""

# M rows, N samples, L window, F columns, K numbers of a window (L * F)

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from edgeproof.core.clock import iso
from edgeproof.core.errors import OptionError

__all__ = ["MOST_CLASSES", "PARTS", "SampleTable", "samples_of", "some_moments"]

PARTS = ("train", "validation", "test")
LEAST_NS = 10**17  # 1973: below, times are counts
MOST_CLASSES = 20  # labels of more values are numbers, not classes


@dataclass(frozen=True)
class SampleTable:
    """N samples. Sample n is the rows `ends[n] - window + 1` to `ends[n]`, its label `y[n]`.

    Windows that overlap share their rows, so that a hundred thousand of them take no more memory than their rows.

    Attributes:
        rows: f[M, F] the rows of all series, one series behind the other, each in order of time.
        ends: i64[N] row at which each sample's window ends; samples in order of `time`.
        y: f[N] class number or value.
        part: i8[N] place in `PARTS`.
        time: i64[N] when the sample was taken, in any unit; equal for samples of one moment.
        names: F columns.
        window: L.
        source: i64[N] which of `sources` each sample comes from.
        sources: names of the series (symbols, sensors, files).
    """

    rows: np.ndarray
    ends: np.ndarray
    y: np.ndarray
    part: np.ndarray
    time: np.ndarray
    names: tuple[str, ...]
    window: int
    source: np.ndarray
    sources: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ends)

    @cached_property
    def last(self) -> np.ndarray:
        """f[N, F] the last row of each window: what is new in the sample."""
        return self.rows[self.ends]

    @cached_property
    def classes(self) -> np.ndarray:
        """The distinct labels, at most 20 of them whole numbers; none where labels are values."""
        if not np.isfinite(self.y).all() or (self.y != np.round(self.y)).any():
            return np.empty(0)
        found = np.unique(self.y)
        return found if len(found) <= MOST_CLASSES else np.empty(0)

    def inside(self, name: str) -> np.ndarray:
        """bool[N]: samples of this part."""
        return self.part == PARTS.index(name)

    def when(self, sample: int) -> str:
        """A date where times are nanoseconds since 1970, else the number itself."""
        time = int(self.time[sample])
        return iso(time) if time > LEAST_NS else str(time)

    def take(self, which: np.ndarray) -> "SampleTable":
        """The samples at these places (or where this mask is true), in their order."""
        return replace(
            self,
            ends=self.ends[which],
            y=self.y[which],
            part=self.part[which],
            time=self.time[which],
            source=self.source[which],
        )

    def windows(self, which: np.ndarray) -> np.ndarray:
        """f[B, L, F] the windows of the samples at these places."""
        return self.rows[self.ends[which][:, None] + np.arange(1 - self.window, 1)]


def samples_of(
    x: np.ndarray,
    y: np.ndarray,
    *,
    part: Sequence[str] | np.ndarray,
    time: np.ndarray | None = None,
    names: Sequence[str] = (),
    source: Sequence[str] | None = None,
) -> SampleTable:
    """Anyone's samples: rows of a table, or whole windows, with the part that each belongs to.

    Args:
        x: f[N, F], or f[N, L, F] windows.
        y: [N] labels.
        part: [N] `train`, `validation` or `test`.
        time: i64[N] when each was taken; default: in the order in which they are given.
        names: F columns; default: `column 1` and so on.
        source: [N] the series that each comes from.

    Raises:
        OptionError: sizes that do not fit, or a part that is none.
    """
    x, y = np.asarray(x), np.asarray(y).reshape(-1)
    x = x[:, None, :] if x.ndim == 2 else x
    if x.ndim != 3 or not len(x) == len(y) == len(part) == (len(x) if time is None else len(time)) > 0:
        raise OptionError(f"samples: x of shape {x.shape} with {len(y)} labels and {len(part)} parts; give one of each")
    unknown = sorted(set(np.asarray(part).tolist()) - set(PARTS))
    if unknown:
        raise OptionError(f"samples: part {unknown[0]!r} is none of {', '.join(PARTS)}")
    count, window, columns = x.shape
    if names and len(names) != columns:
        raise OptionError(f"samples: {len(names)} names for {columns} columns; give one of each")
    of, where = np.unique(np.asarray(source or ["all"] * count), return_inverse=True)
    table = SampleTable(
        rows=x.reshape(count * window, columns),
        ends=window * np.arange(1, count + 1) - 1,
        y=y,
        part=np.array([PARTS.index(each) for each in np.asarray(part).tolist()], np.int8),
        time=np.arange(count) if time is None else np.asarray(time, np.int64),
        names=tuple(names) or tuple(f"column {number + 1}" for number in range(columns)),
        window=window,
        source=where.reshape(-1).astype(np.int64),
        sources=tuple(of.tolist()),
    )
    return table if time is None else table.take(np.argsort(table.time, kind="stable"))


def some_moments(table: SampleTable, most: int, draw: np.random.Generator) -> SampleTable:
    """Every k-th moment with all of its samples, about so many of them, from a moment that is drawn."""
    every = -(-len(table) // most)
    if every == 1:
        return table
    _, place = np.unique(table.time, return_inverse=True)
    return table.take(np.flatnonzero(place.reshape(-1) % every == draw.integers(every)))
