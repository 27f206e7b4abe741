"""Forward return: is the open of t+1+H above the open of t+1, where a decision at the close of t is filled?"""

# S symbols, T bars

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from edgeproof.core.config import Config
from edgeproof.data.panel import Panel
from edgeproof.labels.label import Labels
from edgeproof.labels.volatility import panel_volatility
from edgeproof.labels.weight import uniqueness

__all__ = ["ForwardReturnConfig"]


class ForwardReturnConfig(Config):
    """y = 1 where open(t+1+H) / open(t+1) - 1 exceeds the threshold, else 0.

    Attributes:
        horizon_bars: H, bars from fill to exit.
        threshold_bps: the threshold in basis points.
        threshold_volatilities: the threshold in trailing volatilities of H bars (one-bar volatility times sqrt(H));
            at most one of the two thresholds.
        volatility_bars: one-bar log returns up to t that the volatility is taken from.
    """

    name: Literal["forward_return"] = "forward_return"
    horizon_bars: Annotated[int, Field(ge=1, le=100_000)] = 1
    threshold_bps: Annotated[float, Field(ge=0.0)] = 0.0
    threshold_volatilities: Annotated[float, Field(ge=0.0)] = 0.0
    volatility_bars: Annotated[int, Field(ge=2, le=100_000)] = 24

    @model_validator(mode="after")
    def _one_threshold(self) -> "ForwardReturnConfig":
        if self.threshold_bps and self.threshold_volatilities:
            raise ValueError("threshold_bps and threshold_volatilities are both set; keep one of them")
        return self

    def label(self, panel: Panel, decide: np.ndarray | None = None) -> Labels:
        """The label of every bar; known where t, the fill's bar and the exit's bar are present.

        Args:
            panel: the bars.
            decide: bool[T] decision bars; labels at other bars take no part in the uniqueness weights and weigh 0.
        """
        S, T = panel.present.shape
        H = self.horizon_bars
        known = np.zeros((S, T), bool)
        y = np.zeros((S, T), np.float32)
        opened = np.zeros((S, T), bool)
        tradable = panel.present & (panel.prices[:, :, 0] > 0.0)
        if T > 1:
            opened[:, :-1] = panel.present[:, :-1] & tradable[:, 1:]
        if T > H + 1:
            reached = slice(0, T - 1 - H)
            fill, leave = panel.prices[:, 1 : T - H, 0], panel.prices[:, 1 + H :, 0]
            threshold = self._threshold(panel)[:, reached]
            known[:, reached] = opened[:, reached] & tradable[:, 1 + H :] & np.isfinite(threshold)
            with np.errstate(divide="ignore", invalid="ignore"):
                y[:, reached] = known[:, reached] & (leave / fill - 1.0 > threshold)
        decided = opened if decide is None else opened & decide
        resolved_at = np.broadcast_to(np.arange(T, dtype=np.int32) + 1 + H, (S, T))
        weight = np.where(known, uniqueness(decided, resolved_at - 1), 0.0).astype(np.float32)
        reach = self.volatility_bars if self.threshold_volatilities else 0
        return Labels(y, resolved_at, weight, known, H, reach)

    def _threshold(self, panel: Panel) -> np.ndarray:
        """f64[S, T]: the return to exceed."""
        if not self.threshold_volatilities:
            return np.full(panel.present.shape, self.threshold_bps * 1e-4)
        scale = self.threshold_volatilities * np.sqrt(self.horizon_bars)
        return scale * panel_volatility(panel, self.volatility_bars)
