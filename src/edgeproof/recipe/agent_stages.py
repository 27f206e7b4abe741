"""The stages of an agent's curriculum on a prepared span: which bars, features, positions and costs each one shows."""

# S symbols, T bars, F features

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import cast

import numpy as np

from edgeproof.core.errors import DataError
from edgeproof.core.identity import sha_array
from edgeproof.core.rng import Rng
from edgeproof.features.scale import Preprocessor, apply
from edgeproof.features.table import build_features
from edgeproof.labels.volatility import volatility_over_gaps
from edgeproof.recipe.agent import VOLATILITY_BARS, Ground, population
from edgeproof.recipe.agent_timeframes import check_timeframes, in_timeframes, within
from edgeproof.recipe.config import RunConfig
from edgeproof.rl.course import Course
from edgeproof.rl.curriculum import Regime, StageConfig, stages_of
from edgeproof.rl.env import MarketEnv
from edgeproof.rl.reward import WeightedConfig
from edgeproof.rl.scenarios import struck
from edgeproof.rl.settings import PpoConfig
from edgeproof.rl.tape import Tape, first_starts, starts_of

__all__ = ["course_of", "regime_starts", "stage_ground"]

THIRDS: tuple[Regime, ...] = ("calm", "medium", "high")


def course_of(ground: Ground, preprocessor: Preprocessor, train: slice) -> Course | None:
    """The stages of the config's agent; None without a curriculum.

    Args:
        ground: the span.
        preprocessor: by which its features are scaled.
        train: bars within which episodes lie; no other bar is changed, nor read for a stage.

    Raises:
        DataError: a stage in which no episode can begin.
    """
    stages = stages_of(cast("PpoConfig", ground.config.agent).curriculum)
    if not stages:
        return None
    for number, stage in enumerate(stages):
        where = f"stage {number + 1} of {len(stages)}"
        check_timeframes(ground, stage, train, where)
        if stage.limits_starts:
            _check_starts(*_seen(ground, preprocessor, train, number), where)
    whole = ground.environment(train, population(ground.config))
    return Course(whole, stages, partial(_environment, ground, preprocessor, train))


def _check_starts(seen: Ground, tape: Tape, where: str) -> None:
    """Say before the first stage what would end the training at a later one."""
    environment, (symbols, bars) = seen.config.environment, tape.present.shape
    try:
        starts = starts_of(tape, environment)
        if environment.starts == "first":
            first_starts(starts, bars, symbols // environment.assets)
    except DataError as error:
        raise DataError(f"agent.curriculum, {where}: {error}") from error


def _environment(ground: Ground, preprocessor: Preprocessor, train: slice, number: int) -> MarketEnv:
    """Where a stage is learned."""
    seen, tape = _seen(ground, preprocessor, train, number)
    return seen.environment(train, population(ground.config), tape)


def _seen(ground: Ground, preprocessor: Preprocessor, train: slice, number: int) -> tuple[Ground, Tape]:
    """What is acted on in a stage, and its bars."""
    stages = stages_of(cast("PpoConfig", ground.config.agent).curriculum)
    stage, ground = stages[number], replace(ground, config=_exploring(ground.config, stages, number))
    rng = Rng(ground.config.seed).child("agent", "stage", number)
    seen = stage_ground(ground, stage, preprocessor=preprocessor, train=train, rng=rng)
    starts = partial(_starts, stage)
    return seen, in_timeframes(seen, stage, starts, preprocessor=preprocessor, train=train)


def _exploring(config: RunConfig, stages: Sequence[StageConfig], number: int) -> RunConfig:
    """The config, whose count bonus begins anew in each stage, so that it must end with the first half of each."""
    environment, agent = config.environment, cast("PpoConfig", config.agent)
    reward = environment.reward
    if not isinstance(reward, WeightedConfig) or reward.exploration_steps is not None:
        return config
    share = stages[number].share if number + 1 < len(stages) else 1.0 - sum(stage.share for stage in stages[:-1])
    reward = reward.model_copy(update={"exploration_steps": round(share * agent.updates) * agent.steps // 2})
    return config.model_copy(update={"environment": environment.model_copy(update={"reward": reward})})


def stage_ground(ground: Ground, stage: StageConfig, *, preprocessor: Preprocessor, train: slice, rng: Rng) -> Ground:
    """What agents act on in a stage.

    Scenarios are edits of the bars; features, volatility and regimes are then made anew of the edited bars, so that an
    agent sees a crash by whatever it sees the market by. A feature reads no later bar, so none of an earlier bar moves.
    """
    if stage.scenarios:
        ground = _struck(ground, stage, preprocessor, train, rng)
    return replace(ground, x=within(ground.x, stage), config=_limited(ground, stage))


def _struck(ground: Ground, stage: StageConfig, preprocessor: Preprocessor, train: slice, rng: Rng) -> Ground:
    """The span with scenarios in its training bars."""
    config, prepared, panel = ground.config, ground.prepared, ground.prepared.panel
    prices = struck(panel.prices, panel.present, train, stage.scenarios, every=stage.every, rng=rng)
    panel = replace(panel, prices=prices, sha=sha_array(prices, panel.present, panel.open_time))
    table = build_features(panel, config.features, max_gap_bars=config.quality.max_gap_bars)
    return replace(ground, prepared=replace(prepared, panel=panel, table=table), x=apply(preprocessor, table.x))


def _limited(ground: Ground, stage: StageConfig) -> RunConfig:
    """The config with the stage's positions and costs."""
    config, factor = ground.config, stage.position
    environment = config.environment
    sizes, largest = tuple(size * factor for size in environment.sizes), environment.largest * factor
    limited = environment.model_copy(update={"sizes": sizes, "largest": largest, "gross": environment.gross * factor})
    costs = config.costs if stage.costs == 1.0 else config.costs.times(stage.costs)
    return config.model_copy(update={"environment": limited, "costs": costs})


def _starts(stage: StageConfig, ground: Ground, train: slice) -> np.ndarray:
    """bool[S, T]: where the episodes of a stage begin."""
    panel = ground.prepared.panel
    starts = np.ones(panel.present.shape, bool)
    if stage.symbols is not None:
        starts[stage.symbols :] = False
    if stage.regimes:
        starts &= regime_starts(volatility_over_gaps(panel, VOLATILITY_BARS), stage.regimes, train)
    return starts


def regime_starts(volatility: np.ndarray, regimes: tuple[Regime, ...], train: slice) -> np.ndarray:
    """bool[S, T]: training bars whose volatility is in one of these thirds of its symbol's over the training bars."""
    starts = np.zeros(volatility.shape, bool)
    for s, row in enumerate(volatility[:, train]):
        known = np.isfinite(row)
        if known.any():
            third = np.searchsorted(np.quantile(row[known], (1 / 3, 2 / 3)), row)
            starts[s, train] = known & np.isin(third, [THIRDS.index(name) for name in regimes])
    return starts
