"""Stable-Baselines3 trains on our environments, in a Python of its own (tools/setup-sb3), without which it skips."""

import json
import subprocess
from pathlib import Path

import pytest

from edgeproof.core.errors import OptionError
from edgeproof.rl.adapters.sb3 import as_vec_env
from tests.unit.rl.adapters.worlds import stairs

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
