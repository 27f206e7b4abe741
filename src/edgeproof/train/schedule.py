"""Learning-rate schedules are functions: the share of the base rate at a step, given what earlier epochs scored.

    rate(step) = lr * min(1, (step + 1) / warm-up steps) * share(step)

What a schedule remembers is a small JSON state, so a resumed training goes on with the same rates.
"""

import math
from typing import Annotated, Any, Literal

from pydantic import Field

from edgeproof.core.config import Config

__all__ = ["ConstantConfig", "CosineConfig", "PlateauConfig", "warm_up"]

State = dict[str, Any]


def warm_up(step: int, steps: int) -> float:
    """Linear from 1 / steps to 1 over the first `steps` steps; 1 afterwards."""
    return min(1.0, (step + 1) / steps) if steps > 0 else 1.0


class ConstantConfig(Config):
    """The base rate throughout."""

    name: Literal["none"] = "none"

    def start(self) -> State:
        """Nothing to remember."""
        return {}

    def share(self, progress: float, state: State) -> float:
        """Always 1."""
        del progress, state
        return 1.0

    def after_epoch(self, state: State, score: float) -> State:
        """Nothing to remember."""
        del score
        return state


class CosineConfig(Config):
    """Half a cosine from the base rate to `floor_share` of it (Loshchilov & Hutter 2017, without restarts)."""

    name: Literal["cosine"] = "cosine"
    floor_share: Annotated[float, Field(ge=0, le=1)] = 0.0

    def start(self) -> State:
        """Nothing to remember."""
        return {}

    def share(self, progress: float, state: State) -> float:
        """Share f + (1 - f) (1 + cos(pi progress)) / 2; progress is the share of steps after warm-up."""
        del state
        return self.floor_share + (1 - self.floor_share) * (1 + math.cos(math.pi * progress)) / 2

    def after_epoch(self, state: State, score: float) -> State:
        """Nothing to remember."""
        del score
        return state


class PlateauConfig(Config):
    """Multiply the rate by `factor` after `patience` epochs in which the run's metric did not improve.

    Attributes:
        factor: of each reduction.
        patience: epochs without improvement that are tolerated.
        min_share: smallest share of the base rate.
    """

    name: Literal["plateau"] = "plateau"
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.5
    patience: Annotated[int, Field(ge=0)] = 5
    min_share: Annotated[float, Field(ge=0, le=1)] = 0.01

    def start(self) -> State:
        """No score yet, no epoch waited, the whole rate."""
        return {"best": None, "waited": 0, "share": 1.0}

    def share(self, progress: float, state: State) -> float:
        """The share that earlier epochs have left."""
        del progress
        return float(state["share"])

    def after_epoch(self, state: State, score: float) -> State:
        """The state after an epoch with this score (larger is better)."""
        if state["best"] is None or score > state["best"]:
            return state | {"best": score, "waited": 0}
        if state["waited"] < self.patience:
            return state | {"waited": state["waited"] + 1}
        return state | {"waited": 0, "share": max(self.min_share, state["share"] * self.factor)}
