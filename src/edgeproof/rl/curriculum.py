"""The settings of a curriculum: the stages through which an agent learns, each easier than the whole market or harder.

A stage changes what training looks like and nothing else: validation and everything after it see the market as it is.
"""

from functools import partial
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from edgeproof.core.config import Config

__all__ = [
    "CURRICULA",
    "EVERYTHING",
    "NoCurriculumConfig",
    "Regime",
    "Scenario",
    "StageConfig",
    "StagesConfig",
    "TasksCurriculumConfig",
    "VolatilityCurriculumConfig",
    "stages_of",
]


def _rising(timeframes: tuple[int, ...]) -> tuple[int, ...]:
    if any(b <= a for a, b in pairwise(timeframes)):
        raise ValueError(f"timeframes {list(timeframes)} do not rise; write each once, the shortest first")
    return timeframes


Regime = Literal["calm", "medium", "high"]
Scenario = Literal["crash", "gap", "liquidity_hole", "spread_blowout"]
Share = Annotated[float, Field(gt=0.0, le=1.0)]
Timeframes = Annotated[
    tuple[Annotated[int, Field(ge=1, le=10_000)], ...], Field(min_length=1, max_length=8), AfterValidator(_rising)
]
EVERYTHING: tuple[Scenario, ...] = ("crash", "gap", "liquidity_hole", "spread_blowout")


class StageConfig(Config):
    """One stage; as it stands, without any limit.

    Attributes:
        symbols: how many symbols at most, the first of the market; none: all.
        features: share of the features that are seen, the first of the config (at least one); the others read 0.
        regimes: where episodes begin: at bars whose volatility of the last 24 bars is in the lowest (`calm`), the
            middle (`medium`) or the highest third (`high`) of its symbol's over the training bars; none named:
            anywhere. They run on from there.
        position: by which every position that the agent asks for, or the largest of continuous ones and their gross,
            is multiplied.
        costs: by which every cost is multiplied.
        scenarios: what is done to the training bars: `crash`, `gap`, `liquidity_hole`, `spread_blowout`.
        every: bars of a symbol in which one scenario takes place.
        timeframes: lengths of the bars that are learned from together, in bars of the market, rising: 1 is the
            market's own, 4 its bars four by four. Each has features, scales and episodes of its own bars.
        share: of all updates, after which the stage is left at the latest; the last stage lasts to the end.
        promotion: net growth in bps a bar, over the last `measured` updates in the stage, above which it is left.
        measured: updates over which growth is measured; the stage lasts for as many at least, if `share` allows it.
    """

    symbols: Annotated[int | None, Field(ge=1)] = None
    features: Share = 1.0
    regimes: tuple[Regime, ...] = ()
    position: Share = 1.0
    costs: Annotated[float, Field(ge=0.0, le=100.0)] = 1.0
    scenarios: tuple[Scenario, ...] = ()
    every: Annotated[int, Field(ge=64, le=1_000_000)] = 1000
    timeframes: Timeframes = (1,)
    share: Share = 0.25
    promotion: float = 0.0
    measured: Annotated[int, Field(ge=1, le=100_000)] = 5

    @property
    def changes_features(self) -> bool:
        """Whether the agent is shown other features than those of the market's bars."""
        return self.features < 1.0 or bool(self.scenarios) or self.timeframes != (1,)

    @property
    def limits_starts(self) -> bool:
        """Whether episodes begin elsewhere than in the whole market."""
        return self.symbols is not None or bool(self.regimes) or self.timeframes != (1,)


class NoCurriculumConfig(Config):
    """No stages: the whole market from the first update to the last."""

    name: Literal["none"] = "none"


class StagesConfig(Config):
    """Stages of your own, in order.

    Attributes:
        stages: each a mapping; what is not written has no limit.
    """

    name: Literal["stages"] = "stages"
    stages: Annotated[tuple[StageConfig, ...], Field(min_length=1, max_length=64)]

    @model_validator(mode="after")
    def _leave_time(self) -> "StagesConfig":
        shares = sum(stage.share for stage in self.stages[:-1])
        if shares >= 1.0 and len(self.stages) > 1:
            raise ValueError(
                f"the stages before the last have shares of {shares:g} together: nothing is left for the last; lower "
                "them to less than 1"
            )
        return self


class VolatilityCurriculumConfig(Config):
    """Calm and small; medium; high volatility and all features; everywhere, with adversarial scenarios.

    Attributes:
        promotion: of every stage.
    """

    name: Literal["volatility"] = "volatility"
    promotion: float = 0.0

    @property
    def stages(self) -> tuple[StageConfig, ...]:
        """The stages in order."""
        return (
            StageConfig(regimes=("calm",), features=0.5, position=0.25, promotion=self.promotion),
            StageConfig(regimes=("medium",), features=0.75, position=0.5, promotion=self.promotion),
            StageConfig(regimes=("high",), promotion=self.promotion),
            StageConfig(scenarios=EVERYTHING, promotion=self.promotion),
        )


class TasksCurriculumConfig(Config):
    """One symbol; all; all under a limit of half a position; all in several timeframes; all as they are traded.

    Attributes:
        timeframes: of the stage before the last, see `StageConfig`; the training span must have room for an episode in
            the longest of them.
        promotion: of every stage.
    """

    name: Literal["tasks"] = "tasks"
    timeframes: Timeframes = (1, 2, 4)
    promotion: float = 0.0

    @property
    def stages(self) -> tuple[StageConfig, ...]:
        """The stages in order."""
        stage = partial(StageConfig, share=0.2, promotion=self.promotion)
        return (stage(symbols=1), stage(), stage(position=0.5), stage(timeframes=self.timeframes), stage())


CURRICULA: dict[str, type[Config]] = {
    "none": NoCurriculumConfig,
    "stages": StagesConfig,
    "volatility": VolatilityCurriculumConfig,
    "tasks": TasksCurriculumConfig,
}


def stages_of(curriculum: Config) -> tuple[StageConfig, ...]:
    """The stages in order; none without a curriculum."""
    return tuple(getattr(curriculum, "stages", ()))
