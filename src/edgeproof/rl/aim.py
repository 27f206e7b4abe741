"""A world of continuous actions with a known best one: what is seen says where to aim, the miss is the reward."""

# N accounts, A numbers of an action

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from edgeproof.core.rng import Rng
from edgeproof.rl.interface import Continuous, Layout, Observation, Step

__all__ = ["AimEnvironment"]


class AimEnvironment:
    """Episodes of one step: -1 or 1 is seen, the reward is 1 - |action - seen * slopes|^2, actions within -1 and 1.

    Attributes:
        accounts: N.
    """

    def __init__(self, accounts: int, slopes: tuple[float, ...] = (0.5, -0.25)) -> None:
        self.accounts = accounts
        self._slopes = torch.tensor(slopes)
        self.reset(Rng(0))

    @property
    def actions(self) -> Continuous:
        """As many numbers as there are slopes."""
        return Continuous(len(self._slopes), -1.0, 1.0)

    @property
    def layout(self) -> Layout:
        """One number."""
        return Layout(1)

    def reset(self, rng: Rng) -> Observation:
        """Begin anew everywhere."""
        self._draws = rng.torch()
        self._seen = self._drawn()
        return Observation(self._seen)

    def step(self, action: Tensor) -> Step:
        """Every step ends its episode."""
        miss = action.clamp(-1.0, 1.0) - self._seen * self._slopes
        final, ends = Observation(self._seen), torch.ones(self.accounts, dtype=torch.bool)
        self._seen = self._drawn()
        return Step(Observation(self._seen), 1.0 - miss.square().sum(dim=1), ends, ~ends, final, ends.clone())

    def state(self) -> dict[str, np.ndarray]:
        """What is seen, and the draws to come."""
        return {"seen": self._seen.numpy().copy(), "draws": self._draws.get_state().numpy().copy()}

    def restore(self, state: Mapping[str, np.ndarray]) -> Observation:
        """Put all accounts back."""
        self._seen = torch.from_numpy(np.array(state["seen"]))
        self._draws.set_state(torch.from_numpy(np.array(state["draws"])))
        return Observation(self._seen)

    def _drawn(self) -> Tensor:
        return 2.0 * torch.randint(0, 2, (self.accounts, 1), generator=self._draws).float() - 1.0
