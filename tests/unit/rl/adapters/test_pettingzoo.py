"""PettingZoo's own test passes with accounts and with assets as agents."""

import warnings

import numpy as np
import pytest

from edgeproof.core.errors import OptionError
from edgeproof.rl.adapters.pettingzoo import AccountsParallel, AssetsParallel
from tests.unit.rl.adapters.worlds import market, stairs

with warnings.catch_warnings():  # its test package imports a game in a way that it deprecates itself
    warnings.simplefilter("ignore", DeprecationWarning)
    from pettingzoo.test import parallel_api_test


@pytest.mark.parametrize(
    "env",
    [
        AccountsParallel(market(3)),
        AccountsParallel(market(2, assets=2, actions="continuous", episode_bars=5)),
        AccountsParallel(stairs(4)),
        AssetsParallel(market(assets=2, actions="continuous")),
    ],
    ids=["accounts", "of two assets", "chain", "assets"],
)
def test_the_parallel_api(env, capsys):
    parallel_api_test(env, 1000)
    assert "Passed" in capsys.readouterr().out


def test_an_account_leaves_with_its_episode():
    env = AccountsParallel(stairs(3))
    env.reset(seed=0)
    seen, reward, terminated, truncated, _ = env.step({"account_0": 0, "account_1": 1, "account_2": 0})
    assert env.agents == ["account_0", "account_2"]
    assert (seen["account_1"].tolist(), reward["account_1"]) == ([0], -1)
    assert (terminated["account_1"], truncated["account_1"]) == (True, False)
    seen, reward, *_ = env.step({"account_0": 0, "account_2": 0})
    assert set(reward) == {"account_0", "account_2"}
    _, _, terminated, truncated, _ = env.step({"account_0": 0, "account_2": 0})
    assert env.agents == []
    assert truncated == {"account_0": True, "account_2": True}
    assert terminated == {"account_0": False, "account_2": False}


def test_assets_share_one_account():
    one, env = (
        market(assets=2, actions="continuous", gathered=True),
        AssetsParallel(market(assets=2, actions="continuous")),
    )
    seen, _ = env.reset(seed=3)
    assert np.array_equal(seen["asset_0"], seen["asset_1"])
    _, reward, *_ = env.step({"asset_0": np.array([0.5], np.float32), "asset_1": np.array([-0.5], np.float32)})
    assert reward["asset_0"] == reward["asset_1"]
    assert env.state().shape == (one.layout.size,)


def test_what_cannot_be_is_refused():
    with pytest.raises(OptionError, match="assets are agents of one account"):
        AssetsParallel(market())
    with pytest.raises(OptionError, match="3 names for 2 assets"):
        AssetsParallel(market(assets=2, actions="continuous"), ("a", "b", "c"))
