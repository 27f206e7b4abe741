"""Top k: hold the k symbols of which most is expected, as long as that is enough."""

# S symbols, T bars, K thresholds

from typing import Annotated, Literal

import numba
import numpy as np
from pydantic import Field

from edgeproof.backtest.policies.policy import distances, nowhere, sides
from edgeproof.core.config import Config

__all__ = ["TopKConfig"]


class TopKConfig(Config):
    """At each decision hold the k symbols of the highest p among those with p >= theta, each at 1/k.

    With `short`, k symbols of the lowest p <= 1 - theta are held short besides, and each weighs 1/(2k). Fewer than k
    symbols that qualify leave money unused. Of symbols with equal p the first in the market's order is taken. A
    symbol without a forecast at a decision keeps its position, and its place among the k, until it is closed as
    delisted; the next decision gives that place to another.

    Attributes:
        k: symbols on a side; more than the market has only makes their weights smaller.
        short: hold the lowest k short too.
        thetas: how many thresholds are tried on validation, each counted as a trial.
    """

    name: Literal["top_k"] = "top_k"
    k: Annotated[int, Field(ge=1, le=1_000_000)] = 5
    short: bool = False
    thetas: Annotated[int, Field(ge=1, le=1000)] = 20

    def candidates(self, p: np.ndarray, made: np.ndarray) -> np.ndarray:
        """0.5 + quantiles of |p - 0.5|, see `Policy.candidates`."""
        return distances(p, made, self.thetas)

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
        """Target weights, see `Policy.weights`; theta is at least 0.5, H has no part."""
        usable = made & decide
        up, down = sides(p, usable, theta)
        score, gone = np.where(usable, p, 0.5), nowhere(forgotten, usable)
        held = _hold_best(score, up, usable, gone, self.k)
        if not self.short:
            return held / self.k
        return (held - _hold_best(-score, down, usable, gone, self.k)) / (2 * self.k)


@numba.njit(cache=True, nogil=True)
def _hold_best(score: np.ndarray, able: np.ndarray, heard: np.ndarray, gone: np.ndarray, k: int) -> np.ndarray:
    """1 where a symbol is held, f64[S, T]: at each bar the best `able` ones take the places that the unheard leave."""
    S, T = score.shape
    held = np.zeros((S, T))
    for t in range(T):
        if t > 0:
            held[:, t] = np.where(gone[:, t], 0.0, held[:, t - 1])
        if not heard[:, t].any():
            continue
        places = k
        for s in range(S):
            if heard[s, t]:
                held[s, t] = 0.0
            else:
                places -= int(held[s, t])
        order = np.argsort(-score[:, t], kind="mergesort")  # stable: of equals the first
        for s in order:
            if places > 0 and able[s, t]:
                held[s, t] = 1.0
                places -= 1
    return held
