"""A learner of one table per look, in plain loops: the second witness of the probes, with switches for its bugs."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from edgeproof.rl.answers import Learned, Probe
from edgeproof.rl.interface import Continuous, Environment, Observation

SIGMA = 0.3


@dataclass(frozen=True)
class Bugs:
    limit_is_end: bool = False
    bootstraps_reset: bool = False
    bootstraps_twice: bool = False
    leaks: tuple[str, ...] = ()
    keeps_reset_rows: bool = False
    no_trace: bool = False
    rewards_late: bool = False
    climbs_down: bool = False
    shares: bool = False
    one_discount: bool = False
    forgets_discount: bool = False
    blind: bool = False
    keeps_clipped: bool = False
    narrows: bool = False


def learner(bugs: Bugs | None = None, updates: int = 40, steps: int = 16) -> Callable:
    flags = bugs or Bugs()

    def train(probe: Probe, environment: Environment, rng) -> Learned:
        table = Table(environment, probe, flags)
        draws = rng.child("plain").numpy()
        seen = table.looks(environment.reset(rng))
        for update in range(updates):
            rows = []
            for _ in range(steps):
                action, kept = table.act(seen, draws)
                step = environment.step(action)
                after = table.looks(step.observation)
                final = table.looks(step.final)
                ends, cut = step.terminated.numpy().copy(), step.truncated.numpy().copy()
                rows.append(
                    (seen, kept, step.reward.numpy().copy(), ends, cut, final, after, step.valid.numpy().copy())
                )
                seen = after
            table.learn(rows, 0.3 * (1 - update / updates) + 0.02)
        return Learned(table.values_of, table.policy_of)

    return train


class Table:
    def __init__(self, environment: Environment, probe: Probe, bugs: Bugs) -> None:
        self.bugs, self.members, self.n = bugs, probe.members, environment.accounts
        self.space = environment.actions
        self.continuous = isinstance(self.space, Continuous)
        self.width = self.space.size if isinstance(self.space, Continuous) else self.space.count
        self.known: list[float] = []
        self.value = np.zeros((self.members, 8))
        self.prefer = np.zeros((self.members, 8, self.width))
        owner = np.arange(self.n) * self.members // self.n
        self.member = np.zeros_like(owner) if bugs.shares else owner
        discount = np.broadcast_to(probe.discount, self.members)
        self.discount = np.full(self.n, discount[0]) if bugs.one_discount else discount[owner]
        self.discount = np.ones(self.n) if bugs.forgets_discount else self.discount
        self.bonus = (probe.entropy or 0.0) * (1 - 2 * bugs.narrows)
        self.trace = 0.0 if bugs.no_trace else probe.trace

    def looks(self, observation: Observation) -> np.ndarray:
        rows = observation.dense.numpy() * (not self.bugs.blind)
        keys = rows @ np.arange(1.0, rows.shape[1] + 1)  # tells the looks of every probe apart
        for key in sorted(set(keys.tolist()) - set(self.known)):
            self.known.append(key)
        return np.array([self.known.index(key) for key in keys.tolist()])

    def chances(self, looks: np.ndarray) -> np.ndarray:
        prefer = self.prefer[self.member, looks]
        weight = np.exp(prefer - prefer.max(axis=1, keepdims=True))
        return weight / weight.sum(axis=1, keepdims=True)

    def act(self, looks: np.ndarray, draws: np.random.Generator) -> tuple[torch.Tensor, np.ndarray]:
        if self.continuous:
            drawn = self.prefer[self.member, looks] + SIGMA * draws.normal(size=(self.n, self.width))
            return torch.tensor(drawn, dtype=torch.float32), drawn
        chosen = (self.chances(looks).cumsum(axis=1) < draws.uniform(size=(self.n, 1))).sum(axis=1)
        return torch.tensor(chosen), chosen

    def learn(self, rows: list, rate: float) -> None:
        carried = np.zeros(self.n)
        sums = np.zeros((3, self.members, 8))
        push = np.zeros_like(self.prefer)
        rewards = [row[2] for row in rows]
        for place in reversed(range(len(rows))):
            looks, action, reward, ends, cut, final, after, valid = rows[place]
            if self.bugs.rewards_late:
                reward = rewards[place + 1] if place + 1 < len(rows) else 0 * reward
            follows = self.value[self.member, after if self.bugs.bootstraps_reset else final]
            stop = ends | cut if self.bugs.limit_is_end else ends
            delta = reward + self.discount * follows * ~stop - self.value[self.member, looks]
            delta = delta + self.discount * follows * cut * self.bugs.bootstraps_twice
            over = (ends & ("terminated" not in self.bugs.leaks)) | (cut & ("truncated" not in self.bugs.leaks))
            carried = delta + self.discount * self.trace * ~over * carried
            keep = valid | self.bugs.keeps_reset_rows
            where = (self.member[keep], looks[keep])
            np.add.at(sums[0], where, carried[keep])
            np.add.at(sums[1], where, 1.0)
            np.add.at(push, where, (carried[:, None] * self.slope(looks, action))[keep])
        count = np.maximum(sums[1], 1.0)
        self.value += rate * sums[0] / count
        self.prefer += (
            (1.0 if self.continuous else 3.0) * rate * push / count[..., None] * (1 - 2 * self.bugs.climbs_down)
        )

        if self.bonus:
            each = self.chances(np.zeros(self.n, int))  # the probe that asks for it has one look
            surprise = -np.log(each)
            pull = each * (surprise - (each * surprise).sum(axis=1, keepdims=True))
            self.prefer[self.member, 0] += 30.0 * rate * self.bonus * pull

    def slope(self, looks: np.ndarray, action: np.ndarray) -> np.ndarray:
        """Gradient of the log-probability of what was done."""
        if self.continuous:
            kept = action.clip(-0.2, 0.2) if self.bugs.keeps_clipped else action
            return (kept - self.prefer[self.member, looks]) / SIGMA
        return np.eye(self.width)[action] - self.chances(looks)

    def values_of(self, observation: Observation) -> torch.Tensor:
        return torch.tensor(self.value[self.member, self.looks(observation)])

    def policy_of(self, observation: Observation) -> torch.Tensor:
        looks = self.looks(observation)
        return torch.tensor(self.prefer[self.member, looks] if self.continuous else self.chances(looks))
