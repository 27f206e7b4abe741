"""Nothing that an agent has seen or earned moves when later bars change."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.rl.env import MarketEnv
from edgeproof.rl.market_settings import EnvConfig
from edgeproof.rl.reward import REWARDS
from edgeproof.rl.tape import Tape
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.options import Options
from tests.unit.rl.scene import numbers, random_actions, tape_of, walked

START, BARS = 4, 40


def changed_after(tape: Tape, bar: int, seed: int) -> Tape:
    """The same tape up to `bar`; behind it another market altogether."""
    other = tape_of(seed, *tape.present.shape, gaps=0.3, volatility=0.1, window=tape.window)
    parts = {}
    for name in ("prices", "present", "table", "ready", "volatility", "regime"):
        series = numbers(tape, name).copy()
        series[:, bar + 1 :] = numbers(other, name)[:, bar + 1 :]
        parts[name] = series
    funding = numbers(tape, "funding_rate").copy()
    funding[:, bar + 1 :] = numbers(other, "funding_rate")[:, bar + 1 :]
    return dataclasses.replace(tape, **parts, outside=dataclasses.replace(tape.outside, funding_rate=funding))


@pytest.mark.parametrize("reward", REWARDS)
@pytest.mark.parametrize("assets", [1, 2])
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), steps=st.integers(1, 30))
def test_later_bars_move_no_reward_and_no_observation(reward, assets, seed, steps):
    options = Options(stop_loss=0.03, take_volatilities=1.0, participation=0.9, delisting_bars=2)
    costs = CostsConfig(impact=0.01, impact_bars=3, borrow_bps_per_bar=1.0)
    body: Any = {"name": reward, "exploration_steps": 50} if reward == "weighted" else reward
    kind = "discrete" if assets == 1 else "continuous"
    config = EnvConfig(actions=kind, assets=assets, episode_bars=0, starts="first", reward=body)
    tape = dataclasses.replace(tape_of(seed, 2, BARS, gaps=0.1, window=2), span=slice(START, BARS))
    tape.present[:, : START + 2], tape.ready[:, : START + 2] = True, True
    seen = []
    for each in (tape, changed_after(tape, START + steps, seed + 1)):
        env = MarketEnv(each, config, costs, options, accounts=4, gathered=False)
        rows, equity, taken = walked(env, random_actions(env, steps, seed))
        assert (rows % BARS == START).all()
        windows = (
            [env.layout.table.numpy()[step["now_index"]] for step in taken] if env.layout.table is not None else []
        )
        seen.append((equity, taken, windows))
    np.testing.assert_array_equal(seen[0][0], seen[1][0])
    np.testing.assert_array_equal(seen[0][2], seen[1][2])
    for one, other in zip(seen[0][1], seen[1][1], strict=True):
        for name in one:
            np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def test_the_bar_of_the_step_itself_does_move_the_reward():
    """The test above can fail."""
    tape = dataclasses.replace(tape_of(1, 2, BARS), span=slice(START, BARS))
    config, rewards = EnvConfig(episode_bars=0, starts="first"), []
    for each in (tape, changed_after(tape, START + 9, 2)):
        env = MarketEnv(each, config, CostsConfig(), accounts=8)
        rewards.append(np.array([step["reward"] for step in walked(env, random_actions(env, 10))[2]]))
    np.testing.assert_array_equal(rewards[0][:9], rewards[1][:9])
    assert (rewards[0][9] != rewards[1][9]).any()


def test_bars_behind_the_span_are_never_read():
    tape = tape_of(7, 2, BARS)
    dead = dataclasses.replace(tape, prices=tape.prices.copy(), table=tape.table.copy(), span=slice(0, 25))
    dead.prices[:, 25:], dead.table[:, 25:], dead.ready[:, 25:] = np.nan, np.nan, False
    runs = []
    for each in (dataclasses.replace(tape, span=slice(0, 25)), dead):
        env = MarketEnv(each, EnvConfig(episode_bars=5), CostsConfig(), accounts=16)
        runs.append(walked(env, random_actions(env, 60)))
    np.testing.assert_array_equal(runs[0][1], runs[1][1])
    assert max(step["final_index"].max() % BARS for step in runs[0][2]) == 24
