"""The settings of a market environment: what an agent may do, how long an episode is, what is rewarded."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from edgeproof.core.config import Config, Part, part
from edgeproof.rl.interface import ActionSpace, Continuous, Discrete
from edgeproof.rl.reward import REWARDS, LogGrowthConfig

__all__ = ["EnvConfig", "asset_count"]

MOST_ASSETS = 100_000
Size = Annotated[float, Field(gt=0.0, le=100.0)]


class EnvConfig(Config):
    """What an account of the environment is; costs and the account's rules are the simulator's own configs.

    Attributes:
        actions: `discrete`: one of the positions -size, 0, size of every size, in ascending order, for one asset an
            account; `continuous`: a target weight for each asset.
        sizes: target weights of discrete positions, rising.
        short: positions below zero are allowed.
        largest: the largest target weight of a continuous action, either way.
        gross: of continuous actions: the most that the sizes of an account's weights may sum to; larger weights are
            scaled down together. 0: nothing but the account's leverage holds them. In a run 1, unless said otherwise,
            where `assets` is more than 1.
        assets: assets in one account; the tape's symbols are dealt out in this many, in order.
        episode_bars: steps of an episode; 0: to the end of the span.
        starts: `random`: at keyed random bars; `first`: account i has the i-th group of symbols, from the first bar
            at which its window is ready, as an evaluation wants it.
        reward: `log_growth`, `differential_sharpe` or `weighted`.
    """

    actions: Literal["discrete", "continuous"] = "discrete"
    sizes: Annotated[tuple[Size, ...], Field(min_length=1)] = (1.0,)
    short: bool = True
    largest: Size = 1.0
    gross: Annotated[float, Field(ge=0.0, le=100.0)] = 0.0
    assets: Annotated[int, Field(ge=1, le=MOST_ASSETS)] = 1
    episode_bars: Annotated[int, Field(ge=0, le=10_000_000)] = 512
    starts: Literal["random", "first"] = "random"
    reward: Annotated[Part, part(REWARDS, "rewards")] = LogGrowthConfig()

    @model_validator(mode="after")
    def _fit_together(self) -> "EnvConfig":
        if any(b <= a for a, b in zip(self.sizes, self.sizes[1:], strict=False)):
            raise ValueError(f"sizes {list(self.sizes)} do not rise; write each once, the smallest first")
        if self.actions == "discrete" and self.assets > 1:
            raise ValueError(f"discrete actions move one asset, not {self.assets}; write actions: continuous")
        if self.actions == "discrete" and self.gross:
            raise ValueError("gross holds continuous weights; sizes say what discrete actions ask for: leave it out")
        return self

    @property
    def levels(self) -> tuple[float, ...]:
        """Target weights of the discrete actions, ascending; the action is the place in this list."""
        below = tuple(-size for size in reversed(self.sizes)) if self.short else ()
        return (*below, 0.0, *self.sizes)

    @property
    def space(self) -> ActionSpace:
        """What an action is."""
        if self.actions == "discrete":
            return Discrete(len(self.levels))
        return Continuous(self.assets, -self.largest if self.short else 0.0, self.largest)


def asset_count(body: Any) -> int:
    """Assets of an account in an unread `environment`; 1 where it says none, or what `EnvConfig` will refuse."""
    said = body.get("assets", 1) if isinstance(body, Mapping) else 1
    try:
        count = float(said)
    except (TypeError, ValueError):
        return 1
    return int(count) if count.is_integer() and 1 <= count <= MOST_ASSETS else 1
