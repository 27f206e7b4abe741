"""Small environments that the tests of agents learn in."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from edgeproof.core.rng import Rng
from edgeproof.rl.interface import ActionSpace, Continuous, Discrete, Layout, Observation, Step


class Signs:
    """Sees +1 or -1, and earns 1 for the action of that sign, else -1; one step an episode, or `length` truncated.

    Every account draws from a stream of its own member, so that a member meets the same signs in any company.
    """

    def __init__(self, accounts: int, *, members: tuple[int, ...] = (0,), length: int = 1, continuous: bool = False):
        self.accounts, self.members, self.length = accounts, members, length
        self.actions: ActionSpace = Continuous(1, -1.0, 1.0) if continuous else Discrete(2)
        self.layout = Layout(dense=2)
        self._time = 0
        self._rng = Rng(0)

    def _see(self) -> Observation:
        each = self.accounts // len(self.members)
        signs = [
            self._rng.child("signs", member, self._time).numpy().choice([-1.0, 1.0], each) for member in self.members
        ]
        self._sign = torch.from_numpy(np.concatenate(signs)).float()
        clock = torch.full_like(self._sign, (self._time % self.length) / self.length)
        return Observation(torch.stack((self._sign, clock), -1))

    def reset(self, rng: Rng) -> Observation:
        self._rng, self._time = rng, 0
        return self._see()

    def step(self, action: Tensor) -> Step:
        meant = self._sign * (action[:, 0].clamp(-1, 1) if action.dim() == 2 else action * 2.0 - 1.0)
        before = Observation(torch.stack((self._sign, torch.ones_like(self._sign)), -1))
        self._time += 1
        over = torch.full((self.accounts,), self._time % self.length == 0)
        ruin = over if self.length == 1 else torch.zeros_like(over)
        return Step(self._see(), meant, ruin, over & ~ruin, before, torch.ones_like(over), {"meant": meant})

    def state(self) -> dict[str, np.ndarray]:
        return {"time": np.array(self._time), "seed": np.array(self._rng.seed)}

    def restore(self, state: Mapping[str, np.ndarray]) -> Observation:
        self._rng, self._time = Rng(int(state["seed"]), ("environment",)), int(state["time"])
        return self._see()
