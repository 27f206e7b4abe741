"""Trainings by PPO with a planted fault: each symptom shows itself, and its right cause is named first.

Each fault is one thing that differs from a training of the same world that is named nothing.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import torch

from edgeproof.core.errors import Diverged
from edgeproof.core.files import read_json
from edgeproof.core.rng import Rng
from edgeproof.gates import AgentKnown, diagnose_agent, diagnose_agent_seeds
from edgeproof.rl.chain import ENDS, GOES_ON, Chain, ChainEnvironment
from edgeproof.rl.interface import Step
from edgeproof.rl.ppo import train_ppo
from edgeproof.rl.settings import NetConfig, PpoConfig
from edgeproof.train.failure import FAILED

LOOKS = ((-1.0,), (1.0,), (0.0,))
# the right action earns 1, the other costs 1; by either the next look is drawn
SIGNAL = Chain(LOOKS[:2], ((1, -1), (-1, 1)), ((0, 0), (1, 1)), ((ENDS, ENDS),) * 2, (0.5, 0.5))
# action 0 earns 0.2 at once; three times action 1 in a row earns 2 at the end, and costs 0.1 on the way
PASS = Chain(
    ((0.0,), (1.0,), (2.0,)),
    ((0.2, -0.1), (0.2, -0.1), (0.2, 2.0)),
    ((0, 1), (1, 2), (2, 2)),
    ((ENDS, GOES_ON), (ENDS, GOES_ON), (ENDS, ENDS)),
    (1, 0, 0),
)
# as PASS, but the way is four steps long
FAR = Chain(
    torch.eye(4).tolist(),
    ((0.2, -0.1), (0.2, -0.1), (0.2, -0.1), (0.2, 2.0)),
    ((0, 1), (1, 2), (2, 3), (3, 3)),
    ((ENDS, GOES_ON), (ENDS, GOES_ON), (ENDS, GOES_ON), (ENDS, ENDS)),
    (1, 0, 0, 0),
)
PLAIN = PpoConfig(
    net=NetConfig(actor=(16,), critic=(16,)),
    steps=32,
    accounts=32,
    minibatch=256,
    total_steps=32 * 32 * 24,
    lr=0.01,
    schedule="none",
    entropy=0.01,
    precision="fp32",
)


@dataclass
class Scaled:
    """A world whose rewards are multiplied, or spoilt after some steps."""

    inner: ChainEnvironment
    scale: float = 1.0
    spoilt: Callable[[torch.Tensor], torch.Tensor] | None = None
    after: int = 0
    seen: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.accounts, self.actions, self.layout = self.inner.accounts, self.inner.actions, self.inner.layout

    def reset(self, rng: Rng):
        return self.inner.reset(rng)

    def step(self, action: torch.Tensor) -> Step:
        step, self.seen = self.inner.step(action), self.seen + 1
        reward = step.reward * self.scale
        if self.spoilt is not None and self.seen > self.after:
            reward = self.spoilt(reward)
        return replace(step, reward=reward)

    def state(self):
        return self.inner.state()

    def restore(self, state):
        return self.inner.restore(state)


def known_of(config: PpoConfig, **more: Any) -> AgentKnown:
    names = ("lr", "entropy", "gamma", "value_coefficient", "clip", "epochs", "minibatch", "grad_norm", "target_kl")
    settings = {name: getattr(config, name) for name in names}
    samples = config.steps * config.accounts
    return AgentKnown(even=math.log(2), updates=config.updates, samples=samples, **settings, **more)


def rows(folder, chain: Chain = SIGNAL, scale: float = 1.0, seed: int = 0, **changed: Any):
    config = PLAIN.model_copy(update=changed)
    world = Scaled(ChainEnvironment(chain, config.accounts), scale)
    return train_ppo(world, config, rng=Rng(seed), folder=folder).history, known_of(config, ended=True, scale=scale)


def symptoms(folder, **changed: Any):
    table, known = rows(folder, **changed)
    return {one.check: one.evidence["causes"][0] for one in diagnose_agent(table, known=known)}


@pytest.mark.parametrize(
    "changed",
    [{}, {"seed": 1}, {"chain": PASS, "entropy": 0.2}, {"scale": 5.0}],
    ids=["plain", "seed", "pass", "scale"],
)
def test_of_a_sound_training_only_its_length_is_named(tmp_path, changed):
    assert set(symptoms(tmp_path, **changed)) == {"doctor.undertrained"}


MANY_PASSES = {"lr": 1e-3, "epochs": 200, "minibatch": 64, "steps": 8, "total_steps": 768}
NO_BONUS = {"chain": PASS, "entropy": 0.0, "target_kl": 0.05, "epochs": 16, "total_steps": 12288}
FAULTS = {
    "rewards of a billionth": ({"scale": 1e-9, "total_steps": 12288}, "doctor.flat_reward", "rewards too small"),
    "critics of rewards of a billionth": ({"scale": 1e-9}, "doctor.critic", "rewards too small"),
    "rewards in money": ({"scale": 1e4}, "doctor.critic", "rewards too large"),
    "a rate of nothing": ({"lr": 1e-9}, "doctor.flat_reward", "learning rate too low"),
    "a bonus of thirty": ({"entropy": 30.0}, "doctor.flat_reward", "entropy bonus too strong"),
    "a value loss of nothing": ({"value_coefficient": 0.0}, "doctor.critic", "a value loss that counts for nothing"),
    "a rate of one": ({"lr": 1.0}, "doctor.kl", "learning rate too high"),
    "two hundred passes": (MANY_PASSES, "doctor.kl", "too many passes over one rollout"),
    "nothing for exploring": (NO_BONUS, "doctor.entropy", "no entropy bonus to speak of"),
    "a policy that leaps": ({"lr": 1.0}, "doctor.entropy", "learning rate too high"),
    "a first look": ({}, "doctor.undertrained", "too few steps"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_has_its_cause_first(tmp_path, fault):
    changed, check, cause = FAULTS[fault]
    found = symptoms(tmp_path, **changed)
    assert check in found
    assert found[check]["name"] == cause
    assert found[check]["because"]


@pytest.mark.parametrize(
    ("spoil", "cause"),
    [
        (lambda reward: reward / 0.0, "observations or rewards that are NaN or infinite"),
        (lambda reward: reward * 1e30, "rewards too large"),
    ],
)
def test_a_training_that_fails_leaves_its_updates_and_what_was_not_finite(tmp_path, spoil, cause):
    world = Scaled(ChainEnvironment(SIGNAL, 32), spoilt=spoil, after=100)
    with pytest.raises(Diverged):
        train_ppo(world, PLAIN, rng=Rng(0), folder=tmp_path)
    failed = read_json(tmp_path / FAILED)
    assert len(failed["facts"]["history"]) == 3
    (found,) = diagnose_agent(failed["facts"]["history"], known=known_of(PLAIN, failed=failed))
    assert (found.check, found.evidence["causes"][0]["name"]) == ("doctor.not_finite", cause)
    world.spoilt = None
    train_ppo(world, PLAIN.model_copy(update={"total_steps": 4096}), rng=Rng(0), folder=tmp_path)
    assert not (tmp_path / FAILED).exists()


def test_seeds_of_which_some_find_the_way_are_named_and_larger_rollouts_mend_them(tmp_path):
    for accounts, entropy, named in ((4, 0.0, True), (64, 0.05, False)):
        body = {"accounts": accounts, "steps": 16, "minibatch": 8 * accounts, "total_steps": 16 * accounts * 16}
        changed = {"chain": FAR, "lr": 0.03, "entropy": entropy, **body}
        tables = [rows(tmp_path / f"{accounts}-{seed}", seed=seed, **changed) for seed in range(4)]
        found = diagnose_agent_seeds([table for table, _ in tables], known=tables[0][1])
        assert bool(found) == named
        if named:
            assert found[0].evidence["causes"][0]["name"] == "rollouts too small"
