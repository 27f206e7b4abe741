"""Noise on bars: prices and volumes as another venue might have printed them, each bar by a factor of its own."""

# S symbols, T bars

from dataclasses import replace
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field
from scipy.special import ndtri

from edgeproof.core.config import Config
from edgeproof.core.rng import Rng
from edgeproof.samples.augment.draft import Draft, uniforms, with_bars

__all__ = ["PriceJitterConfig", "VolumeConfig"]


class PriceJitterConfig(Config):
    """Open, high, low and close of a bar times exp(scale n), n standard normal, one n a bar and symbol.

    One factor a bar: high and low stay around open and close, and the bar keeps its range and body. It moves returns
    between bars, of every lag alike, by sqrt(2) scale.

    Attributes:
        scale: standard deviation of a bar's log price: 0.001 is 0.1%.
    """

    name: Literal["price_jitter"] = "price_jitter"
    scale: Annotated[float, Field(gt=0.0, le=0.1)] = 0.001
    when_forecasting: ClassVar[bool] = True

    def augment(self, draft: Draft, rng: Rng) -> Draft:
        """The draft with other prices."""
        factor = np.exp(self.scale * ndtri(uniforms(rng, draft.panel)))
        prices = draft.panel.prices.copy()
        prices[:, :, :4] *= factor[:, :, np.newaxis]
        return replace(draft, panel=with_bars(draft.panel, prices, draft.panel.present))


class VolumeConfig(Config):
    """The volume of a bar times a factor that is uniform between 1 - share and 1 + share.

    Attributes:
        share: 0.1 is 10% up or down.
    """

    name: Literal["volume"] = "volume"
    share: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.1
    when_forecasting: ClassVar[bool] = True

    def augment(self, draft: Draft, rng: Rng) -> Draft:
        """The draft with other volumes."""
        prices = draft.panel.prices.copy()
        prices[:, :, 4] *= 1.0 + self.share * (2.0 * uniforms(rng, draft.panel) - 1.0)
        return replace(draft, panel=with_bars(draft.panel, prices, draft.panel.present))
