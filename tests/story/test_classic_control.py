"""Classic control is solved with the settings of the RL Zoo, within its budget of steps; Stable-Baselines3 beside it.

Settings: DLR-RM/rl-baselines3-zoo 22e3ff2, hyperparams/ppo.yml. Thresholds: Gymnasium 1.4.0's registry. The peer runs
in a Python of its own (tools/setup-sb3), LunarLander needs Box2D (tools/setup-box2d); without them their tests skip.
"""

import json
import subprocess
from pathlib import Path

import pytest
import torch
from scipy.stats import trim_mean

from edgeproof.core.rng import Rng
from edgeproof.rl.foreign import foreign
from edgeproof.rl.ppo import train_ppo
from edgeproof.rl.settings import NetConfig, PpoConfig

pytest.importorskip("gymnasium")

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / "benchmarks" / ".envs" / "sb3" / "bin" / "python"
CARTPOLE, ACROBOT, LANDER = "CartPole-v1", "Acrobot-v1", "LunarLander-v3"
SHARED = {"net": NetConfig(actor=(64, 64), critic=(64, 64)), "schedule": "none", "precision": "fp32"}
CONFIGS = {
    CARTPOLE: PpoConfig(
        **SHARED
        | {
            "total_steps": 100_000,
            "accounts": 8,
            "steps": 32,
            "minibatch": 256,
            "epochs": 20,
            "gamma": 0.98,
            "gae_lambda": 0.8,
            "entropy": 0.0,
            "lr": 1e-3,
            "schedule": "linear",
            "clip_schedule": "linear",
        },
    ),
    ACROBOT: PpoConfig(
        **SHARED,
        total_steps=500_000,
        accounts=16,
        steps=256,
        minibatch=64,
        gae_lambda=0.94,
        entropy=0.0,
        normalise_observations=True,
        normalise_rewards=True,
    ),
    LANDER: PpoConfig(
        **SHARED,
        total_steps=1_000_000,
        accounts=16,
        steps=1024,
        minibatch=64,
        gamma=0.999,
        gae_lambda=0.98,
        entropy=0.01,
    ),
}
PEER = """
import json, sys
import numpy as np
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import VecNormalize

name, seed, asked = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
down = asked["schedule"] == "linear"
world = make_vec_env(name, asked["accounts"], seed=seed)
if asked["normalise_observations"]:
    world = VecNormalize(world, gamma=asked["gamma"])
model = PPO(
    "MlpPolicy", world, n_steps=asked["steps"], batch_size=asked["minibatch"], n_epochs=asked["epochs"],
    gamma=asked["gamma"], gae_lambda=asked["gae_lambda"], ent_coef=asked["entropy"], seed=seed, device="cpu",
    learning_rate=(lambda left: left * asked["lr"]) if down else asked["lr"],
    clip_range=(lambda left: left * asked["clip"]) if down else asked["clip"],
)
model.learn(asked["total_steps"])
judge = make_vec_env(name, 20, seed=seed + 1)
if asked["normalise_observations"]:
    judge = VecNormalize(judge, training=False, norm_reward=False)
    judge.obs_rms = world.obs_rms
print(json.dumps(evaluate_policy(model, judge, 100, deterministic=True, return_episode_rewards=True)[0]))
"""


def greedy_returns(agent, environment, seed):
    """One episode of every account, each by the likeliest actions."""
    observation = environment.reset(Rng(seed, ("evaluation",)))
    total = torch.zeros(environment.accounts)
    alive = torch.ones(environment.accounts, dtype=torch.bool)
    while alive.any():
        step = environment.step(agent.act(observation))
        total += torch.where(alive, step.reward, 0.0)
        alive &= ~(step.terminated | step.truncated)
        observation = step.observation
    return total.numpy()


def solve(name, seed, folder):
    """Returns of 100 greedy episodes after a training."""
    config = CONFIGS[name]
    trained = train_ppo(foreign(name, config.accounts), config, rng=Rng(seed), folder=folder)
    return greedy_returns(trained.agent, foreign(name, 100), seed)


def peer(name, seed):
    """Those of Stable-Baselines3 with the same settings."""
    if not PYTHON.exists():
        pytest.skip("no Stable-Baselines3 at benchmarks/.envs/sb3; tools/setup-sb3 makes it")
    command = [PYTHON, "-c", PEER, name, str(seed), CONFIGS[name].model_dump_json()]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr[-3000:]
    return json.loads(answer.stdout.splitlines()[-1])


def middle(returns):
    """Interquartile mean: of the middle half (Agarwal et al. 2021)."""
    return trim_mean(returns, 0.25)


@pytest.mark.slow
def test_cartpole_is_solved_on_four_of_five_seeds(tmp_path):
    returns = [solve(CARTPOLE, seed, tmp_path / str(seed)).mean() for seed in range(5)]
    assert sum(each >= 475 for each in returns) >= 4, returns


@pytest.mark.slow
def test_acrobot_is_solved(tmp_path):
    assert solve(ACROBOT, 0, tmp_path).mean() >= -100


@pytest.mark.slow
def test_the_lander_lands(tmp_path):
    pytest.importorskip("Box2D", reason="no Box2D; tools/setup-box2d installs it")
    assert middle(solve(LANDER, 0, tmp_path)) >= 200


@pytest.mark.slow
@pytest.mark.parametrize(("name", "asked"), [(CARTPOLE, 475), (ACROBOT, -100)])
def test_stable_baselines_solves_it_within_the_same_budget_too(name, asked):
    theirs = peer(name, 0)
    assert sum(theirs) / len(theirs) >= asked
