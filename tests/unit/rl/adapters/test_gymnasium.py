"""Gymnasium's own checks pass on our environments, and every number is the one that the environment gave."""

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers.vector import RecordEpisodeStatistics

from edgeproof.core.errors import OptionError
from edgeproof.core.rng import Rng
from edgeproof.rl.adapters.gymnasium import AccountEnv, AccountsEnv
from edgeproof.rl.adapters.shown import written
from edgeproof.rl.foreign import foreign
from tests.unit.rl.adapters.worlds import market, stairs, whole


@pytest.mark.parametrize(
    "environment",
    [market(), market(gathered=True), market(assets=2, actions="continuous"), stairs()],
    ids=["table", "gathered", "assets", "chain"],
)
def test_gymnasiums_checker_finds_nothing(environment):
    check_env(AccountEnv(environment), skip_render_check=True)  # nothing is drawn


def test_a_window_is_written_out_as_the_environment_would():
    table, dense = market(5), market(5, gathered=True)
    write = written(table)
    seen, expected = table.reset(Rng(2)), dense.reset(Rng(2))
    for _ in range(15):
        assert np.array_equal(write(seen), whole(table, seen).numpy())
        assert np.array_equal(write(seen), expected.dense.numpy())
        action = torch.randint(0, 3, (5,))
        seen, expected = table.step(action).observation, dense.step(action).observation


def test_one_account_by_hand():
    env = AccountEnv(stairs())
    assert env.reset(seed=1)[0].tolist() == [0]
    assert env.step(0) == (np.array([1], np.float32), 1.0, False, False, {})
    assert env.step(1) == (
        np.array([1], np.float32),
        -2.0,
        True,
        False,
        {},
    )  # the last observation, not the next episode's
    assert env.reset()[0].tolist() == [0]
    env.step(0)
    env.step(0)
    assert env.step(0) == (np.array([2], np.float32), 3.0, False, True, {})
    assert env.reset()[0].tolist() == [0]
    env.step(0)
    assert env.reset()[0].tolist() == [0]  # in the middle of an episode


def test_the_vector_is_the_environment():
    vector, own = AccountsEnv(market(4)), market(4, gathered=True)
    assert vector.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP
    seen, _ = vector.reset(seed=7)
    again, _ = AccountsEnv(market(4)).reset(seed=7)
    assert np.array_equal(seen, again)
    own.reset(Rng(int(np.random.default_rng(7).integers(2**62))))
    ended = 0
    for t in range(30):
        action = np.arange(4) % 3 if t % 2 else np.full(4, 2)
        seen, reward, terminated, truncated, info = vector.step(action)
        step = own.step(torch.from_numpy(action))
        assert vector.observation_space.contains(seen)
        assert np.array_equal(seen, step.observation.dense.numpy())
        assert np.array_equal(reward, step.reward.double().numpy())
        over = terminated | truncated
        assert np.array_equal(over, (step.terminated | step.truncated).numpy())
        assert np.array_equal(info["net_growth"], step.figures["net_growth"].numpy())
        if over.any():
            ended += 1
            assert np.array_equal(info["_final_obs"], over)
            assert np.array_equal(np.stack(info["final_obs"][over]), step.final.dense.numpy()[over])
            assert all(last is None for last in info["final_obs"][~over])
            assert np.array_equal(info["final_info"]["turnover"], step.figures["turnover"].numpy())
    assert ended >= 2


def test_gymnasiums_statistics_read_the_vector():
    vector = RecordEpisodeStatistics(AccountsEnv(stairs(2)))
    vector.reset(seed=0)
    vector.step(np.array([0, 1]))
    info = vector.step(np.array([1, 0]))[4]
    assert info["_episode"].tolist() == [True, False]
    assert info["episode"]["r"][0] == pytest.approx(-1.0)
    assert info["episode"]["l"][0] == 2


def test_there_and_back_again_it_is_the_same_environment():
    """Ours as a VectorEnv taken as a foreign one: one account, step by step, what ours says itself."""
    back, own = foreign(AccountsEnv(stairs(3))), stairs(3)
    assert (back.actions, back.layout.size) == (own.actions, 1)
    back.reset(Rng(0))
    own.reset(Rng(0))
    for t in range(20):
        action = torch.tensor([0, t % 2, int(t % 3 == 0)])
        one, other = back.step(action), own.step(action)
        ended = other.terminated | other.truncated
        for name in ("reward", "terminated", "truncated", "valid"):
            assert torch.equal(getattr(one, name), getattr(other, name))
        assert torch.equal(one.observation.dense, other.observation.dense)
        assert torch.equal(one.final.dense[ended], other.final.dense[ended])


def test_what_cannot_be_is_refused():
    with pytest.raises(OptionError, match="an Env is one account, not 2"):
        AccountEnv(stairs(2))
    with pytest.raises(OptionError, match="reset them all, without a mask"):
        AccountsEnv(stairs(2)).reset(options={"reset_mask": np.array([True, False])})


def test_the_adapter_is_an_env():
    assert isinstance(AccountEnv(stairs()), gymnasium.Env)
    assert isinstance(AccountsEnv(stairs()), gymnasium.vector.VectorEnv)
