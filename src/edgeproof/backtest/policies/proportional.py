"""Proportional: the further a forecast is from a half, the larger the position, with a band in which nothing is traded.

The band is what proportional costs ask for: inside it a better position is not worth its cost (Davis & Norman 1990).
"""

# S symbols, T bars, K thresholds

from typing import Annotated, Literal

import numba
import numpy as np
from pydantic import Field

from edgeproof.backtest.policies.policy import distances, nowhere
from edgeproof.core.config import Config

__all__ = ["ProportionalConfig"]

NO_DISTANCE = 1e-12  # of theta from a half: from there on every forecast asks for the whole weight


class ProportionalConfig(Config):
    """The weight of a symbol is (p - 0.5) / (theta - 0.5), at most 1 on either side, times 1/S.

    Attributes:
        short: hold less than nothing where p < 0.5; without it such a symbol is not held.
        band: the target moves only by more than this share of a whole weight, and always to zero when p says so.
        thetas: how many thresholds are tried on validation, each counted as a trial.
    """

    name: Literal["proportional"] = "proportional"
    short: bool = False
    band: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.25
    thetas: Annotated[int, Field(ge=1, le=1000)] = 20

    def candidates(self, p: np.ndarray, made: np.ndarray) -> np.ndarray:
        """0.5 + quantiles of |p - 0.5| but for a distance of zero, see `Policy.candidates`."""
        thetas = distances(p, made, self.thetas)
        return thetas[thetas > 0.5 + NO_DISTANCE]

    def weights(
        self,
        p: np.ndarray,
        made: np.ndarray,
        decide: np.ndarray,
        theta: float,
        horizon_bars: int,
        *,
        forgotten: np.ndarray | None = None,
    ) -> np.ndarray:
        """Target weights, see `Policy.weights`; H has no part."""
        usable = made & decide
        wish = np.where(usable, p - 0.5, 0.0) / max(theta - 0.5, NO_DISTANCE)
        wish = np.clip(wish, -1.0 if self.short else 0.0, 1.0)
        return _outside_band(wish, usable, self.band, nowhere(forgotten, usable)) / len(p)


@numba.njit(cache=True, nogil=True)
def _outside_band(wish: np.ndarray, heard: np.ndarray, band: float, gone: np.ndarray) -> np.ndarray:
    """The last wish that left the band around the target before it, f64[S, T]; a wish of zero always does.

    Where a symbol is gone its target is zero again.
    """
    target = np.zeros(wish.shape)
    for s in range(wish.shape[0]):
        now = 0.0
        for t in range(wish.shape[1]):
            if gone[s, t]:
                now = 0.0
            if heard[s, t] and (wish[s, t] == 0.0 or abs(wish[s, t] - now) > band):
                now = wish[s, t]
            target[s, t] = now
    return target
