"""A bar that was still open when the file was made is not a bar: its close, high and volume were not final."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgeproof.core.clock import iso

__all__ = ["Retrieval", "unclosed"]

NEAR_END_BARS = 24


@dataclass(frozen=True)
class Retrieval:
    """When the rows were fetched.

    Attributes:
        stated_ns: stated by the user or by the folder's manifest; None where unknown.
        written_ns: per file, its modification time; 0 where there is none (a frame).
        drop_last: drop the last bar of every symbol that lives to the end of its file.
    """

    stated_ns: int | None = None
    written_ns: Sequence[int] = ()
    drop_last: bool = False


def unclosed(
    time: np.ndarray, interval_ns: int, retrieval: Retrieval, file: int, file_end_ns: int
) -> tuple[np.ndarray, str]:
    """bool[T] of the bars to drop, and why.

    A modification time counts only where it falls inside the last bar: earlier it is implausible (copied from
    elsewhere), later it says nothing.

    Args:
        time: i64[T] open times of one symbol.
        interval_ns: length of a bar.
        retrieval: what is known.
        file: index of the file of the last bar.
        file_end_ns: open time of that file's last bar over all its symbols.
    """
    late = np.zeros(len(time), dtype=bool)
    reason = "not closed at the end of the file (--drop-last)"
    if retrieval.drop_last:
        late[-1] = time[-1] >= file_end_ns - NEAR_END_BARS * interval_ns
    if retrieval.stated_ns is not None:
        after = time + interval_ns > retrieval.stated_ns
        if after.any():
            late |= after
            reason = f"they close after the retrieval at {iso(retrieval.stated_ns)}"
    elif retrieval.written_ns:
        written = retrieval.written_ns[file]
        if time[-1] <= written < time[-1] + interval_ns:
            late[-1] = True
            reason = f"not closed when the file was written at {iso(written)}"
    return late, reason
