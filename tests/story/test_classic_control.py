"""Classic control is solved with the settings of the RL Zoo, within its budget of steps.

Settings: DLR-RM/rl-baselines3-zoo 22e3ff2, hyperparams/ppo.yml. Thresholds: Gymnasium 1.4.0's registry.
"""

import pytest
import torch

from edgeproof.core.rng import Rng
from edgeproof.rl.ppo import train_ppo
from edgeproof.rl.settings import NetConfig, PpoConfig

pytest.importorskip("gymnasium")

SMALL = NetConfig(actor=(64, 64), critic=(64, 64))
CARTPOLE = PpoConfig(
    net=SMALL,
    total_steps=100_000,
    accounts=8,
    steps=32,
    minibatch=256,
    epochs=20,
    gamma=0.98,
    gae_lambda=0.8,
    entropy=0.0,
    lr=1e-3,
    schedule="linear",
    clip_schedule="linear",
    precision="fp32",
)
ACROBOT = PpoConfig(
    net=SMALL,
    total_steps=500_000,
    accounts=16,
    steps=256,
    minibatch=64,
    gae_lambda=0.94,
    entropy=0.0,
    schedule="none",
    normalise_observations=True,
    normalise_rewards=True,
    precision="fp32",
)


def greedy_return(agent, environment, seed):
    """Mean return of one episode of every account, each by the likeliest actions."""
    observation = environment.reset(Rng(seed, ("evaluation",)))
    total = torch.zeros(environment.accounts)
    alive = torch.ones(environment.accounts, dtype=torch.bool)
    while alive.any():
        step = environment.step(agent.act(observation))
        total += torch.where(alive, step.reward, 0.0)
        alive &= ~(step.terminated | step.truncated)
        observation = step.observation
    return float(total.mean())


def solve(name, config, seed, folder):
    from edgeproof.rl.foreign import foreign

    trained = train_ppo(foreign(name, config.accounts), config, rng=Rng(seed), folder=folder)
    return greedy_return(trained.agent, foreign(name, 100), seed)


@pytest.mark.slow
def test_cartpole_is_solved_on_four_of_five_seeds(tmp_path):
    returns = [solve("CartPole-v1", CARTPOLE, seed, tmp_path / str(seed)) for seed in range(5)]
    assert sum(each >= 475 for each in returns) >= 4, returns


@pytest.mark.slow
def test_acrobot_is_solved(tmp_path):
    assert solve("Acrobot-v1", ACROBOT, 0, tmp_path) >= -100
