"""A first look at a training before it costs anything: one rollout by chance, and one update as it would be made."""

# N accounts, H steps, B samples, K dense numbers, D weights

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from edgeproof.core.rng import Rng
from edgeproof.rl.interface import Discrete, Environment
from edgeproof.rl.keys import Keys
from edgeproof.rl.learning.hyper import Hyper
from edgeproof.rl.learning.learner import Learner
from edgeproof.rl.learning.loss import TERMS
from edgeproof.rl.learning.samples import Samples, gather
from edgeproof.rl.learning.update import descend
from edgeproof.rl.place import need_processor
from edgeproof.rl.settings import PpoConfig

__all__ = ["Chance", "First", "Look", "look_at", "noise_scale"]

MOST = 65_536  # samples of chance
LOOKED = 16_384  # samples on which the networks are compared before and after
PARTS = 32  # into which a rollout is cut to see how far gradients agree


@dataclass(frozen=True)
class Chance:
    """What a policy without a preference met.

    Attributes:
        dense: f64[H, N, K] observations.
        reward: f64[B] of valid rows.
        terminated, truncated: bool[H, N].
    """

    dense: np.ndarray
    reward: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray


@dataclass(frozen=True)
class First:
    """What the first update was made of.

    Attributes:
        entropy: of the policy before it, mean.
        advantage: f64[B].
        noise: McCandlish's simple noise scale of the policy's gradient, samples; infinite where no gradient is seen.
        value_loss: mean squared error of the critic before and after.
        moved: size of what the update changed the weights by, as a share of their size before.
        row: the update's figures.
    """

    entropy: float
    advantage: np.ndarray
    noise: float
    value_loss: tuple[float, float]
    moved: float
    row: dict[str, Any]


@dataclass(frozen=True)
class Look:
    """A training at its beginning: settings, a rollout by chance, and the first update (none where nothing is finite).

    Attributes:
        config: of PPO, of as many accounts as the environment has.
        samples: of an update of the training itself, which may be larger than the one that is looked at.
        actions: what an action is.
        inputs: numbers of an observation.
        weights: of one member.
        table_finite: the feature table holds numbers alone.
        chance: a rollout without preferences.
        first: the first update.
        names: of the numbers of the dense observation; empty where they are not known.
    """

    config: PpoConfig
    samples: int
    actions: Any
    inputs: int
    weights: int
    table_finite: bool
    chance: Chance
    first: First | None
    names: tuple[str, ...] = ()


def look_at(environment: Environment, config: PpoConfig, rng: Rng, samples: int | None = None) -> Look:
    """Look at one member's training in an environment; which has to be reset afterwards.

    Args:
        environment: reset and stepped.
        config: of PPO, perhaps with fewer steps than the training.
        rng: of the look.
        samples: of an update of the training; none: as in `config`.

    Raises:
        OptionError: an environment of a GPU.
    """
    need_processor(environment, "a first look")
    config = config.model_copy(update={"accounts": environment.accounts, "device": "cpu"})
    chance = _by_chance(environment, config.steps, rng.child("chance"))
    table = environment.layout.table
    finite = table is None or bool(table.isfinite().all())
    learner = _Watched(environment, [config], Keys(rng, (0,)))
    sound = finite and np.isfinite(chance.dense).all() and np.isfinite(chance.reward).all()
    first = None
    if sound:
        learner.begin()
        row = learner.update(0)
        first = learner.told(row)
    size = learner.policy.flat.shape[1]
    seen = config.steps * config.accounts if samples is None else samples
    layout = environment.layout
    return Look(config, seen, environment.actions, layout.size, size, finite, chance, first, layout.names)


def noise_scale(gradients: Tensor, size: int) -> float:
    """tr(S) / |G|^2 from gradients [k, D] of disjoint batches of `size` samples (McCandlish et al. 2018, app. A.1).

    |G|^2 = (k |G_big|^2 - |G_small|^2) / (k - 1)
    tr(S) = (|G_small|^2 - |G_big|^2) / (1 / size - 1 / (k size))

    with G_big the mean of all and |G_small|^2 the mean of their squared norms.
    """
    parts = len(gradients)
    small, big = float(gradients.square().sum(1).mean()), float(gradients.mean(0).square().sum())
    squared = (parts * big - small) / (parts - 1)
    spread = (small - big) / (1 / size - 1 / (parts * size))
    return spread / squared if squared > 0 else math.inf


class _Watched(Learner):
    """A learner that remembers what its first update is made of."""

    def advantage(self, hyper: Hyper) -> Tensor:
        found = super().advantage(hyper)
        self._samples, self._hyper = self.samples(found), hyper
        self._before, self._weights = self._looked(), self.policy.flat.detach().clone()
        self._noise = self._gradient_noise(self._samples, hyper)
        return found

    def told(self, row: dict[str, Any]) -> First:
        advantage = self._samples.numbers[1][self._samples.numbers[4] > 0]
        (entropy, before), weights = self._before, self._weights.double()
        moved = float((self.policy.flat.double() - weights).norm() / weights.norm())
        errors = (before, self._looked()[1])
        return First(entropy, advantage.double().numpy(), self._noise, errors, moved, row)

    def _looked(self) -> tuple[float, float]:
        """Entropy of the policy and error of the critic, on the first samples."""
        rows = torch.arange(min(LOOKED, self._samples.numbers.shape[1])).unsqueeze(0)
        batch = gather(self._samples, self.inputs, rows)
        entropy = descend(self.policy, batch, self.config, self._hyper)[TERMS.index("entropy")]
        error = (self.policy.values(batch.x) - batch.numbers[2]).square()
        return float(entropy), float((error if batch.weight is None else error * batch.weight).mean())

    def _gradient_noise(self, samples: Samples, hyper: Hyper) -> float:
        rows = self.keys.of(0, "look").numpy().permutation(samples.numbers.shape[1])
        size = len(rows) // PARTS
        if size < 2:
            return math.nan
        alone = replace(hyper, value_coefficient=hyper.value_coefficient * 0, entropy=hyper.entropy * 0)
        gradients = []
        for part in range(PARTS):
            place = torch.from_numpy(rows[part * size : (part + 1) * size]).unsqueeze(0)
            descend(self.policy, gather(samples, self.inputs, place), self.config, alone)
            gradients.append(self.policy.gradient[0].double().clone())
        return noise_scale(torch.stack(gradients), size)


def _by_chance(environment: Environment, steps: int, rng: Rng) -> Chance:
    """Steps by actions drawn evenly."""
    observation, draws = environment.reset(rng.child("environment")), rng.child("actions").numpy()
    count, space = environment.accounts, environment.actions
    dense, reward, valid, over, cut = [], [], [], [], []
    for _ in range(max(1, min(steps, MOST // count))):
        dense.append(observation.dense.double().numpy().copy())
        if isinstance(space, Discrete):
            action = torch.from_numpy(draws.integers(0, space.count, count))
        else:
            low, high = max(space.low, -1e3), min(space.high, 1e3)
            action = torch.from_numpy(draws.uniform(low, high, (count, space.size)).astype(np.float32))
        step = environment.step(action)
        observation = step.observation
        for kept, tensor in (
            (reward, step.reward),
            (valid, step.valid),
            (over, step.terminated),
            (cut, step.truncated),
        ):
            kept.append(tensor.numpy().copy())
    kept = np.stack(valid)
    return Chance(np.stack(dense), np.stack(reward).astype(np.float64)[kept], np.stack(over), np.stack(cut))
