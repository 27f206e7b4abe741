"""Labels: what is to be forecast, when it is known, and how much of it is a sample's own."""

# S symbols, T bars

from dataclasses import dataclass

import numpy as np

__all__ = ["Bracket", "Labels"]


@dataclass(frozen=True)
class Bracket:
    """The exits of a long position that a barrier label speaks of, counted from its fill at the open of t+1.

    Attributes:
        take_profit: distance of the target above the fill, a share of it, or in volatilities; 0 for none.
        stop_loss: distance of the stop below the fill, in the same unit; 0 for none.
        bars: H, bars after which the position is given up; the fill's bar is the first of them.
        in_volatilities: the distances are multiples of the label's `barrier_volatility`, else shares of the fill.
        in_range: highs and lows touch, as they do an account's stop and target; else closes alone.
    """

    take_profit: float
    stop_loss: float
    bars: int
    in_volatilities: bool
    in_range: bool = True


@dataclass(frozen=True)
class Labels:
    """The label of every (symbol, decision bar).

    Attributes:
        y: f32[S, T] 1 or 0; 0 where not known.
        resolved_at: i32[S, T] clock index of the bar at which the label is known.
        weight: f32[S, T] mean uniqueness of the bars that the label spans, 0 to 1; 0 where not known.
        known: bool[S, T] the label exists.
        horizon_bars: H, bars from fill to resolution; the most of them where a barrier may end a label sooner.
        reach: bars before t that the label or its weight reads prices of (its own volatility, paths that share its
            bars), 0 for a return over a threshold in bps.
    """

    y: np.ndarray
    resolved_at: np.ndarray
    weight: np.ndarray
    known: np.ndarray
    horizon_bars: int
    reach: int = 0
