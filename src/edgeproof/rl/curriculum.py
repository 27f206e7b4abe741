"""The settings of a curriculum: the stages through which an agent learns, each easier than the whole market or harder.

A stage changes what training looks like and nothing else: validation and everything after it see the market as it is.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

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

Regime = Literal["calm", "medium", "high"]
Scenario = Literal["crash", "gap", "liquidity_hole", "spread_blowout"]
Share = Annotated[float, Field(gt=0.0, le=1.0)]
EVERYTHING: tuple[Scenario, ...] = ("crash", "gap", "liquidity_hole", "spread_blowout")


class StageConfig(Config):
    """One stage; as it stands, without any limit.

    Attributes:
        symbols: how many symbols at most, the first of the market; none: all.
        features: share of the features that are seen, the first of the config (at least one); the others read 0.
        regimes: where episodes begin: at bars whose volatility of the last 24 bars is in the lowest (`calm`), the
            middle (`medium`) or the highest third (`high`) of its symbol's over the training bars; none named:
            anywhere. They run on from there.
        position: by which every position that the agent asks for, or the largest of continuous ones, is multiplied.
        costs: by which every cost is multiplied.
        scenarios: what is done to the training bars: `crash`, `gap`, `liquidity_hole`, `spread_blowout`.
        every: bars of a symbol in which one scenario takes place.
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
    share: Share = 0.25
    promotion: float = 0.0
    measured: Annotated[int, Field(ge=1, le=100_000)] = 5

    @property
    def changes_features(self) -> bool:
        """Whether the agent is shown other features than those of the market's bars."""
        return self.features < 1.0 or bool(self.scenarios)


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
    """One symbol; all of them; all of them under a limit of half a position; all of them without it.

    Attributes:
        promotion: of every stage.
    """

    name: Literal["tasks"] = "tasks"
    promotion: float = 0.0

    @property
    def stages(self) -> tuple[StageConfig, ...]:
        """The stages in order."""
        return (
            StageConfig(symbols=1, promotion=self.promotion),
            StageConfig(promotion=self.promotion),
            StageConfig(position=0.5, promotion=self.promotion),
            StageConfig(promotion=self.promotion),
        )


CURRICULA: dict[str, type[Config]] = {
    "none": NoCurriculumConfig,
    "stages": StagesConfig,
    "volatility": VolatilityCurriculumConfig,
    "tasks": TasksCurriculumConfig,
}


def stages_of(curriculum: Config) -> tuple[StageConfig, ...]:
    """The stages in order; none without a curriculum."""
    return tuple(getattr(curriculum, "stages", ()))
