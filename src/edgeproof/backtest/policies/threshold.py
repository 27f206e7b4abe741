"""Threshold: enter on a forecast that is far enough from a half, leave on the opposite one or after H bars."""

# S symbols, T bars, K thresholds

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from edgeproof.backtest.policies.policy import distances, nowhere, sides
from edgeproof.core.config import Config
from edgeproof.core.lately import last_known

__all__ = ["ThresholdConfig"]


class ThresholdConfig(Config):
    """Enter long when p >= theta; leave when p <= 1 - theta, or H bars after the fill; each symbol weighs 1/S.

    Attributes:
        short: trade the mirror image too: enter short when p <= 1 - theta, leave when p >= theta.
        exit: `opposite`, or `horizon`: each entry is a tranche that is held for the label's H bars; a run takes
            `horizon` where its label has barriers and nothing is said. Where labels overlap, a tranche is 1/m of the
            symbol's weight, m being the decisions in H bars (H if every bar decides).
        thetas: how many thresholds are tried on validation, each counted as a trial.
    """

    name: Literal["threshold"] = "threshold"
    short: bool = False
    exit: Literal["opposite", "horizon"] = "opposite"
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
        """Target weights, see `Policy.weights`; theta is at least 0.5."""
        up, down = sides(p, made & decide, theta)  # p = theta = 0.5 says nothing
        side, gone = up.astype(np.int64) - (down & self.short), nowhere(forgotten, made)
        if self.exit == "horizon":
            return _tranches(side, decide, horizon_bars, gone) / len(p)
        return _last(up | down | gone, side) / len(p)


def _last(acts: np.ndarray, side: np.ndarray) -> np.ndarray:
    """`side` at the last bar at or before each one at which `acts`; 0 before the first. f64[S, T]."""
    return last_known(side, acts, 0).astype(np.float64)


def _tranches(side: np.ndarray, decide: np.ndarray, horizon_bars: int, gone: np.ndarray) -> np.ndarray:
    """Sum of the entries of the last H bars, as a share of the decisions that H bars can hold. f64[S, T]."""
    decided = decide.astype(np.int64)[np.newaxis]
    most = max(int(_window_sum(decided, horizon_bars, np.zeros(decided.shape, bool)).max(initial=0)), 1)
    return _window_sum(side, horizon_bars, gone) / most


def _window_sum(values: np.ndarray, length: int, since: np.ndarray) -> np.ndarray:
    """Sum of the last `length` values along time, none of them before the last bar of `since`; exact for integers."""
    bars = np.arange(values.shape[1])
    first = np.maximum(np.maximum.accumulate(np.where(since, bars, 0), axis=1), bars - length + 1)
    total = np.concatenate([np.zeros((len(values), 1), values.dtype), np.cumsum(values, axis=1)], axis=1)
    return total[:, 1:] - np.take_along_axis(total, first, axis=1)
