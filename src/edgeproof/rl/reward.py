"""What a step is worth: the rewards, each a function of this one step alone (state before, fill, state after).

No part reads a bar after the one that the step ends in, and none is shown to the agent. With e and E the equity before
and after, sigma the volatility of one bar known at the decision, m the move of the held bar from its open to its close:

- `log_growth`: scale x ln(E / e). The one that learning figures use.
- `differential_sharpe`: how much this return R = E / e - 1 raises an exponentially weighted Sharpe ratio (Moody and
  Saffell 2001, IEEE Transactions on Neural Networks 12(4), eq. 7 to 11), D = (B dA - A dB / 2) / (B - A^2)^(3/2), where
  A and B are the averages of R and R^2 before the step, dA = R - A, dB = R^2 - B; afterwards A += rate x dA, and B too.
- `weighted`: a sum of parts, each logged apart, means over the assets that were held or closed:
    direction    sign(position) x sign(m) of the position that was held from the open on; 0 where |m| is at most the
                 cost of a round trip
    magnitude    direction x |m| / sigma
    pnl          ln(E / e) / sigma
    exits        +1 where a bracket's target closed the position in this bar, -1 where its stop did
    exploration  1 / sqrt(1 + visits) of (side of the position, regime) by this account, falling linearly to 0 over the
                 first `exploration_steps` steps
    drawdown     -(d - 15%) / 85% where the drawdown d from the episode's highest equity is beyond 15%

Every part and every sum lies within [-10, 10]; ruin, whose logarithm is infinite, is worth the lower end.
"""

# N accounts, A assets, G groups, T bars, R regimes

import math
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from numba.extending import register_jitable
from pydantic import Field, model_validator

from edgeproof.core.config import Config
from edgeproof.simulator.account import BY_STOP, BY_TARGET, REASON, TRADES, UNITS, Account, Feed, Rules

__all__ = [
    "LIMIT",
    "PARTS",
    "REWARDS",
    "DifferentialSharpeConfig",
    "LogGrowthConfig",
    "Price",
    "WeightedConfig",
    "bracket_exits",
    "clipped",
    "deep_drawdown",
    "differential_sharpe",
    "growth_in_volatilities",
    "growth_of",
    "novelty",
    "price_of",
    "right_side",
]

LIMIT = 10.0
DEEP = 0.15  # drawdown that is not punished
PARTS = ("direction", "magnitude", "pnl", "exits", "exploration", "drawdown")
DIRECTION, MAGNITUDE, PNL, EXITS, EXPLORATION, DRAWDOWN = range(6)
LOG_GROWTH, DIFFERENTIAL_SHARPE, WEIGHTED = range(3)

NotNegative = Annotated[float, Field(ge=0.0, le=1e6)]


class LogGrowthConfig(Config):
    """Log growth of the equity.

    Attributes:
        scale: what a growth of 1 is worth; the log growth of a bar is of the order of 0.001.
    """

    name: Literal["log_growth"] = "log_growth"
    scale: Annotated[float, Field(gt=0.0, le=1e6)] = 1.0


class DifferentialSharpeConfig(Config):
    """How much a step raises an exponentially weighted Sharpe ratio.

    Attributes:
        rate: weight of the newest return in the averages.
        scale: factor on the reward.
    """

    name: Literal["differential_sharpe"] = "differential_sharpe"
    rate: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.01
    scale: Annotated[float, Field(gt=0.0, le=1e6)] = 1.0


class WeightedConfig(Config):
    """A sum of parts, each of which looks at this one step.

    Attributes:
        preset: `strict` weighs drawdowns with 0.2; a weight that is given stands.
        direction: weight of having been on the right side of a move larger than costs.
        magnitude: weight of the size of that move in volatilities.
        pnl: weight of the log growth in volatilities.
        exits: weight of a bracket's target reached, or its stop.
        exploration: weight of the count bonus.
        drawdown: weight of the drawdown beyond 15%.
        exploration_steps: steps of an account after which the count bonus is 0; 0: no bonus; none: half of the
            training that it is part of, and no bonus in an environment on its own.
    """

    name: Literal["weighted"] = "weighted"
    preset: Literal["strict"] | None = None
    direction: NotNegative = 0.35
    magnitude: NotNegative = 0.10
    pnl: NotNegative = 0.25
    exits: NotNegative = 0.15
    exploration: NotNegative = 0.10
    drawdown: NotNegative = 0.05
    exploration_steps: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, body: Any) -> Any:
        strict = isinstance(body, dict) and body.get("preset") == "strict"
        return {"drawdown": 0.2, **body} if strict else body

    @model_validator(mode="after")
    def _weighs_something(self) -> "WeightedConfig":
        if not any(getattr(self, part) for part in PARTS):
            raise ValueError(f"all weights are 0, so every reward is 0: give one of {', '.join(PARTS)} a weight")
        return self


REWARDS: dict[str, type[Config]] = {
    "log_growth": LogGrowthConfig,
    "differential_sharpe": DifferentialSharpeConfig,
    "weighted": WeightedConfig,
}


class Price(NamedTuple):
    """A reward's settings as the kernel reads them; `around` is the cost of a round trip as a share of notional."""

    kind: int
    scale: float
    rate: float
    weights: np.ndarray
    exploration_steps: int
    around: float


def price_of(reward: Config, rules: Rules) -> Price:
    """A reward of `REWARDS` as the kernel reads it."""
    weights, around = np.zeros(len(PARTS)), 2.0 * (rules.commission + rules.spread + rules.slippage)
    if isinstance(reward, WeightedConfig):
        weights[:] = [getattr(reward, part) for part in PARTS]
        return Price(WEIGHTED, 1.0, 0.0, weights, reward.exploration_steps or 0, around)
    if isinstance(reward, DifferentialSharpeConfig):
        return Price(DIFFERENTIAL_SHARPE, reward.scale, reward.rate, weights, 0, around)
    scale = reward.scale if isinstance(reward, LogGrowthConfig) else 1.0
    return Price(LOG_GROWTH, scale, 0.0, weights, 0, around)


@register_jitable(forceinline=True)
def clipped(value: float) -> float:
    """The value within [-10, 10]."""
    return LIMIT if value > LIMIT else -LIMIT if value < -LIMIT else value


@register_jitable(forceinline=True)
def growth_of(before: float, after: float) -> float:
    """Log growth of an account; ruin is -10."""
    return clipped(math.log(after / before)) if after > 0.0 else -LIMIT


@register_jitable
def right_side(t: int, feed: Feed, account: Account, sigma: np.ndarray, price: Price) -> tuple[float, float]:
    """Direction and magnitude, means over the positions held after the open of bar `t`; `sigma` f64[A]."""
    direction, magnitude, held = 0.0, 0.0, 0.0
    for a in range(account.asset.shape[0]):
        units = account.asset[a, UNITS]
        if units != 0.0:
            held += 1.0
            move = feed.close[t, a] / feed.open[t, a] - 1.0 if feed.present[t, a] else 0.0
            if abs(move) > price.around:
                side = 1.0 if units * move > 0.0 else -1.0
                direction += side
                magnitude += side * abs(move) / sigma[a] if sigma[a] > 0.0 else 0.0
    if held > 0.0:
        direction, magnitude = direction / held, magnitude / held
    return direction, clipped(magnitude)


@register_jitable
def growth_in_volatilities(growth: float, sigma: np.ndarray) -> float:
    """Log growth in volatilities, the mean of those that are known; 0 where none is."""
    total, known = 0.0, 0.0
    for a in range(sigma.shape[0]):
        if sigma[a] > 0.0:
            total += sigma[a]
            known += 1.0
    return clipped(growth * known / total) if total > 0.0 else 0.0


@register_jitable
def bracket_exits(account: Account) -> float:
    """Targets reached less stops touched in this bar, a mean over the brackets that closed; 0 where none did."""
    gained, closed, ended, kept = 0.0, 0.0, int(account.money[TRADES]), account.trades.shape[0]
    for k in range(ended if ended < kept else kept):
        reason = account.trades[k, REASON]
        if reason in (BY_TARGET, BY_STOP):
            gained += 1.0 if reason == BY_TARGET else -1.0
            closed += 1.0
    return gained / closed if closed > 0.0 else 0.0


@register_jitable
def novelty(account: Account, regime: np.ndarray, visits: np.ndarray, share: float) -> float:
    """Count bonus of (side, regime) after the step, mean over assets, times `share`; `visits` f64[3R] count up."""
    bonus, assets = 0.0, account.asset.shape[0]
    for a in range(assets):
        units = account.asset[a, UNITS]
        side = 2 if units > 0.0 else 0 if units < 0.0 else 1
        cell = 3 * regime[a] + side
        bonus += 1.0 / math.sqrt(1.0 + visits[cell])
        visits[cell] += 1.0
    return bonus / assets * share


@register_jitable(forceinline=True)
def deep_drawdown(equity: float, peak: float) -> float:
    """How far the drawdown lies beyond 15%, from 0 to -1 at ruin."""
    drawdown = 1.0 - equity / peak
    return -(drawdown - DEEP) / (1.0 - DEEP) if drawdown > DEEP else 0.0


@register_jitable
def differential_sharpe(before: float, after: float, averages: np.ndarray, rate: float) -> float:
    """The differential Sharpe ratio of this step; `averages` f64[2] of the return and its square are moved on.

    0 while the averages know no variance.
    """
    mean, square, gain = averages[0], averages[1], after / before - 1.0
    variance = square - mean * mean
    value = 0.0
    if variance > 0.0:
        value = (square * (gain - mean) - 0.5 * mean * (gain * gain - square)) / (variance * math.sqrt(variance))
    averages[0] = mean + rate * (gain - mean)
    averages[1] = square + rate * (gain * gain - square)
    return value
