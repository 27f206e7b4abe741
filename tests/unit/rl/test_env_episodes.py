"""Episodes: where they begin and end, what the step that ends one answers, what they are keyed by, exact resume."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.core.rng import Rng
from edgeproof.rl.engine.kernel import draw
from edgeproof.rl.env import MarketEnv
from edgeproof.rl.interface import Environment
from edgeproof.rl.market_settings import EnvConfig
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.options import Options
from tests.unit.rl.scene import copied, kept, random_actions, tape_of, walked

BARS = 60


def env_of(seed=0, accounts=8, members=(0,), **config) -> MarketEnv:
    tape = dataclasses.replace(tape_of(seed, 3, BARS, gaps=0.05, window=3), span=slice(10, 50))
    settings_ = EnvConfig.model_validate(
        {"episode_bars": 7, "reward": {"name": "weighted", "exploration_steps": 30}, **config}
    )
    return MarketEnv(tape, settings_, CostsConfig(), Options(take_profit=0.02), accounts=accounts, members=members)


def test_it_is_an_environment():
    env: Environment = env_of()
    assert (env.accounts, env.layout.window, env.layout.dense) == (8, 3, 6)
    assert env.layout.size == 3 * 2 + 6


def test_episodes_lie_within_the_span_and_begin_where_the_window_is_ready():
    env, tape = env_of(accounts=500), tape_of(0, 3, BARS, gaps=0.05, window=3)
    rows, _, steps = walked(env, random_actions(env, 7))
    group, bar = rows // BARS, rows % BARS
    assert bar.min() >= 10
    assert bar.max() + 7 <= 49
    assert len(np.unique(rows)) > 60
    for back in range(3):
        assert tape.ready[group, bar - back].all()
    assert [step["truncated"].all() for step in steps] == [False] * 6 + [True]
    np.testing.assert_array_equal(steps[-1]["final_index"], rows + 7)
    assert (steps[-1]["now_index"] != rows + 7).mean() > 0.9


def test_the_first_step_of_an_episode_is_that_of_a_fresh_account():
    env = env_of(accounts=64)
    _, _, steps = walked(env, random_actions(env, 8))
    np.testing.assert_array_equal(steps[6]["now_dense"], np.tile([0, 0, 0, 0, 0, 1], (64, 1)))
    assert not steps[7]["truncated"].any()


def test_an_evaluation_begins_at_the_first_bar_of_each_symbol_and_ends_with_the_span():
    env = env_of(accounts=6, starts="first", episode_bars=0)
    rows, _, _ = walked(env, [])
    np.testing.assert_array_equal(rows // BARS, [0, 1, 2, 0, 1, 2])
    assert (rows % BARS < 16).all()
    steps = walked(env, random_actions(env, 49 - int((rows % BARS).min())))[2]
    ended = np.array([step["truncated"] for step in steps])
    np.testing.assert_array_equal(ended.argmax(axis=0) + 1, 49 - rows % BARS)


def test_randomness_is_keyed_by_member_account_and_episode():
    together = env_of(accounts=5, members=(4, 7, 2))
    alone = env_of(accounts=5, members=(7,))
    actions = random_actions(together, 30)
    own = [action[5:10] for action in actions]
    rows, _, steps = walked(together, actions, seed=3)
    rows_alone, _, steps_alone = walked(alone, own, seed=3)
    np.testing.assert_array_equal(rows[5:10], rows_alone)
    for one, other in zip(steps, steps_alone, strict=True):
        for name in one:
            np.testing.assert_array_equal(one[name][5:10], other[name])
    assert (walked(alone, own, seed=4)[0] != rows_alone).any()
    np.testing.assert_array_equal(walked(alone, own, seed=3)[0], rows_alone)


def test_draws_are_uniform_and_do_not_hang_together():
    values = np.array([[draw(9, 0, n, k) for k in range(100)] for n in range(100)])
    counts = np.histogram(values, bins=20, range=(0, 1))[0]
    assert ((counts - 500) ** 2 / 500).sum() < 43.8  # chi-square with 19 degrees of freedom, 0.1%
    for one, other in ((values[1:], values[:-1]), (values[:, 1:], values[:, :-1])):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.04
    assert len(np.unique(values)) == values.size


@settings(max_examples=10, deadline=None)
@given(before=st.integers(0, 20), after=st.integers(1, 20))
def test_a_run_taken_up_again_is_the_run_that_went_on(before, after):
    env, fresh = env_of(accounts=4), env_of(accounts=4)
    actions = random_actions(env, before + after)
    walked(env, actions[:before], seed=1)
    state, shown = env.state(), copied(env.restore(env.state()))
    on = [kept(env.step(action)) for action in actions[before:]]
    again = copied(fresh.restore(state))
    np.testing.assert_array_equal(shown[0], again[0])
    np.testing.assert_array_equal(shown[1], again[1])
    for action, one in zip(actions[before:], on, strict=True):
        other = kept(fresh.step(action))
        for name in ("now_dense", "now_index", "reward", "terminated", "truncated", "net_growth", "direction"):
            np.testing.assert_array_equal(one[name], other[name], err_msg=name)
    assert all((fresh.state()[name] == part).all() for name, part in env.state().items())


@pytest.mark.parametrize("config", [{}, {"actions": "continuous", "assets": 3, "episode_bars": 5}])
def test_gathered_observations_are_the_table_s_window_and_the_account(config):
    plain, tape = env_of(**config), tape_of(0, 3, BARS, gaps=0.05, window=3)
    tape = dataclasses.replace(tape, span=slice(10, 50))
    whole = MarketEnv(tape, plain.config, CostsConfig(), Options(take_profit=0.02), accounts=8, gathered=True)
    table = plain.layout.table
    assert table is not None
    assert whole.layout.table is None
    assert whole.layout.size == plain.layout.size
    actions = random_actions(plain, 12)
    for one, other in zip(walked(plain, actions)[2], walked(whole, actions)[2], strict=True):
        for name in ("now", "final"):
            window = torch.from_numpy(one[f"{name}_index"])[:, None] + torch.arange(-2, 1)
            expected = np.hstack([table[window.clamp(min=0)].flatten(1).numpy(), one[f"{name}_dense"]])
            rows = one["truncated"] if name == "final" else slice(None)
            np.testing.assert_array_equal(other[f"{name}_dense"][rows], expected[rows])


def test_a_row_of_many_assets_holds_each_asset_s_features_of_that_bar():
    tape = tape_of(1, 6, 20)
    env = MarketEnv(tape, EnvConfig(actions="continuous", assets=3, episode_bars=5), CostsConfig(), accounts=1)
    table = env.layout.table
    assert table is not None
    np.testing.assert_array_equal(table.numpy()[20 + 7], tape.table[3:, 7].ravel())


def test_features_that_are_not_ready_are_shown_as_zeros():
    tape = tape_of(1, 1, 20)
    tape.ready[0, 5], tape.table[0, 5] = False, np.nan
    table = MarketEnv(tape, EnvConfig(episode_bars=5), CostsConfig(), accounts=1).layout.table
    assert table is not None
    assert (table[5] == 0).all()
    assert torch.isfinite(table).all()


@pytest.mark.parametrize("threads", ["2", "3"])
def test_the_number_of_threads_changes_nothing(threads, monkeypatch):
    runs = []
    for count in ("1", threads):
        monkeypatch.setenv("EDGEPROOF_THREADS", count)
        env = env_of(accounts=3_100)
        runs.append(walked(env, random_actions(env, 9))[1])
    np.testing.assert_array_equal(runs[0], runs[1])


def test_tensors_of_a_step_are_its_own_until_the_next_one():
    env = env_of()
    env.reset(Rng(0))
    one = env.step(random_actions(env, 1)[0])
    reward = one.reward.clone()
    two = env.step(random_actions(env, 1, seed=1)[0])
    assert one.reward.data_ptr() == two.reward.data_ptr()
    assert not torch.equal(reward, two.reward)
    assert two.valid.all()
