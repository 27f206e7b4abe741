"""The learner: collects a rollout, learns from it, and can be put down and taken up between two updates."""

# P members, H steps, N = P * n accounts

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from edgeproof.core.device import one_thread_each
from edgeproof.core.errors import OptionError
from edgeproof.rl.agent import Agent
from edgeproof.rl.eyes import encoders_of
from edgeproof.rl.inputs import Inputs
from edgeproof.rl.interface import Environment, Observation
from edgeproof.rl.keys import Keys
from edgeproof.rl.learning import objective
from edgeproof.rl.learning.adam import Adam
from edgeproof.rl.learning.buffers import Rollout
from edgeproof.rl.learning.collect import check_finite, collect, led_to
from edgeproof.rl.learning.hyper import Hyper, hyper_at, one_shape
from edgeproof.rl.learning.normalise import Moments, discounted
from edgeproof.rl.learning.policy import Policy
from edgeproof.rl.learning.returns import gae
from edgeproof.rl.learning.samples import Samples, samples_of
from edgeproof.rl.learning.tally import Tally
from edgeproof.rl.learning.update import update
from edgeproof.rl.learning.workers import Workers
from edgeproof.rl.place import place_of
from edgeproof.rl.settings import PpoConfig, RlPrecision
from edgeproof.train.precision import resolved

__all__ = ["Learner", "kind_of"]

_AT_ONCE = 1 << 25  # numbers of a rollout's observations up to which windows are read once, not in every epoch
PROCESSOR = torch.device("cpu")
_KINDS = {"fp64": torch.float64, "fp32": torch.float32, "bf16": torch.bfloat16}


def kind_of(precision: RlPrecision, device: torch.device = PROCESSOR) -> torch.dtype:
    """The floating type of the networks' products."""
    return _KINDS[resolved("auto", device) if precision == "auto" else precision]


class Learner:
    """P members that learn in one environment of P * n accounts.

    Args:
        environment: stepped.
        configs: one a member.
        keys: randomness of the members.
    """

    def __init__(self, environment: Environment, configs: Sequence[PpoConfig], keys: Keys) -> None:
        self.config, self.configs, self.keys, self.environment = one_shape(configs), configs, keys, environment
        members, n = len(configs), self.config.accounts
        if environment.accounts != members * n:
            raise OptionError(
                f"the environment has {environment.accounts} accounts, {members} members of {n} need {members * n}; "
                "set accounts to what the environment has, or make the environment as large"
            )
        self.device = place_of(environment, self.config.device)
        kind, layout = kind_of(self.config.precision, self.device), environment.layout
        with self._there():
            self.inputs = Inputs(layout, kind)
            encoders = encoders_of(self.config.encoder, layout, members=members, kind=kind)
            parts = (self.config.net, layout.size, environment.actions, members, kind)
            self.policy = Policy(*parts, encoders=encoders)
            whole = self.policy.flat.dtype
            self.adam = Adam(self.policy.flat, eps=self.config.adam_eps)
            self.rollout = Rollout(layout, environment.actions, self.config.steps, environment.accounts, whole)
            self.moments = Moments(members, layout.dense) if self.config.normalise_observations else None
            self.scale = Moments(members, 1) if self.config.normalise_rewards else None
            self.sums = torch.zeros(environment.accounts, dtype=whole)
            self.tally = Tally(members, n)
        self.policy.workers = Workers() if self.device.type == "cpu" else None
        self.policy.start(keys)  # drawn on the processor, whatever the device
        self.best = self.policy.flat.clone()
        self._observation: Observation | None = None

    @property
    def observation(self) -> Observation:
        """To act on next."""
        return self._observation or self.begin()

    def begin(self) -> Observation:
        """The first observation of a new training."""
        self._observation = self.environment.reset(self.keys.rng.child("environment"))
        return self._observation

    def go_on(self, world: Mapping[str, np.ndarray]) -> None:
        """Let the environment be as it was when `world` was its state."""
        self._observation = self.environment.restore(world)

    def enter(self, environment: Environment, *, anew: str | None = None) -> None:
        """Learn in another environment of the same layout and actions from now on.

        Args:
            environment: of as many accounts.
            anew: its first episodes begin, with randomness of this name; none: it is yet to be restored.
        """
        self.environment = environment
        with self._there():
            self.inputs = Inputs(environment.layout, self.inputs.kind)
        if anew is None:
            return
        self._observation = environment.reset(self.keys.rng.child("environment", anew))
        for running in (self.sums, self.tally.earned, self.tally.lasted):
            running.zero_()  # the episodes that were running have ended without an end

    def agent(self) -> Agent:
        """What acts now; it goes on learning with this learner. Of a learner on a device, a copy on the processor."""
        if self.device.type == "cpu":
            return Agent(self.policy, self.inputs, self.moments)
        layout, kind, members = self.environment.layout, self.policy.kind, len(self.configs)
        layout = replace(layout, table=None if layout.table is None else layout.table.cpu())
        encoders = encoders_of(self.config.encoder, layout, members=members, kind=kind)
        parts = (self.config.net, layout.size, self.environment.actions, members, kind)
        policy = Policy(*parts, encoders=encoders)
        policy.load(self.policy.flat)
        moments = None if self.moments is None else Moments(members, layout.dense)
        if moments is not None and self.moments is not None:
            moments.load(self.moments.arrays())
        return Agent(policy, Inputs(layout, kind), moments)

    def update(self, number: int) -> dict[str, Any]:
        """Collect a rollout and learn from it; the figures of this update, counted from 0."""
        with self._there(), one_thread_each():
            return self._update(number)

    def _there(self) -> AbstractContextManager[Any]:
        """New tensors lie where the environment's do; on the processor that is so anyway."""
        return nullcontext() if self.device.type == "cpu" else self.device

    def _update(self, number: int) -> dict[str, Any]:
        began, config, rollout, members = time.perf_counter(), self.config, self.rollout, len(self.configs)
        noise = self.keys.noise(number, config.steps, config.accounts, self.environment.actions).to(self.device)
        with torch.no_grad():
            self._observation = collect(
                self.policy,
                self.environment,
                self.observation,
                rollout,
                inputs=self.inputs,
                noise=noise,
                moments=self.moments,
                tally=self.tally,
            )
        check_finite(rollout, number + 1)
        hyper = hyper_at(self.configs, number)
        figures = self.tally.figures(rollout)
        samples = self.samples(self.advantage(hyper))
        told = update(self.policy, self.adam, samples, config, hyper, inputs=self.inputs, keys=self.keys, number=number)
        if self.moments is not None:
            self.moments.see(self._by_member(rollout.dense))
        numbers = samples.numbers.unflatten(1, (config.steps, members, -1)).transpose(1, 2).flatten(2)
        weight = None if samples.whole else numbers[4]
        told["explained_variance"] = objective.explained_variance(numbers[3], numbers[2], weight)
        seconds = time.perf_counter() - began
        row = {name: _plain(tensor) for name, tensor in (figures | told | {"lr": hyper.lr, "clip": hyper.clip}).items()}
        steps = config.steps * config.accounts
        return {
            "update": number + 1,
            "steps": (number + 1) * steps,
            **row,
            "steps_per_second": steps * members / seconds,
            "seconds": seconds,
        }

    def advantage(self, hyper: Hyper) -> Tensor:
        """Advantages [H, N] of the rollout, each member with its own discount."""
        rollout, members = self.rollout, len(self.configs)
        gamma, lam = (
            number.repeat_interleave(self.config.accounts).to(rollout.value.dtype)
            for number in (hyper.gamma, hyper.gae_lambda)
        )
        reward, ended = rollout.reward, rollout.terminated | rollout.truncated
        if self.scale is not None:
            sums, self.sums = discounted(reward, ended, self.sums, gamma)
            self.scale.see(self._by_member(sums.unsqueeze(-1)))
            reward = self.scale.scaled(self._by_member(reward.unsqueeze(-1)))
            reward = reward.unflatten(1, (self.config.steps, -1)).transpose(0, 1).flatten(1)
        following = led_to(
            self.policy, rollout, self.observation, inputs=self.inputs, members=members, moments=self.moments
        )
        return gae(reward, rollout.value, following, rollout.terminated, rollout.truncated, gamma=gamma, lam=lam)

    def samples(self, advantage: Tensor) -> Samples:
        """The rollout, with these advantages [H, N], as samples; windows are read now where they are few."""
        dense, index = self._dense(), self.rollout.index
        if index is not None and index.numel() * self.inputs.size <= _AT_ONCE:
            dense, index = self.inputs.rows(dense, index), None
        return samples_of(self.rollout, advantage, dense=dense, index=index, members=len(self.configs))

    def tensors(self) -> dict[str, Tensor]:
        """Everything that the next updates depend on, the environment apart."""
        found = {"weights": self.policy.flat, "best": self.best, "sums": self.sums}
        parts = {"adam": self.adam, "moments": self.moments, "scale": self.scale, "tally": self.tally}
        for name, part in parts.items():
            if part is not None:
                found |= {f"{name}.{key}": tensor for key, tensor in part.arrays().items()}
        return found

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Go on from these."""
        self.policy.load(tensors["weights"])
        self.best.copy_(tensors["best"])
        self.sums = tensors["sums"].clone().to(self.device)
        parts = {"adam": self.adam, "moments": self.moments, "scale": self.scale, "tally": self.tally}
        for name, part in parts.items():
            if part is not None:
                part.load({key: tensors[f"{name}.{key}"] for key in part.arrays()})

    def _dense(self) -> Tensor:
        """Dense observations [H, N, K] as the networks read them."""
        if self.moments is None:
            return self.rollout.dense.to(self.inputs.kind)
        standard = self.moments.standard(self._by_member(self.rollout.dense))
        return standard.unflatten(1, (self.config.steps, -1)).transpose(0, 1).flatten(1, 2).to(self.inputs.kind)

    def _by_member(self, x: Tensor) -> Tensor:
        """[H, N, K] as [P, H * n, K]."""
        return x.unflatten(1, (len(self.configs), -1)).transpose(0, 1).flatten(1, 2)


def _plain(tensor: Tensor) -> Any:
    """A number, or a list of one a member; what is not finite is None."""
    values = [value if abs(value) < float("inf") else None for value in tensor.double().tolist()]
    return values[0] if len(values) == 1 else values
