"""What an environment refuses, each in one clear line, before anything has moved."""

import dataclasses

import numpy as np
import pytest
import torch

from edgeproof.core.config import from_mapping
from edgeproof.core.errors import ConfigError, DataError, EdgeproofError, OptionError, TrainError
from edgeproof.core.rng import Rng
from edgeproof.rl.env import MarketEnv
from edgeproof.rl.market_settings import EnvConfig
from edgeproof.rl.tape import check_costs
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.options import Options
from tests.unit.rl.scene import random_actions, tape_of, walked

BARS = 40
CONTINUOUS = EnvConfig(actions="continuous", assets=2, episode_bars=5)


def env_of(config=EnvConfig(episode_bars=5), options=Options(), accounts=4, **changes) -> MarketEnv:  # noqa: B008
    own = {name: changes.pop(name) for name in ("members", "engine", "device") if name in changes}
    tape = dataclasses.replace(tape_of(0, 2, BARS), **changes)
    return MarketEnv(tape, config, CostsConfig(), options, accounts=accounts, **own)


def nan_table():
    table = tape_of(0, 2, BARS).table.copy()
    table[1, 7, 0] = np.nan
    return table


@pytest.mark.parametrize(
    ("kind", "said", "make"),
    [
        (OptionError, "environment: 0 accounts of 1 members; write at least one of each", lambda: env_of(accounts=0)),
        (OptionError, "0 members", lambda: env_of(members=())),
        (OptionError, "members [1, 1]: numbers from 0 on, each once", lambda: env_of(members=(1, 1))),
        (OptionError, "no engine 'cuda'; write njit or python, and for a GPU device", lambda: env_of(engine="cuda")),
        (ConfigError, "environment: device=tpu: no such device; use cpu, cuda", lambda: env_of(device="tpu")),
        (OptionError, "engine python is the processor's", lambda: env_of(engine="python", device="cuda")),
        (OptionError, "fill_at_close is an ablation", lambda: env_of(options=Options(fill_at_close=True))),
        (OptionError, "2 symbols cannot be dealt out in groups of assets=3",
         lambda: env_of(CONTINUOUS.model_copy(update={"assets": 3}))),
        (OptionError, "the weighted reward reads Tape.volatility",
         lambda: env_of(from_mapping(EnvConfig, {"reward": "weighted"}), volatility=None)),
        (OptionError, "a bracket in volatilities reads",
         lambda: env_of(options=Options(stop_volatilities=1.0), volatility=None)),
        (DataError, "an episode of 40 steps reads 41 bars, the span has 40; write episode_bars: 39 or less",
         lambda: env_of(EnvConfig(episode_bars=40))),
        (DataError, "market too short: no bar of 0:40 has a ready window of 36 bars before it and 5 bars after it",
         lambda: env_of(window=36)),
        (DataError, "a window of 41 bars on a tape of 40", lambda: env_of(window=41)),
        (DataError, "span 10:50 does not lie within the tape's 40 bars", lambda: env_of(span=slice(10, 50))),
        (DataError, "a feature of symbol 1 at bar 7 is no number", lambda: env_of(table=nan_table())),
        (DataError, "do not match", lambda: env_of(present=np.ones((2, 39), bool))),
        (DataError, "do not match", lambda: env_of(table=np.zeros((2, BARS, 1)))),
        (DataError, "volatility (1, 40) does not match", lambda: env_of(volatility=np.ones((1, BARS)))),
        (DataError, "a regime is below 0", lambda: env_of(regime=np.full((2, BARS), -1))),
        (DataError, "the open of asset 0 at bar 0 is 0.0, which is no price",
         lambda: env_of(prices=np.zeros((2, BARS, 5)))),
        (ConfigError, "discrete actions move one asset, not 2", lambda: from_mapping(EnvConfig, {"assets": 2})),
        (ConfigError, "sizes [1.0, 0.5] do not rise", lambda: from_mapping(EnvConfig, {"sizes": [1.0, 0.5]})),
        (ConfigError, "unknown reward 'log_grow'; did you mean 'log_growth'?",
         lambda: from_mapping(EnvConfig, {"reward": "log_grow"})),
    ],
)  # fmt: skip
def test_what_cannot_be_an_environment_is_refused(kind, said, make):
    with pytest.raises(kind) as caught:
        make()
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("config", "action", "said"),
    [
        (EnvConfig(episode_bars=5), torch.tensor([0, 1, 3, 2]), "action 3 of account 2 is none of 0 to 2"),
        (EnvConfig(episode_bars=5), torch.tensor([0, 1, 2, -1]), "action -1 of account 3 is none of 0 to 2"),
        (EnvConfig(episode_bars=5), torch.tensor([0, 1, 2]), "write whole numbers (4,)"),
        (EnvConfig(episode_bars=5), torch.tensor([0.0, 1.0, 2.0, 1.0]), "write whole numbers (4,)"),
        (CONTINUOUS, torch.tensor([[0.1, 0.1]] * 3 + [[0.1, torch.nan]]), "the action of account 3 is NaN"),
        (CONTINUOUS, torch.ones(4), "write floats (4, 2)"),
    ],
)
def test_a_bad_action_is_named_and_moves_no_account(config, action, said):
    env = env_of(config)
    walked(env, random_actions(env, 2))
    before = env.state()
    with pytest.raises(TrainError, match="environment: ") as caught:
        env.step(action)
    assert said in str(caught.value)
    after = env.state()
    assert all((before[name] == after[name]).all() for name in before)


def test_actions_beyond_the_bounds_are_taken_as_the_bounds():
    runs = []
    for factor in (1.0, 50.0):
        env = env_of(CONTINUOUS)
        actions = [torch.full((4, 2), factor * CONTINUOUS.largest)] * 6
        runs.append(walked(env, actions)[1])
    np.testing.assert_array_equal(runs[0], runs[1])


def test_a_step_before_the_reset_and_the_state_of_another_environment_are_refused():
    with pytest.raises(TrainError, match="step before reset"):
        env_of().step(torch.zeros(4, dtype=torch.int64))
    env = env_of()
    env.reset(Rng(0))
    with pytest.raises(TrainError, match="is not that of this environment"):
        env_of(accounts=5).restore(env.state())
    with pytest.raises(TrainError, match="target is not that"):
        env.restore({})


def test_costs_that_exceed_every_move_are_a_finding():
    tape = tape_of(0, 2, BARS, volatility=0.01)
    assert check_costs(tape, CostsConfig()).level == "info"
    dear = check_costs(tape, CostsConfig(commission_bps=400.0))
    assert dear.level == "warning"
    assert "no bar moves as much" in dear.claim
    hopeless = check_costs(tape, CostsConfig(commission_bps=9_000.0))
    assert hopeless.level == "error"
    assert "nothing can be earned" in hopeless.claim
    later = dataclasses.replace(tape, prices=tape.prices.copy(), span=slice(0, 20))
    later.prices[:, 20:] *= np.linspace(1, 1e6, 20)[:, np.newaxis]
    assert check_costs(later, CostsConfig(commission_bps=9_000.0)).level == "error"


def test_every_refusal_is_a_user_s_error():
    assert issubclass(TrainError, EdgeproofError)


@pytest.mark.parametrize("action", [[0, 1, 2, 0], np.zeros(4, int), None])
def test_an_action_that_is_no_tensor_is_refused_in_one_line(action) -> None:
    environment = env_of()
    environment.reset(Rng(0))
    with pytest.raises(TrainError, match=r"actions as \w+; write a torch tensor of whole numbers \(4,\)"):
        environment.step(action)
