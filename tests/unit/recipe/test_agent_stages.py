"""Stages on a market: an agent sees a crash by its features, and no stage knows anything of later bars."""

from dataclasses import replace
from typing import cast

import numpy as np
import pytest

import edgeproof as ep
from edgeproof.core.errors import DataError
from edgeproof.core.rng import Rng
from edgeproof.features.scale import Preprocessor, apply, fit_preprocessor
from edgeproof.ledger.store import Ledger
from edgeproof.recipe.agent import Ground
from edgeproof.recipe.agent_stages import course_of, regime_starts, stage_ground
from edgeproof.recipe.config import load_run_config
from edgeproof.recipe.prepare import open_bars, prepare
from edgeproof.recipe.templates import template_body
from edgeproof.rl.curriculum import StageConfig
from edgeproof.rl.env import MarketEnv
from edgeproof.rl.reward import WeightedConfig

TRAIN, S, FEATURES = slice(0, 900), 3, ["log_return_1", "close_location", "body_share"]
STAGES = """agent.curriculum={name: stages, stages: [
    {symbols: 1, features: 0.4, position: 0.5, costs: 2.0}, {regimes: [calm], scenarios: [crash], every: 100}]}"""
SMALL = [
    f"features=[{','.join(FEATURES)}]",
    "window=4",
    "agent.total_steps=4096",
    "agent.accounts=32",
    "agent.steps=16",
    "environment.episode_bars=32",
]


@pytest.fixture(scope="module")
def seen(tmp_path_factory) -> tuple[Ground, Preprocessor]:
    folder = tmp_path_factory.mktemp("stages")
    market = ep.make_market("linear", folder / "m", symbols=S, bars=1600, seed=11, strength=0.3)
    config = load_run_config(template_body("rl_training"), [*SMALL, STAGES])
    prepared = prepare(config, market, open_bars(config, market, Ledger(folder)))
    scale = fit_preprocessor(prepared.table, np.flatnonzero(prepared.table.ready[0, : TRAIN.stop]))
    return Ground(config, prepared, apply(scale, prepared.table.x)), scale


def in_stage(seen, stage, ground=None):
    return stage_ground(ground or seen[0], stage, preprocessor=seen[1], train=TRAIN, rng=Rng(2))


def test_a_later_stage_in_which_no_episode_can_begin_is_refused_before_the_first(seen):
    ground, scale = seen
    ready = ground.prepared.table.ready.copy()
    ready[0, : TRAIN.stop] = False  # the first symbol came later
    late = replace(ground.prepared, table=replace(ground.prepared.table, ready=ready))
    stages = ["agent.curriculum={name: stages, stages: [{}, {symbols: 1}, {}]}"]
    config = load_run_config(template_body("rl_training"), [*SMALL, *stages])
    assert course_of(replace(ground, config=config), scale, TRAIN) is not None
    with pytest.raises(
        DataError, match=r"agent\.curriculum, stage 2 of 3: .*where the stage of its curriculum may begin"
    ):
        course_of(replace(ground, config=config, prepared=late), scale, TRAIN)
    first = load_run_config(config, ["environment.starts=first"])
    with pytest.raises(DataError, match=r"agent\.curriculum, stage 2 of 3: environment: group 1 of the tape's symbols"):
        course_of(replace(ground, config=first), scale, TRAIN)


def test_an_agent_sees_a_crash_in_its_features(seen):
    ground = seen[0]
    struck = in_stage(seen, StageConfig(scenarios=("crash",), every=300))
    moved = (struck.prepared.panel.prices != ground.prepared.panel.prices).any(2)
    first = int(np.flatnonzero(moved[0])[0])
    assert not moved[:, TRAIN.stop :].any()
    np.testing.assert_array_equal(struck.x[0, :first], ground.x[0, :first])
    close = struck.prepared.panel.prices[0, :, 3]
    raw = struck.prepared.table.x[0, :, 0]
    np.testing.assert_allclose(raw[first : first + 6], np.diff(np.log(close[first - 1 : first + 6])), rtol=1e-4)
    assert raw[first : first + 6].sum() < ground.prepared.table.x[0, first : first + 6, 0].sum() - 0.1
    tape = struck.tape(TRAIN)
    np.testing.assert_array_equal(tape.prices, struck.prepared.panel.prices)
    np.testing.assert_array_equal(tape.table, struck.x)


def test_features_beyond_the_share_read_zero_and_the_layout_stays(seen):
    shown = in_stage(seen, StageConfig(features=0.4))
    assert shown.x.shape == seen[0].x.shape
    np.testing.assert_array_equal(shown.x[:, :, :2], seen[0].x[:, :, :2])
    assert not shown.x[:, :, 2:].any()


def test_regimes_are_thirds_of_each_symbols_training_volatility():
    volatility = np.array([[np.nan, 1.0, 2, 3, 4, 5, 6, 0.1, 9], [60.0, 50, 40, 30, 20, 10, np.nan, 1, 99]])
    calm = regime_starts(volatility, ("calm",), slice(0, 7))
    assert np.flatnonzero(calm[0]).tolist() == [1, 2]
    assert np.flatnonzero(calm[1]).tolist() == [4, 5]
    rest = regime_starts(volatility, ("medium", "high"), slice(0, 7))
    assert np.flatnonzero(rest[0]).tolist() == [3, 4, 5, 6]
    assert not regime_starts(np.full((1, 9), np.nan), ("calm", "medium", "high"), slice(0, 7)).any()


def test_a_stage_changes_symbols_positions_and_costs(seen):
    ground, scale = seen
    course = course_of(ground, scale, TRAIN)
    assert course is not None
    first, second = course.environment(0), course.environment(1)
    row = first.reset(Rng(0)).index
    assert row is not None
    assert (row < ground.prepared.panel.present.shape[1]).all()  # the first symbol
    row = second.reset(Rng(0)).index
    assert row is not None
    assert len(np.unique(row.numpy() // ground.prepared.panel.present.shape[1])) == S
    limited = in_stage(seen, StageConfig(position=0.5, costs=2.0)).config
    assert limited.environment.levels == (-0.5, 0.0, 0.5)
    assert limited.costs.commission_bps == 2 * ground.config.costs.commission_bps
    assert limited.environment.space == ground.config.environment.space
    assert course_of(replace(ground, config=load_run_config(template_body("rl_training"), SMALL)), scale, TRAIN) is None


def test_the_count_bonus_ends_in_the_first_half_of_each_stage(seen):
    ground, scale = seen
    stages = "agent.curriculum={name: stages, stages: [{share: 0.25}, {}]}"
    config = load_run_config(
        template_body("rl_training"), [*SMALL, stages, "environment.reward={name: weighted, exploration: 0.5}"]
    )
    course = course_of(replace(ground, config=config), scale, TRAIN)
    assert course is not None
    ends = [cast("MarketEnv", course.environment(number)).config.reward for number in (0, 1)]
    assert [cast("WeightedConfig", one).exploration_steps for one in ends] == [16, 48]  # of 2 and 6 updates of 16


def test_no_stage_knows_anything_of_later_bars(seen):
    ground, scale = seen
    panel = ground.prepared.panel
    prices = panel.prices.copy()
    prices[:, TRAIN.stop :, :4] *= 1.5 + np.sin(np.arange(prices.shape[1] - TRAIN.stop))[None, :, None]
    later = replace(ground, prepared=replace(ground.prepared, panel=replace(panel, prices=prices)))
    seen_twice = []
    for each in (ground, later):
        course = course_of(each, scale, TRAIN)
        assert course is not None
        world = course.environment(1)
        observation = world.reset(Rng(3))
        assert observation.index is not None and world.layout.table is not None  # noqa: PT018
        rows = world.layout.table.numpy().reshape(S, -1, len(FEATURES))[:, : TRAIN.stop]
        seen_twice.append((observation.index.numpy().copy(), rows))
    np.testing.assert_array_equal(seen_twice[0][0], seen_twice[1][0])
    np.testing.assert_array_equal(seen_twice[0][1], seen_twice[1][1])
