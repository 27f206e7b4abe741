"""What an agent's training refuses: one clear line each, that says what, where and what to do."""

import dataclasses
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from edgeproof.core.config import from_mapping
from edgeproof.core.device import torch_device
from edgeproof.core.errors import EdgeproofError
from edgeproof.core.rng import Rng
from edgeproof.rl.adapters.shown import written
from edgeproof.rl.env import MarketEnv
from edgeproof.rl.foreign import foreign
from edgeproof.rl.gates import gate
from edgeproof.rl.look import look_at
from edgeproof.rl.market_settings import EnvConfig
from edgeproof.rl.ppo import train_ppo
from edgeproof.rl.roll import roll
from edgeproof.rl.settings import NetConfig, PpoConfig
from edgeproof.rl.tape import check_costs
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.options import Options
from tests.unit.rl.adapters.worlds import market, stairs
from tests.unit.rl.scene import tape_of

SMALL = PpoConfig(net=NetConfig(actor=(8,), critic=(8,)), steps=8, accounts=4, minibatch=16, total_steps=64)
BARS = 40
ELSEWHERE: Any = SimpleNamespace(place="cuda")


def environment(**changed: Any) -> MarketEnv:
    config = EnvConfig(**{name: changed.pop(name) for name in ("episode_bars", "actions", "assets") if name in changed})
    accounts = changed.pop("accounts", 4)
    return MarketEnv(
        dataclasses.replace(tape_of(0, 2, BARS), **changed), config, CostsConfig(), Options(), accounts=accounts
    )


def acted(action: torch.Tensor, **changed: Any) -> None:
    world = environment(episode_bars=5, **changed)
    world.reset(Rng(0))
    world.step(action)


def observing(spoil: Callable[[Any], None]) -> Any:
    """CartPole, what it shows or pays changed from the fourth step on."""
    world = foreign("CartPole-v1", 4)
    step, seen = world.step, []

    def changed(action: torch.Tensor) -> Any:
        seen.append(0)
        answer = step(action)
        if len(seen) > 3:
            spoil(answer)
        return answer

    vars(world)["step"] = changed
    return world


def nan_seen(step: Any) -> None:
    step.observation.dense[2, 1] = torch.nan


def infinite_paid(step: Any) -> None:
    step.reward[1] = torch.inf


REFUSED: dict[str, tuple[Callable[[Any], object], str]] = {
    "an action out of range": (
        lambda _: acted(torch.tensor([0, 1, 3, 2])),
        "environment: action 3 of account 2 is none of 0 to 2",
    ),
    "an action below the range": (
        lambda _: acted(torch.tensor([0, -1, 1, 2])),
        "environment: action -1 of account 1 is none of 0 to 2",
    ),
    "an action that is NaN": (
        lambda _: acted(torch.full((4, 2), torch.nan), actions="continuous", assets=2),
        "the action of account 0 is NaN",
    ),
    "a foreign action that is NaN": (
        lambda _: foreign("MountainCarContinuous-v0", 2).step(torch.full((2, 1), torch.nan)),
        "an action is NaN; look at the policy's output",
    ),
    "observations that are NaN": (
        lambda folder: train_ppo(observing(nan_seen), SMALL, rng=Rng(0), folder=folder),
        "account 2: the environment gave an observation that is not finite; correct the environment or its data",
    ),
    "rewards that are infinite": (
        lambda folder: train_ppo(observing(infinite_paid), SMALL, rng=Rng(0), folder=folder),
        "account 1: the environment gave a reward that is not finite; correct the environment or its data",
    ),
    "features that are NaN": (
        lambda _: environment(table=np.full((2, BARS, 3), np.nan, np.float32), ready=np.ones((2, BARS), bool)),
        "a feature of symbol 0 at bar 0 is no number although it is ready",
    ),
    "an episode longer than the span": (
        lambda _: environment(episode_bars=BARS),
        "an episode of 40 steps reads 41 bars, the span has 40; write episode_bars: 39 or less",
    ),
    "a market too short": (
        lambda _: environment(window=36, episode_bars=5),
        "market too short: no bar of 0:40 has a ready window of 36 bars before it and 5 bars after it",
    ),
    "zero accounts": (lambda _: environment(accounts=0, episode_bars=5), "0 accounts of 1 members; write at least one"),
    "zero accounts of a config": (lambda _: from_mapping(PpoConfig, {"accounts": 0}), "accounts: input should be"),
    "zero foreign accounts": (lambda _: foreign("CartPole-v1", 0), "0 environments; write accounts of 1 or more"),
    "accounts that are not the environment's": (
        lambda folder: train_ppo(stairs(3), SMALL, rng=Rng(0), folder=folder),
        "the environment has 3 accounts, 1 members of 4 need 4; set accounts to what the environment has",
    ),
    "an unsupported device": (lambda _: torch_device("tpu"), "=tpu: no such device; use cpu, cuda"),
    "a GPU for an environment of the processor": (
        lambda folder: train_ppo(stairs(4), SMALL.model_copy(update={"device": "cuda"}), rng=Rng(0), folder=folder),
        "agent.device=cuda: an agent learns where its environment is stepped, and this one is on cpu; write device=cpu",
    ),
    "a GPU for Gymnasium": (
        lambda folder: train_ppo(
            foreign("CartPole-v1", 4), SMALL.model_copy(update={"device": "cuda:1"}), rng=Rng(0), folder=folder
        ),
        "agent.device=cuda:1: an agent learns where its environment is stepped, and this one is on cpu",
    ),
    "a GPU's environment for an adapter": (
        lambda _: written(ELSEWHERE),
        "another library's learner takes environments of the processor, and this one is on cuda; make it with device=",
    ),
    "a GPU's environment for an evaluation": (
        lambda _: roll(lambda seen: seen.dense, ELSEWHERE, symbols=1, bars=BARS),
        "an evaluation takes environments of the processor",
    ),
    "a GPU's environment for the gates": (
        lambda _: look_at(ELSEWHERE, SMALL, Rng(0)),
        "a first look takes environments of the processor",
    ),
    "members of unequal shape": (
        lambda folder: train_ppo(
            stairs(8), [SMALL, SMALL.model_copy(update={"net": NetConfig(actor=(9,))})], rng=Rng(0), folder=folder
        ),
        "member 1 has another net than member 0; members of one population differ only in lr, gamma",
    ),
    "no members": (lambda folder: train_ppo(stairs(4), [], rng=Rng(0), folder=folder), "a population of no members"),
    "an unknown key": (lambda _: from_mapping(PpoConfig, {"gama": 0.9}), "unknown key 'gama'; did you mean 'gamma'?"),
    "an unknown activation": (lambda _: from_mapping(PpoConfig, {"net": {"activation": "gelu"}}), "net.activation"),
    **{
        f"{name} {value}": (
            lambda _, name=name, value=value: from_mapping(PpoConfig, {name: value}),
            f"{name}: input should be a finite number",
        )
        for name in ("lr", "gamma", "entropy", "clip", "target_kl", "grad_norm", "save_seconds")
        for value in (float("nan"), float("inf"))
    },
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_is_refused_in_one_line(tmp_path, what):
    make, said = REFUSED[what]
    with pytest.raises(EdgeproofError) as caught:
        make(tmp_path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_costs_that_exceed_every_move_are_named():
    found = check_costs(tape_of(0, 2, BARS, volatility=0.01), CostsConfig(commission_bps=9_000.0))
    assert (found.check, found.level) == ("rl.costs", "error")
    assert "nothing can be earned by trading" in found.claim
    assert found.remedy
    assert {"measured", "threshold", "plot"} <= set(found.evidence)


def test_rewards_outside_ten_are_met_by_a_gate():
    world = market(32)
    step = world.step

    def scaled(action: torch.Tensor) -> Any:
        answer = step(action)
        return dataclasses.replace(answer, reward=answer.reward * 1e5)

    vars(world)["step"] = scaled
    found = gate("rl.rewards", look_at(world, SMALL, Rng(0)))
    assert found is not None
    assert (found.level, "divide rewards by hand" in found.remedy) == ("error", True)
