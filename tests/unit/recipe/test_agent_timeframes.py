"""Timeframes of a stage: longer bars are rows of their own, made of training bars alone, and learned from together."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

import edgeproof as ep
from edgeproof.core.errors import ConfigError, DataError
from edgeproof.core.rng import Rng
from edgeproof.data.timeframe import longer_bars
from edgeproof.features.scale import Preprocessor, apply, fit_preprocessor
from edgeproof.features.table import build_features
from edgeproof.ledger.store import Ledger
from edgeproof.recipe.agent import Ground
from edgeproof.recipe.agent_stages import course_of
from edgeproof.recipe.config import load_run_config
from edgeproof.recipe.learn import check_stages, proven_folds, try_environment
from edgeproof.recipe.prepare import open_bars, prepare
from edgeproof.recipe.templates import template_body
from edgeproof.rl.course import Course
from edgeproof.rl.env import MarketEnv
from edgeproof.rl.ppo import train_ppo

TRAIN, S, FEATURES, WINDOW = slice(101, 907), 2, ["log_return_1", "close_location", "body_share"], 4
SMALL = [
    f"features=[{','.join(FEATURES)}]",
    f"window={WINDOW}",
    "agent.total_steps=4096",
    "agent.accounts=32",
    "agent.steps=16",
    "agent.minibatch=128",
    "agent.net.actor=[8]",
    "agent.net.critic=[8]",
    "agent.save_seconds=0",
    "environment.episode_bars=16",
]


def config_of(*overrides):
    return load_run_config(template_body("rl_training"), [*SMALL, *overrides])


def stages(*bodies):
    return f"agent.curriculum={{name: stages, stages: [{', '.join(bodies)}]}}"


@pytest.fixture(scope="module")
def seen(tmp_path_factory) -> tuple[Ground, Preprocessor]:
    folder = tmp_path_factory.mktemp("timeframes")
    market = ep.make_market("linear", folder / "m", symbols=S, bars=1600, seed=11, strength=0.3)
    config = config_of()
    prepared = prepare(config, market, open_bars(config, market, Ledger(folder)))
    rows = np.flatnonzero(prepared.table.ready[0, : TRAIN.stop])
    scale = fit_preprocessor(prepared.table, rows)
    return Ground(config, prepared, apply(scale, prepared.table.x)), scale


def course(seen, *overrides, panel=None) -> Course:
    ground, scale = seen
    ground = replace(ground, config=config_of(*overrides))
    if panel is not None:
        table = build_features(panel, FEATURES)
        ground = replace(ground, prepared=replace(ground.prepared, panel=panel, table=table))
        ground = replace(ground, x=apply(scale, table.x))
    found = course_of(ground, scale, TRAIN)
    assert found is not None
    return found


def first(found: Course) -> MarketEnv:
    world = found.environment(0)
    assert isinstance(world, MarketEnv)
    return world


def lived(world: MarketEnv, steps=40):
    """What accounts see and are paid under fixed actions."""
    observation, told = world.reset(Rng(3)), []
    for step in range(steps):
        assert observation.index is not None
        now = [observation.index.numpy().copy(), observation.dense.numpy().copy()]
        answer = world.step((observation.index + step) % 3)
        told.append([*now, answer.reward.numpy().copy()])
        observation = answer.observation
    return told


def test_rows_of_the_tape_are_the_market_s_bars_and_the_longer_ones_up_to_the_end_of_training(seen):
    world = first(course(seen, stages("{timeframes: [1, 4, 24]}")))
    panel, rows = seen[0].prepared.panel, world._world
    assert rows.bars == TRAIN.stop
    assert rows.feed.present.shape[0] == 3 * S
    for place, bars in enumerate((1, 4, 24)):
        longer = longer_bars(panel, bars, TRAIN.stop)
        count = longer.present.shape[1]
        own = rows.feed.close[place * S : (place + 1) * S, :, 0]
        np.testing.assert_array_equal(own[:, TRAIN.stop - count :], longer.prices[:, :, 3])
        assert not rows.feed.present[place * S : (place + 1) * S, : TRAIN.stop - count].any()
    at = rows.starts % rows.bars, rows.starts // rows.bars // S
    for place, bars in enumerate((1, 4, 24)):
        opened = (TRAIN.stop - np.unique(at[0][at[1] == place])) * bars
        assert len(opened) > 0
        assert opened.max() <= TRAIN.stop - TRAIN.start  # no episode begins before the training bars
        assert opened.min() > 16 * bars  # and each has room to its end


def test_features_of_longer_bars_are_their_own_and_scaled_by_their_own_training_bars(seen):
    world = first(course(seen, stages("{timeframes: [4]}")))
    assert world.layout.table is not None
    longer = longer_bars(seen[0].prepared.panel, 4, TRAIN.stop)
    shown = world.layout.table.numpy().reshape(S, TRAIN.stop, 3)[:, -longer.present.shape[1] :]
    close = longer.prices[:, :, 3]
    moved = np.diff(np.log(close))
    inside = longer.open_time >= seen[0].prepared.panel.open_time[TRAIN.start]
    known = moved[:, inside[1:]]
    np.testing.assert_allclose(
        shown[:, 1:, 0], np.clip((moved - known.mean()) / known.std(), -5, 5), rtol=2e-3, atol=2e-3
    )


def test_what_a_stage_limits_it_limits_in_every_timeframe(seen):
    body = "{timeframes: [1, 4], symbols: 1, features: 0.4, regimes: [calm], scenarios: [crash], every: 100}"
    world = first(course(seen, stages(body)))
    assert world.layout.table is not None
    assert not world.layout.table[:, 2:].any()
    rows = np.unique(world._world.starts // TRAIN.stop)
    assert rows.tolist() == [0, S]  # the first symbol, twice
    whole = first(course(seen, stages("{timeframes: [1, 4]}")))._world
    assert len(world._world.starts) < 0.5 * len(whole.starts)
    assert (world._world.feed.close != whole.feed.close)[:, : TRAIN.stop - 10].any(axis=(1, 2)).all()


@pytest.mark.parametrize("reward", ["log_growth", "weighted"])
def test_no_bar_behind_the_training_span_enters_a_longer_one(seen, reward):
    """807 bars do not divide by 4 or 24: a longer bar that begins before the end and closes behind it is left out."""
    panel = seen[0].prepared.panel
    prices, present = panel.prices.copy(), panel.present.copy()
    prices[:, TRAIN.stop :, :4] *= 3.0
    present[:, TRAIN.stop + 1 :: 3] = False
    later = replace(panel, prices=prices, present=present, sha="later")
    given = stages("{timeframes: [1, 4, 24], scenarios: [gap], every: 90}"), f"environment.reward={reward}"
    worlds = [first(course(seen, *given, panel=each)) for each in (panel, later)]
    one, two = ([world.layout.table, *world._world.feed, world._world.starts] for world in worlds)
    for before, after in zip(one, two, strict=True):
        np.testing.assert_array_equal(before, after)
    for before, after in zip(*(lived(world) for world in worlds), strict=True):
        for left, right in zip(before, after, strict=True):
            np.testing.assert_array_equal(left, right)


def test_a_training_broken_off_among_the_timeframes_ends_with_the_same_bytes(seen, tmp_path):
    class EnoughError(Exception):
        pass

    def stop(row, update):
        if row["update"] == update:
            raise EnoughError

    given = stages("{promotion: 1000000}", "{timeframes: [1, 4, 24], promotion: 1000000, share: 0.5}", "{}")
    found, config = course(seen, given), config_of(given).agent

    def train(folder, **more):
        return train_ppo(found, config, rng=Rng(4), folder=folder, **more)  # pyright: ignore[reportArgumentType]

    whole = train(tmp_path / "whole")
    for update in (2, 3, 5):  # 2 ends the first stage
        with pytest.raises(EnoughError):
            train(tmp_path / "broken", watch=partial(stop, update=update))
    again = train(tmp_path / "broken")
    assert [row["stage"] for row in whole.history] == [1] * 2 + [2] * 4 + [3] * 2
    assert again.sha == whole.sha
    assert [row["reward"] for row in again.history] == [row["reward"] for row in whole.history]


def test_a_timeframe_without_room_is_refused_before_anything_is_trained(seen):
    with pytest.raises(DataError, match=r"timeframe of 48 bars \(stage 2 of 2: training has 15 of them, and 3 lie"):
        course(seen, stages("{}", "{timeframes: [1, 48]}"))
    panel = seen[0].prepared.panel
    holes = panel.present.copy()
    holes[:, : TRAIN.stop // 24 * 24] &= (np.arange(TRAIN.stop // 24 * 24) // 24 % 6) == 0
    with pytest.raises(DataError, match="no episode has room in the timeframe of 24 bars"):
        course(seen, stages("{}", "{timeframes: [24]}"), panel=replace(panel, present=holes))


def test_a_search_is_refused_before_its_first_trial(seen):
    prepared, config = seen[0].prepared, config_of(stages("{}", "{timeframes: [1, 48]}"))
    fold = proven_folds(config, prepared)[0]
    try_environment(config_of(), prepared, fold)
    with pytest.raises(DataError, match="no episode has room in the timeframe of 48 bars"):
        try_environment(config, prepared, fold)
    check_stages(config_of(stages("{}", "{timeframes: [1, 2]}")), prepared, [fold])
    with pytest.raises(DataError, match="no episode has room in the timeframe of 48 bars"):
        check_stages(config, prepared, [fold])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{timeframes: [4, 1]}", r"timeframes \[4, 1\] do not rise"),
        ("{timeframes: []}", "needs 1 or more"),
        ("{timeframes: [0]}", "greater than or equal to 1"),
    ],
)
def test_mistakes_are_said(body, said):
    with pytest.raises(ConfigError, match=said):
        config_of(stages(body))


def test_the_preset_of_tasks_goes_through_several_timeframes_and_ends_on_the_market_as_it_is_traded(seen):
    found = course(seen, "agent.curriculum=tasks")
    assert [stage.timeframes for stage in found.stages] == [(1,)] * 3 + [(1, 2, 4), (1,)]
    with pytest.raises(ConfigError, match=r"other timeframes need agent\.encoder=none or learned"):
        config_of("agent.curriculum=tasks", "agent.encoder=frozen", "model=mlp")
    config_of("agent.curriculum={name: tasks, timeframes: [1]}", "agent.encoder=frozen", "model=mlp")
