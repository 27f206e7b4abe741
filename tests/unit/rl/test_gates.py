"""Each gate of reinforcement learning is met by a fault that it must name, and passes on its clean twin."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.core.rng import Rng
from edgeproof.rl.adapters.gymnasium import AccountsEnv
from edgeproof.rl.chain import ENDS, GOES_ON, Chain, ChainEnvironment
from edgeproof.rl.engine.desk import account_numbers
from edgeproof.rl.engine.observe import account_names
from edgeproof.rl.foreign import foreign
from edgeproof.rl.gates import RL_GATES, check_agent, gate, observations
from edgeproof.rl.interface import Layout, Observation, Step
from edgeproof.rl.learning.policy import Policy
from edgeproof.rl.look import look_at, noise_scale
from edgeproof.rl.probes import PROBES, SIGNAL
from edgeproof.rl.settings import NetConfig, PpoConfig
from tests.unit.rl.adapters.worlds import market

SMALL = PpoConfig(
    net=NetConfig(actor=(16,), critic=(16,)),
    steps=64,
    minibatch=256,
    epochs=2,
    total_steps=100_000,
    schedule="none",
    precision="fp32",
)


class Spoilt:
    """An environment, one thing of which is changed on its way."""

    def __init__(
        self, inner: Any, change: Callable[[Step], Step], see: Callable[[torch.Tensor], torch.Tensor] | None = None
    ):
        self.inner, self.change = inner, change
        self.see = see or (lambda dense: dense)
        self.accounts, self.actions, self.layout = inner.accounts, inner.actions, Layout(inner.layout.dense)

    def reset(self, rng: Rng) -> Observation:
        return Observation(self.see(self.inner.reset(rng).dense))

    def step(self, action: torch.Tensor) -> Step:
        step = self.change(self.inner.step(action))
        return replace(step, observation=Observation(self.see(step.observation.dense)))

    def state(self):
        return self.inner.state()

    def restore(self, state):
        return self.inner.restore(state)


def signal() -> ChainEnvironment:
    return ChainEnvironment(SIGNAL, 32)


def holed(dense: torch.Tensor) -> torch.Tensor:
    dense = dense.clone()
    dense[7, 0] = torch.nan
    return dense


def unscaled() -> Spoilt:
    return Spoilt(signal(), same, lambda dense: 30_000 + dense)


def rare() -> Spoilt:
    seen: list[int] = []

    def change(step: Step) -> Step:
        seen.append(0)
        reward = 0.001 * step.reward
        if len(seen) == 100:  # after the rollout by chance
            reward[3] = 50.0
        return replace(step, reward=reward)

    return Spoilt(signal(), change)


def bonus() -> Callable[[Step], Step]:
    """A reward of 50 once in a thousand."""
    seen: list[int] = []

    def change(step: Step) -> Step:
        seen.append(0)
        reward = step.reward.clone()
        if len(seen) == 5:
            reward[3] = 50.0
        return replace(step, reward=reward)

    return change


def alike() -> ChainEnvironment:
    return ChainEnvironment(Chain(((0.0,),), ((1, 1),), ((0, 0),), ((ENDS, ENDS),), (1,)), 32)


def but(**changed: Any) -> PpoConfig:
    return SMALL.model_copy(update=changed)


def same(step: Step) -> Step:
    return step


@dataclass(frozen=True)
class Fault:
    name: str
    caught_by: str
    level: str
    environment: Callable[[], Any]
    config: PpoConfig = SMALL


FAULTS = [
    Fault("NaN among the observations", "rl.observations", "error", lambda: Spoilt(signal(), same, holed)),
    Fault("prices as they are", "rl.observations", "warning", unscaled),
    Fault(
        "truncated by termination",
        "rl.endings",
        "error",
        lambda: Spoilt(signal(), lambda step: replace(step, truncated=step.terminated.clone())),
    ),
    Fault(
        "rewards in money",
        "rl.rewards",
        "error",
        lambda: Spoilt(signal(), lambda step: replace(step, reward=500 * step.reward)),
    ),
    Fault(
        "an infinite reward",
        "rl.rewards",
        "error",
        lambda: Spoilt(signal(), lambda step: replace(step, reward=step.reward / (step.reward - 1))),
    ),
    Fault(
        "rewards cut off at the limit",
        "rl.rewards",
        "error",
        lambda: Spoilt(signal(), lambda step: replace(step, reward=(500 * step.reward).clamp(-10, 10))),
    ),
    Fault(
        "rewards of a thousandth",
        "rl.rewards",
        "warning",
        lambda: Spoilt(signal(), lambda step: replace(step, reward=0.001 * step.reward)),
    ),
    Fault("a bonus that is rare", "rl.rewards", "warning", lambda: Spoilt(signal(), bonus())),
    Fault("nothing within reach", "rl.rewards", "warning", lambda: foreign("MountainCar-v0", 8)),
    Fault("rewards normalised at once", "rl.hand_set_rewards", "warning", signal, but(normalise_rewards=True)),
    Fault(
        "a giant for a short training",
        "rl.small_networks",
        "warning",
        signal,
        but(total_steps=50),
    ),
    Fault("a few samples of a noisy task", "rl.batch", "warning", lambda: market(4), but(minibatch=64)),
    Fault("all advantages alike", "rl.advantages", "warning", alike),
    Fault("one sample decides", "rl.advantages", "warning", rare),
    Fault("a rate of nothing", "rl.value", "error", signal, but(lr=1e-30)),
    Fault("a rate of nothing", "rl.step", "warning", signal, but(lr=1e-30)),
    Fault("a rate of one", "rl.step", "warning", signal, but(lr=1.0)),
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.caught_by}: {fault.name}")
def test_the_fault_is_caught_by_name_with_its_fix_and_plot(fault: Fault):
    found = gate(fault.caught_by, look_at(fault.environment(), fault.config, Rng(0)))
    assert found is not None
    assert (found.check, found.level) == (fault.caught_by, fault.level), found.claim
    assert found.remedy
    assert {"measured", "threshold", "plot"} <= set(found.evidence)


def test_a_policy_that_prefers_something_at_the_start(monkeypatch):
    gains = Policy._gains
    monkeypatch.setattr(
        Policy, "_gains", lambda self, name, shape: [(s, 300.0 * g) for s, g in gains(self, name, shape)]
    )
    found = gate("rl.entropy_at_start", look_at(signal(), SMALL, Rng(0)))
    assert found is not None
    assert found.level == "error"


def test_every_gate_has_a_fault():
    """Those of the first ratio are among the bugs that are planted into PPO."""
    caught = {fault.caught_by for fault in FAULTS} | {"rl.entropy_at_start", "rl.first_ratio"}
    assert caught == set(RL_GATES)


def test_numbers_of_an_account_are_named_and_those_of_a_foreign_world_counted():
    seen = look_at(market(16), SMALL, Rng(0))
    body = observations(seen).evidence["plot"]
    assert body["names"] == ["position", "unrealised", "time in trade", "drawdown", "exposure", "cash"]
    assert body["x_label"] == ""
    dense = seen.chance.dense.copy()
    dense[0, 0, 2] = 1e6
    large = replace(seen, chance=replace(seen.chance, dense=dense))
    assert observations(large).claim.startswith("time in trade of the observation reaches")
    dense[0, 0, 2] = np.nan
    assert observations(large).where == "step 0, account 0, time in trade"
    assert account_names(2)[:3] == ("position 1", "position 2", "unrealised 1")
    assert len(account_names(2)) == account_numbers(2)
    body = observations(look_at(signal(), SMALL, Rng(0))).evidence["plot"]
    assert (body["names"][0], body["x_label"]) == ("0", "number of the observation")


@pytest.mark.parametrize(
    "environment",
    [signal(), foreign("CartPole-v1", 16), market(32), PROBES["aim"].make(32), foreign(AccountsEnv(signal()))],
    ids=["signal", "cartpole", "market", "aim", "there and back"],
)
def test_clean_trainings_pass_every_gate(environment):
    found = check_agent(environment, SMALL.model_copy(update={"minibatch": 512}))
    assert [finding.check for finding in found] == list(RL_GATES)
    assert not [finding.claim for finding in found if finding.level == "error"]
    wrong = [finding.check for finding in found if finding.level == "warning"]
    assert not wrong
    for finding in found:
        assert len(finding.evidence["plot"]["y"]) <= 64


def test_entropy_of_the_start_is_the_logarithm_of_the_number_of_actions():
    look = look_at(foreign("Acrobot-v1", 8), SMALL, Rng(0))
    assert look.first is not None
    assert look.first.entropy == pytest.approx(math.log(3), abs=1e-3)
    wide = look_at(PROBES["aim"].make(8), SMALL, Rng(0))
    assert wide.first is not None
    assert wide.first.entropy == pytest.approx(2 * 0.5 * math.log(2 * math.pi * math.e), abs=1e-5)


def test_nothing_to_look_at_after_bad_observations():
    found = check_agent(Spoilt(signal(), same, holed), SMALL)
    assert [finding.check for finding in found] == list(RL_GATES)[:5]


@given(st.integers(1, 50), st.floats(0.2, 5))
def test_the_noise_scale_of_gradients_whose_law_is_known(seed, deviation):
    """g ~ N(G, s^2 I / size): tr(S) / |G|^2 = D s^2 / |G|^2, here with D = 40 and |G|^2 = 40."""
    draws = np.random.default_rng(seed)
    size, parts, width = 8, 4_000, 40
    gradients = 1.0 + deviation / math.sqrt(size) * draws.normal(size=(parts, width))
    assert noise_scale(torch.from_numpy(gradients), size) == pytest.approx(deviation**2, rel=0.15)


def test_gradients_that_agree_have_no_noise_and_those_of_chance_no_end_of_it():
    assert noise_scale(torch.ones(8, 5), 4) == pytest.approx(0.0, abs=1e-6)
    assert noise_scale(torch.tensor([[1.0], [-1.0]]), 4) == math.inf


def test_a_step_that_goes_on_is_no_ending():
    chain = Chain(((0.0,),), ((1, 0),), ((0, 0),), ((GOES_ON, GOES_ON),), (1,))
    found = gate("rl.endings", look_at(ChainEnvironment(chain, 8), SMALL, Rng(0)))
    assert found is not None
    assert found.level == "info"
    assert found.claim == "no episode ended in the 64 steps of 8 accounts that were looked at: nothing to see"
    ends = gate("rl.endings", look_at(signal(), SMALL, Rng(0)))
    assert ends is not None
    assert ends.claim.endswith("steps terminated, 0 truncated, none both")


@pytest.mark.parametrize(
    ("changed", "claim", "fix"),
    [
        (
            {"lr": 1e-30},
            r"stayed at 1\.161 .*which is too little",
            r"raise agent\.lr, which is 1e-30 \(3e-4 is usual\)",
        ),
        ({"grad_norm": 1e-13}, r"which is too little", r"raise agent\.lr, .*, and agent\.grad_norm, 1e-13 \(0\.5 is\)"),
        (
            {"lr": 10.0, "grad_norm": 1000.0},
            r"rose from 1\.161 to \d+.* \d+ times their size, which is too far",
            r"lower agent\.lr, which is 10 \(3e-4 is usual\), and agent\.grad_norm, 1000",
        ),
        ({"value_coefficient": 0.0}, r"stayed at 1\.161", r"set agent\.value_coefficient=0\.5"),
    ],
    ids=["a rate of nothing", "a gradient cut to nothing", "a rate of ten", "no weight of the value"],
)
def test_a_critic_that_does_not_learn_is_sent_to_the_setting_that_does_it(changed, claim, fix):
    found = gate("rl.value", look_at(signal(), but(**changed), Rng(0)))
    assert found is not None
    assert found.level == "error"
    assert re.search(claim, found.claim), found.claim
    assert re.match(fix, found.remedy), found.remedy
    assert "detach" not in found.remedy


def test_an_error_that_hardly_moves_is_told_with_the_digits_that_differ():
    """The limit is a millionth of the error: to four digits both ends are the same number."""
    first = look_at(signal(), SMALL, Rng(0))
    assert first.first is not None
    for after, said in ((1.9659999, "fell from 1.966 to 1.9659999"), (1.966002, "rose from 1.966 to 1.966002")):
        look = replace(first, first=replace(first.first, value_loss=(1.966, after), moved=1e-5))
        found = gate("rl.value", look)
        assert found is not None
        assert (found.level, said in found.claim) == ("error", True), found.claim
        assert found.evidence["measured"] == pytest.approx(1 - after / 1.966)


def test_a_critic_that_is_detached_from_its_loss_is_told_so_last():
    """The weights move, by the actor's part, and the critic's error does not: a fault of the program."""
    look = look_at(signal(), SMALL, Rng(0))
    assert look.first is not None
    found = gate("rl.value", replace(look, first=replace(look.first, value_loss=(2.0, 2.0))))
    assert found is not None
    assert re.match(r"try another agent\.lr.*; with a loss or critic of your own look for a detach", found.remedy)
