"""Opportunity: from the open of t+1, does the high reach +u before the low reaches -d, within H bars?"""

# S symbols, T bars

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from edgeproof.core.config import Config
from edgeproof.data.panel import Panel
from edgeproof.labels.label import Bracket, Labels
from edgeproof.labels.touch import UPPER, first_touches, labels_of, open_paths, stand
from edgeproof.labels.volatility import volatility_over_gaps

__all__ = ["OpportunityConfig"]


class OpportunityConfig(Config):
    """y = 1 where a long position from the open of t+1 would leave at its target; a bar that holds both is a loss.

    It is 1 exactly where the simulator ends that position with reason `target`.

    Attributes:
        horizon_bars: H, bars in which the barriers stand, the fill's bar t+1 first.
        unit: of both distances: one-bar trailing volatilities (not scaled by the horizon), or basis points.
        take_profit: u, distance of the target above the fill.
        stop_loss: d, distance of the stop below the fill; 0 for none.
        volatility_bars: one-bar log returns up to t that the volatility is taken from. Over fewer the estimate's own
            error decides how far the barriers are, and so the label (docs/theory/labels.md).
    """

    name: Literal["opportunity"] = "opportunity"
    horizon_bars: Annotated[int, Field(ge=1, le=100_000)] = 24
    unit: Literal["volatilities", "bps"] = "volatilities"
    take_profit: Annotated[float, Field(gt=0.0)] = 3.0
    stop_loss: Annotated[float, Field(ge=0.0)] = 1.5
    volatility_bars: Annotated[int, Field(ge=2, le=100_000)] = 72

    @model_validator(mode="after")
    def _distances_of_their_unit(self) -> "OpportunityConfig":
        if self.unit == "bps" and not {"take_profit", "stop_loss"} <= self.model_fields_set:
            raise ValueError("unit=bps needs take_profit and stop_loss beside it; their defaults are volatilities")
        return self

    def bracket(self) -> Bracket:
        """The exits that the label speaks of."""
        scale = 1e-4 if self.unit == "bps" else 1.0
        return Bracket(self.take_profit * scale, self.stop_loss * scale, self.horizon_bars, self.unit == "volatilities")

    def barrier_volatility(self, panel: Panel) -> np.ndarray | None:
        """f64[S, T]: one unit of the barriers, a share of price known at the close of t; None where the unit is bps."""
        return volatility_over_gaps(panel, self.volatility_bars) if self.unit == "volatilities" else None

    def label(self, panel: Panel, decide: np.ndarray | None = None) -> Labels:
        """The label of every bar; known once a barrier was touched or H bars have passed.

        Like a forward return it needs t and the fill's bar to be present, and a usable volatility; bars that are
        missing on the way do not matter: nothing could be traded in them, so they touch nothing.

        Args:
            panel: the bars.
            decide: bool[T] decision bars; labels at other bars take no part in the uniqueness weights and weigh 0.
        """
        volatility = self.barrier_volatility(panel)
        barriers = stand(self.bracket(), volatility, panel.present.shape, in_range=True)
        opened = open_paths(panel, barriers)
        touches = first_touches(panel, opened, barriers)
        read = 0 if volatility is None else self.volatility_bars
        return labels_of(touches, touches.side == UPPER, opened, decide, (self.horizon_bars, read))
