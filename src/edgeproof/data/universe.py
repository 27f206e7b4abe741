"""Point-in-time universes: which symbols were in the universe, and when."""

# T bars

from collections.abc import Sequence

import numpy as np

__all__ = ["member_mask"]


def member_mask(open_time: np.ndarray, close_time: np.ndarray, spans: Sequence[tuple[int, int]]) -> np.ndarray:
    """bool[T]: bars that open at or after a `from` and close at or before its `to` (ns UTC)."""
    inside = np.zeros(len(open_time), dtype=bool)
    for start, end in spans:
        inside |= (open_time >= start) & (close_time <= end)
    return inside
