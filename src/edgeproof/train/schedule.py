"""Learning-rate schedules are functions of the moment, and of what earlier epochs scored.

    rate(step) = min(1, (step + 1) / warm-up steps) * schedule.rate(lr, moment, state)

What a schedule remembers is a small JSON state, so a resumed training goes on with the same rates.
"""

import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from edgeproof.core.config import Config

__all__ = ["ConstantConfig", "CosineConfig", "Moment", "PlateauConfig", "RestartsConfig", "StepConfig", "warm_up"]

State = dict[str, Any]
Rate = Annotated[float, Field(ge=0)]


@dataclass(frozen=True)
class Moment:
    """Where a step stands, warm-up left out: its share of all steps, and the epochs behind it."""

    progress: float
    epoch: float


def warm_up(step: int, steps: int) -> float:
    """Linear from 1 / steps to 1 over the first `steps` steps; 1 afterwards (Goyal et al. 2017, section 2.2)."""
    return min(1.0, (step + 1) / steps) if steps > 0 else 1.0


def _half_cosine(high: float, low: float, share: float) -> float:
    """From high at share 0 to low at share 1 (Loshchilov & Hutter 2017, eq. 5)."""
    return low + (high - low) * (1 + math.cos(math.pi * share)) / 2


class ConstantConfig(Config):
    """The base rate throughout."""

    name: Literal["none"] = "none"

    def start(self) -> State:
        """Nothing to remember."""
        return {}

    def rate(self, base: float, moment: Moment, state: State) -> float:
        """Always the base rate."""
        del moment, state
        return base

    def after_epoch(self, state: State, score: float) -> State:
        """Nothing to remember."""
        del score
        return state


class CosineConfig(Config):
    """Half a cosine from the base rate to `floor_share` of it (Loshchilov & Hutter 2017, without restarts).

    With `train.warmup_share` it is a linear warm-up, then a cosine to a floor.

    Attributes:
        floor_share: share of the base rate at the end.
    """

    name: Literal["cosine"] = "cosine"
    floor_share: Annotated[float, Field(ge=0, le=1)] = 0.0

    def start(self) -> State:
        """Nothing to remember."""
        return {}

    def rate(self, base: float, moment: Moment, state: State) -> float:
        """By the share of all steps after warm-up."""
        del state
        return _half_cosine(base, base * self.floor_share, moment.progress)

    def after_epoch(self, state: State, score: float) -> State:
        """Nothing to remember."""
        del score
        return state


class RestartsConfig(Config):
    """Half cosines one after the other, each longer than the last (Loshchilov & Hutter 2017).

    Attributes:
        first_epochs: length of the first, T_0.
        times: each next one is this many times as long, T_mult.
        min_lr: where each ends.
    """

    name: Literal["cosine_restarts"] = "cosine_restarts"
    first_epochs: Annotated[int, Field(ge=1)] = 10
    times: Annotated[int, Field(ge=1)] = 2
    min_lr: Rate = 1e-6

    def start(self) -> State:
        """Nothing to remember."""
        return {}

    def rate(self, base: float, moment: Moment, state: State) -> float:
        """By the share of the present cosine that has passed."""
        del state
        passed, length = moment.epoch, self.first_epochs
        while passed >= length:
            passed, length = passed - length, length * self.times
        return _half_cosine(base, min(base, self.min_lr), passed / length)

    def after_epoch(self, state: State, score: float) -> State:
        """Nothing to remember."""
        del score
        return state


class StepConfig(Config):
    """Multiply the rate by `factor` after every `every_epochs` epochs.

    Attributes:
        every_epochs: epochs between two reductions.
        factor: of each reduction.
    """

    name: Literal["step"] = "step"
    every_epochs: Annotated[int, Field(ge=1)] = 10
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.5

    def start(self) -> State:
        """Nothing to remember."""
        return {}

    def rate(self, base: float, moment: Moment, state: State) -> float:
        """By whole epochs behind."""
        del state
        return base * self.factor ** (int(moment.epoch) // self.every_epochs)

    def after_epoch(self, state: State, score: float) -> State:
        """Nothing to remember."""
        del score
        return state


class PlateauConfig(Config):
    """Multiply the rate by `factor` after `patience` epochs in which the run's metric did not improve.

    Attributes:
        factor: of each reduction.
        patience: epochs without improvement that are tolerated.
        min_lr: smallest rate.
    """

    name: Literal["plateau"] = "plateau"
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.5
    patience: Annotated[int, Field(ge=0)] = 5
    min_lr: Rate = 1e-6

    def start(self) -> State:
        """No score yet, no epoch waited, the whole rate."""
        return {"best": None, "waited": 0, "share": 1.0}

    def rate(self, base: float, moment: Moment, state: State) -> float:
        """The share that earlier epochs have left."""
        del moment
        return max(min(base, self.min_lr), base * state["share"])

    def after_epoch(self, state: State, score: float) -> State:
        """The state after an epoch with this score (larger is better)."""
        if state["best"] is None or score > state["best"]:
            return state | {"best": score, "waited": 0}
        if state["waited"] < self.patience:
            return state | {"waited": state["waited"] + 1}
        return state | {"waited": 0, "share": state["share"] * self.factor}
