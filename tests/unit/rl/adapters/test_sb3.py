"""Stable-Baselines3 trains on our environments, in a Python of its own (tools/setup-sb3), without which it skips."""

import json
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeproof.core.errors import OptionError
from edgeproof.rl.adapters.sb3 import as_vec_env
from tests.unit.rl.adapters.worlds import market, stairs

ROOT = Path(__file__).resolve().parents[4]
PYTHON = ROOT / "benchmarks" / ".envs" / "sb3" / "bin" / "python"
SCRIPT = """
import json
import numpy as np
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecEnv, VecMonitor
from edgeproof.rl.adapters.sb3 import as_vec_env
from tests.unit.rl.adapters.worlds import market, stairs

env = as_vec_env(stairs(2))
told = {"is": isinstance(env, VecEnv), "first": env.reset().tolist(), "rows": []}
for action in ([0, 1], [0, 0], [0, 0]):
    seen, reward, done, infos = env.step(np.array(action))
    last = [info.get("terminal_observation", np.array([])).tolist() for info in infos]
    cut = [info.get("TimeLimit.truncated") for info in infos]
    told["rows"].append([seen.tolist(), reward.tolist(), done.tolist(), last, cut])
model = PPO(
    "MlpPolicy", VecMonitor(as_vec_env(stairs(8))), n_steps=32, batch_size=64, learning_rate=0.01, gamma=0.9, seed=0,
    device="cpu",
)
model.learn(6_000)
told["greedy"] = model.predict(np.array([[0.0], [1.0], [2.0]], np.float32), deterministic=True)[0].tolist()
PPO("MlpPolicy", as_vec_env(market(4)), n_steps=16, batch_size=32, seed=0, device="cpu").learn(128)
print(json.dumps(told))
"""


@pytest.mark.slow
def test_stable_baselines_learns_the_way_up():
    if not PYTHON.exists():
        pytest.skip("no Stable-Baselines3 at benchmarks/.envs/sb3; tools/setup-sb3 makes it")
    answer = subprocess.run([PYTHON, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr[-3000:]
    told = json.loads(answer.stdout.splitlines()[-1])
    assert told["is"]
    assert told["first"] == [[0], [0]]
    assert told["rows"] == [
        [[[1], [0]], [1, -1], [False, True], [[], [0]], [None, False]],
        [[[2], [1]], [2, 1], [False, False], [[], []], [None, None]],
        [[[0], [2]], [3, 2], [True, False], [[2], []], [True, None]],
    ]
    assert told["greedy"] == [0, 0, 0]


def test_its_absence_is_one_line():
    with pytest.raises(OptionError, match="pip install stable-baselines3"):
        as_vec_env(stairs())


class PlainVecEnv:
    """As much of Stable-Baselines3's class as an environment is built on."""

    def __init__(self, num_envs, observation_space, action_space) -> None:
        self.num_envs, self.observation_space, self.action_space = num_envs, observation_space, action_space

    def step(self, actions) -> Any:
        own: Any = self
        own.step_async(actions)
        return own.step_wait()


@pytest.fixture
def vec_env(monkeypatch) -> Any:
    """`as_vec_env` where Stable-Baselines3 is that one class alone."""
    module = types.ModuleType("stable_baselines3.common.vec_env")
    vars(module)["VecEnv"] = PlainVecEnv
    for name in ("stable_baselines3", "stable_baselines3.common"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return as_vec_env


def test_every_row_is_what_the_environment_says(vec_env):
    env = vec_env(stairs(2))
    assert PlainVecEnv in type(env).__mro__
    assert (env.num_envs, env.action_space.n, env.observation_space.shape) == (2, 2, (1,))
    assert env.reset().tolist() == [[0], [0]]
    seen, reward, done, infos = env.step(np.array([0, 1]))
    assert (seen.tolist(), reward.tolist(), done.tolist()) == ([[1], [0]], [1, -1], [False, True])
    assert infos[0] == {}
    assert (infos[1]["terminal_observation"].tolist(), infos[1]["TimeLimit.truncated"]) == ([0], False)
    env.step(np.array([0, 0]))
    _, _, done, infos = env.step(np.array([0, 0]))
    assert (done.tolist(), infos[0]["terminal_observation"].tolist()) == ([True, False], [2])
    assert infos[0]["TimeLimit.truncated"]


def test_a_vec_env_answers_for_each_account(vec_env):
    env = vec_env(stairs(3), seed=4)
    assert env.get_attr("accounts") == [3, 3, 3]
    assert env.get_attr("accounts", 1) == [3]
    assert env.env_is_wrapped(object, [0, 2]) == [False, False]
    assert env.env_method("state", indices=[0])[0].keys() == env.environment.state().keys()
    assert env.seed(9) == [9, 9, 9]
    with pytest.raises(OptionError, match="accounts share one environment"):
        env.set_attr("accounts", 5, [0])
    env.close()


def test_seeds_decide_a_market_s_episodes(vec_env):
    first, same, other = (vec_env(market(4), seed=seed).reset() for seed in (1, 1, 2))
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)
