"""Labels: what is to be forecast, when it is known, and how much of it is a sample's own."""

# S symbols, T bars

from dataclasses import dataclass

import numpy as np

__all__ = ["Labels"]


@dataclass(frozen=True)
class Labels:
    """The label of every (symbol, decision bar).

    Attributes:
        y: f32[S, T] 1 or 0; 0 where not known.
        resolved_at: i32[S, T] clock index of the bar at which the label is known.
        weight: f32[S, T] mean uniqueness of the bars that the label spans, 0 to 1; 0 where not known.
        known: bool[S, T] the label exists.
        horizon_bars: bars from fill to resolution.
        reach: bars before t that the label reads (its own volatility), 0 for a threshold in bps.
    """

    y: np.ndarray
    resolved_at: np.ndarray
    weight: np.ndarray
    known: np.ndarray
    horizon_bars: int
    reach: int = 0
