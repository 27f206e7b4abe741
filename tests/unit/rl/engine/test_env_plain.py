"""The plain case compiled apart: every bit of the general kernel's and of the interpreted one's, and no other case."""

import dataclasses
from typing import Literal
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.rl.engine import native
from edgeproof.rl.env import MarketEnv
from edgeproof.rl.market_settings import EnvConfig
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.opening import rules_of
from edgeproof.simulator.options import Options
from tests.unit.rl.scene import random_actions, tape_of, walked

SHARE = st.sampled_from([0.0, 0.02, 0.1])


def unfunded(seed, gaps, volatility):
    """A random walk without funding, which is no plain rule."""
    tape = tape_of(seed, symbols=2, bars=40, gaps=gaps, volatility=volatility, window=2)
    return dataclasses.replace(tape, outside=dataclasses.replace(tape.outside, funding_rate=None))


def taken(tape, config, costs, options, gathered, plain, engine: Literal["njit", "python"] = "njit"):
    """What 25 steps brought and left behind, and whether the plain kernel was asked for."""
    asked = []

    def is_plain(world, desk):
        asked.append(plain(world, desk))
        return asked[-1]

    with patch.object(native, "is_plain", is_plain):
        env = MarketEnv(tape, config, costs, options, accounts=6, gathered=gathered, engine=engine)
        rows, curves, steps = walked(env, random_actions(env, 25))
    state = {name: part.tobytes() for name, part in env.state().items()}
    seen = [{name: part.tobytes() for name, part in step.items()} for step in steps]
    return (rows.tobytes(), curves.tobytes(), seen, state), asked


@settings(max_examples=25)
@given(
    seed=st.integers(0, 999),
    stop=SHARE,
    take=SHARE,
    bars=st.integers(0, 3),
    leverage=st.sampled_from([0.0, 0.5, 8.0]),
    gaps=st.sampled_from([0.0, 0.2]),
    volatility=st.sampled_from([0.02, 0.4]),
    kind=st.sampled_from(["discrete", "continuous"]),
    gathered=st.booleans(),
)
def test_the_plain_kernel_is_the_general_one_to_the_last_bit(
    seed, stop, take, bars, leverage, gaps, volatility, kind, gathered
):
    costs = CostsConfig(commission_bps=7.0, maker_bps=1.0, half_spread_bps=2.0, slippage_bps=1.0)
    options = Options(stop_loss=stop, take_profit=take, bracket_bars=bars, leverage=leverage)
    config = EnvConfig(actions=kind, episode_bars=9, sizes=(0.25, leverage or 1.0), largest=leverage or 1.0)
    tape, own = unfunded(seed, gaps, volatility), native.is_plain
    plain, asked = taken(tape, config, costs, options, gathered, own)
    assert any(asked)
    assert plain == taken(tape, config, costs, options, gathered, lambda _world, _desk: False)[0]
    assert plain == taken(tape, config, costs, options, gathered, own, "python")[0]


@pytest.mark.parametrize(
    ("body", "costs", "options"),
    [
        ({"actions": "continuous", "assets": 2}, {}, {}),
        ({"reward": "differential_sharpe"}, {}, {}),
        ({"reward": "weighted"}, {}, {}),
        ({}, {"impact": 0.1}, {}),
        ({}, {"commission_per_unit": 0.1}, {}),
        ({}, {"commission_minimum": 0.1}, {}),
        ({}, {"borrow_bps_per_bar": 0.1}, {}),
        ({}, {"interest_bps_per_bar": 0.1}, {}),
        ({}, {}, {"leverage": 2.0, "maintenance_margin": 0.1}),
        ({}, {}, {"lot": 0.1}),
        ({}, {}, {"minimum_notional": 1e-3}),
        ({}, {}, {"turnover_limit": 0.5}),
        ({}, {}, {"stop_volatilities": 1.0}),
        ({}, {}, {"take_volatilities": 1.0}),
        ({}, {}, {"delisting_bars": 3}),
        ({}, {}, {"rebalance": "always"}),
        ({}, {}, {"participation": 0.1}),
    ],
)
def test_what_is_not_plain_is_told(body, costs, options):
    env = MarketEnv(
        unfunded(0, 0.0, 0.02), EnvConfig(episode_bars=9, **body), CostsConfig(**costs), Options(**options), accounts=2
    )
    assert not native.is_plain(env._world, env._desk)


def test_rules_that_are_off_or_fixed_shares_are_plain():
    env = MarketEnv(unfunded(0, 0.0, 0.02), EnvConfig(episode_bars=9), CostsConfig(), Options(), accounts=2)
    assert native.is_plain(env._world, env._desk)
    funded = rules_of(CostsConfig(), Options(), funded=True, brief=True)
    assert not native.is_plain(env._world._replace(rules=funded), env._desk)
    assert np.asarray(env._desk.accounts.asset).shape[1] == 1
