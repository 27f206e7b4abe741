"""Triple barrier: two barriers scaled by volatility and one in time; which is reached first (López de Prado 2018, 3.3).

The book's snippets 3.2 and 3.5: closes touch, and at the vertical barrier the label is the sign of the return.
"""

# S symbols, T bars

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from edgeproof.core.config import Config
from edgeproof.data.panel import Panel
from edgeproof.labels.label import Bracket, Labels
from edgeproof.labels.touch import LOWER, UPPER, first_touches, labels_of, open_paths, stand
from edgeproof.labels.volatility import volatility_over_gaps

__all__ = ["TripleBarrierConfig"]


class TripleBarrierConfig(Config):
    """y = 1 where the upper barrier is touched first; where neither is within H bars, `vertical` says.

    Distances are multiples of the one-bar trailing volatility, not scaled by the horizon: a path of H bars wanders
    about sqrt(H) of them. A barrier counts from the open of t+1, where a decision at the close of t is filled (the
    book counts from the close of t), and a price equal to a barrier touches it (the book asks for one beyond).

    Attributes:
        horizon_bars: H, bars to the vertical barrier, the fill's bar t+1 first.
        take_profit_volatilities: distance of the upper barrier above the fill.
        stop_loss_volatilities: distance of the lower barrier below the fill; 0 for none.
        volatility_bars: one-bar log returns up to t that the volatility is taken from. Over fewer the estimate's own
            error decides how far the barriers are, and so the label (docs/theory/labels.md).
        touch: `close` (the book's) or `range`: highs and lows touch, the stop first where a bar holds both.
        vertical: label at the vertical barrier: `sign` (the book's) is 1 where the last close up to t+H lies above the
            fill, `zero` is 0.
    """

    name: Literal["triple_barrier"] = "triple_barrier"
    horizon_bars: Annotated[int, Field(ge=1, le=100_000)] = 24
    take_profit_volatilities: Annotated[float, Field(gt=0.0)] = 4.0
    stop_loss_volatilities: Annotated[float, Field(ge=0.0)] = 4.0
    volatility_bars: Annotated[int, Field(ge=2, le=100_000)] = 72
    touch: Literal["close", "range"] = "close"
    vertical: Literal["sign", "zero"] = "sign"

    def bracket(self) -> Bracket:
        """The exits that the label speaks of."""
        distances = self.take_profit_volatilities, self.stop_loss_volatilities
        return Bracket(*distances, self.horizon_bars, True, in_range=self.touch == "range")

    def barrier_volatility(self, panel: Panel) -> np.ndarray | None:
        """f64[S, T]: one unit of the barriers, a share of price known at the close of t."""
        return volatility_over_gaps(panel, self.volatility_bars)

    def label(self, panel: Panel, decide: np.ndarray | None = None) -> Labels:
        """The label of every bar; known once a barrier was touched or H bars have passed.

        Like a forward return it needs t and the fill's bar to be present, and a usable volatility; bars that are
        missing on the way do not matter: nothing could be traded in them, so they touch nothing.

        Args:
            panel: the bars.
            decide: bool[T] decision bars; labels at other bars take no part in the uniqueness weights and weigh 0.
        """
        in_range = self.touch == "range"
        barriers = stand(self.bracket(), self.barrier_volatility(panel), panel.present.shape, in_range=in_range)
        opened = open_paths(panel, barriers)
        touches = first_touches(panel, opened, barriers)
        up = touches.side == UPPER
        if self.vertical == "sign":
            up |= (touches.side != LOWER) & _ends_above(panel, self.horizon_bars)
        return labels_of(touches, up, opened, decide, (self.horizon_bars, self.volatility_bars))


def _ends_above(panel: Panel, bars: int) -> np.ndarray:
    """bool[S, T]: the last close up to t+H lies above the open of t+1; False where the panel ends before."""
    S, T = panel.present.shape
    above = np.zeros((S, T), bool)
    if bars < T:
        shown = np.maximum.accumulate(np.where(panel.present, np.arange(T), 0), axis=1)
        close = np.take_along_axis(panel.prices[:, :, 3], shown, axis=1)
        above[:, : T - bars] = close[:, bars:] > panel.prices[:, 1 : T - bars + 1, 0]
    return above
