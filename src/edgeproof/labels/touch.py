"""Which of two barriers a price path touches first, from the fill at the open of t+1: the bracket of the simulator.

The rules are those of `simulator.hold.bracket` for a long position: the fill's bar counts, equality touches, the stop
comes before the target where one bar holds both, a bar that is missing touches nothing.
"""

# S symbols, T bars

from dataclasses import dataclass

import numpy as np
from numba import njit

from edgeproof.data.panel import Panel
from edgeproof.labels.label import Bracket, Labels
from edgeproof.labels.weight import uniqueness

__all__ = ["LOWER", "UPPER", "Barriers", "Touches", "first_touches", "labels_of", "open_paths", "stand"]

UPPER, LOWER = 1, -1


@dataclass(frozen=True)
class Barriers:
    """Two barriers around the fill, and how long they stand.

    Attributes:
        take_profit: f64[S, T] distance of the upper one as a share of the fill, known at the close of t.
        stop_loss: f64[S, T] distance of the lower one; 0 for none.
        bars: H, bars that they stand, the fill's bar first.
        in_range: highs and lows touch; else closes alone.
    """

    take_profit: np.ndarray
    stop_loss: np.ndarray
    bars: int
    in_range: bool


@dataclass(frozen=True)
class Touches:
    """What each path did.

    Attributes:
        side: i8[S, T] 1 the upper barrier first, -1 the lower one, 0 neither, or nothing was opened.
        last: i32[S, T] bar of the touch, t+H without one; beyond the panel where the path is not over.
    """

    side: np.ndarray
    last: np.ndarray


def stand(bracket: Bracket, volatility: np.ndarray | None, shape: tuple[int, ...], *, in_range: bool) -> Barriers:
    """The barriers of a bracket at every bar.

    Args:
        bracket: the distances and H.
        volatility: f64[S, T] their unit; None where they are shares.
        shape: (S, T).
        in_range: highs and lows touch; else closes alone.
    """
    unit = np.ones(shape) if volatility is None else volatility
    return Barriers(bracket.take_profit * unit, bracket.stop_loss * unit, bracket.bars, in_range)


def open_paths(panel: Panel, barriers: Barriers) -> np.ndarray:
    """bool[S, T]: t is present, t+1 has an open to be filled at, and the barriers are at a positive distance."""
    opened = np.zeros(panel.present.shape, bool)
    opened[:, :-1] = panel.present[:, :-1] & panel.present[:, 1:] & (panel.prices[:, 1:, 0] > 0.0)
    return opened & (barriers.take_profit > 0.0) & (barriers.take_profit < np.inf)


def first_touches(panel: Panel, opened: np.ndarray, barriers: Barriers) -> Touches:
    """The first touch of every path.

    Args:
        panel: the bars.
        opened: bool[S, T] a long position is filled at the open of t+1.
        barriers: both sides and their life.
    """
    S, T = opened.shape
    side = np.zeros((S, T), np.int8)
    last = np.broadcast_to(np.arange(T, dtype=np.int32) + np.int32(barriers.bars), (S, T)).copy()
    columns = (1, 2) if barriers.in_range else (3, 3)
    seen = (panel.prices, panel.present, opened)
    _walk(seen, (barriers.take_profit, barriers.stop_loss), columns, side, last)
    return Touches(side, last)


def labels_of(
    touches: Touches, up: np.ndarray, opened: np.ndarray, decide: np.ndarray | None, bars: tuple[int, int]
) -> Labels:
    """Labels of paths that end at their first touch or after H bars, weighted by their uniqueness.

    Args:
        touches: what each path did.
        up: bool[S, T] the label is 1 once the path is over.
        opened: bool[S, T] the paths.
        decide: bool[T] decision bars; paths from other bars share no weight.
        bars: H, and the bars up to t that a barrier's distance is taken from. A weight is shared with paths decided up
            to H-1 bars before t, so that many and their own distances are read too.
    """
    horizon, reach = bars
    known = opened & (touches.last < opened.shape[1])
    decided = opened if decide is None else opened & decide
    weight = np.where(known, uniqueness(decided, touches.last), 0.0).astype(np.float32)
    y = (known & up).astype(np.float32)
    return Labels(y, touches.last, weight, known, horizon, horizon - 1 + reach)


@njit(cache=True, nogil=True)
def _walk(
    seen: tuple[np.ndarray, np.ndarray, np.ndarray],
    distance: tuple[np.ndarray, np.ndarray],
    columns: tuple[int, int],
    side: np.ndarray,
    last: np.ndarray,
) -> None:
    """Write the side and the bar of each first touch; `last` comes in as t + H."""
    prices, present, opened = seen
    S, T = opened.shape
    for s in range(S):
        for t in range(T):
            if not opened[s, t]:
                continue
            fill = prices[s, t + 1, 0]
            above = fill * (1.0 + distance[0][s, t])
            below = fill * (1.0 - distance[1][s, t]) if distance[1][s, t] > 0.0 else -np.inf
            for u in range(t + 1, min(last[s, t] + 1, T)):
                touched = 0
                if present[s, u]:
                    if prices[s, u, columns[1]] <= below:
                        touched = LOWER
                    elif prices[s, u, columns[0]] >= above:
                        touched = UPPER
                if touched != 0:
                    side[s, t], last[s, t] = touched, u
                    break
