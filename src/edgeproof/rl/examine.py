"""PPO as it is configured, examined on the probes: the same learner, on worlds whose answers are known."""

# N accounts, A action numbers

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from edgeproof.core.rng import Rng
from edgeproof.rl.answers import Learned, Probe
from edgeproof.rl.curriculum import NoCurriculumConfig
from edgeproof.rl.interface import Discrete, Environment, Observation
from edgeproof.rl.learning.collect import seen
from edgeproof.rl.ppo import train_ppo
from edgeproof.rl.probes import Train
from edgeproof.rl.settings import NetConfig, PpoConfig

__all__ = ["PROBING", "learned_by_ppo", "ppo_on"]

PROBING = PpoConfig(
    net=NetConfig(actor=(16,), critic=(16,)),
    steps=16,
    minibatch=128,
    lr=0.01,
    schedule="linear",
    entropy=0.001,
    precision="fp32",
)
"""Small networks at a large rate: a probe takes a second or two."""


def ppo_on(config: PpoConfig = PROBING) -> Train:
    """PPO with these settings as what `check_probes` trains; discount, trace, steps and accounts are the probe's."""

    def train(probe: Probe, environment: Environment, rng: Rng) -> Learned:
        return learned_by_ppo(config, probe, environment, rng)

    return train


def learned_by_ppo(config: PpoConfig, probe: Probe, environment: Environment, rng: Rng) -> Learned:
    """What PPO has learned in a probe's environment."""
    n = environment.accounts // probe.members
    body: dict[str, Any] = {"accounts": n, "total_steps": probe.steps * n, "gae_lambda": probe.trace}
    body["curriculum"] = NoCurriculumConfig()  # a probe has no market to make stages of
    body["device"] = "cpu"  # on which its environment is stepped
    body |= {} if probe.entropy is None else {"entropy": probe.entropy}
    discounts = np.broadcast_to(probe.discount, probe.members)
    configs = [config.model_copy(update=body | {"gamma": float(gamma)}) for gamma in discounts]
    with tempfile.TemporaryDirectory() as folder:
        agent = train_ppo(environment, configs, rng=rng, folder=Path(folder)).agent

    def policy(observation: Observation) -> Tensor:
        with torch.no_grad():
            outputs = agent.policy.forward(seen(agent.inputs, agent.members, observation, agent.moments))
        flat = outputs.action.flatten(0, 1)
        return flat.softmax(-1) if isinstance(environment.actions, Discrete) else flat

    return Learned(agent.value, policy)
