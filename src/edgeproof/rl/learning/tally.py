"""What is told of a rollout's episodes: reward a step, returns and lengths of the episodes that ended in it."""

# P members, n accounts of a member, N = P * n, H steps

import torch
from torch import Tensor

from edgeproof.rl.interface import Step
from edgeproof.rl.learning.buffers import Rollout
from edgeproof.rl.learning.normalise import discounted

__all__ = ["Tally"]


class Tally:
    """Figures of a rollout, and what each account's running episode has brought so far."""

    def __init__(self, members: int, accounts: int) -> None:
        self._shape = (members, accounts)
        self.earned, self.lasted = (torch.zeros(members * accounts, dtype=torch.float64) for _ in range(2))
        self._parts: dict[str, Tensor] = {}

    def see(self, step: Step) -> None:
        """One step of all accounts: its figures, which last until the next one only."""
        for name, figure in step.figures.items():
            total = (figure * step.valid).view(self._shape).sum(-1, dtype=torch.float64)
            self._parts[name] = self._parts[name] + total if name in self._parts else total

    def figures(self, rollout: Rollout) -> dict[str, Tensor]:
        """Of a rollout and the figures seen in it, [P] each: means a step; of ended episodes, NaN where none has."""
        reward, ended = rollout.reward * rollout.valid, rollout.terminated | rollout.truncated
        steps = self._total(rollout.valid).clamp(min=1)
        mean = self._total(reward) / steps
        squares = self._total(reward.double().square()) / steps - mean.square()
        found = {"reward": mean, "reward_deviation": squares.clamp(min=0).sqrt()}
        found |= {f"figures.{name}": total / steps for name, total in self._parts.items()}
        self._parts = {}
        earned, self.earned = discounted(reward.double(), ended, self.earned, 1.0)
        lasted, self.lasted = discounted(rollout.valid.double(), ended, self.lasted, 1.0)
        count = self._total(ended)
        found |= {"episodes": count, "episode_return": self._total(earned * ended) / count}
        return found | {"episode_length": self._total(lasted * ended) / count}

    def _total(self, x: Tensor) -> Tensor:
        """Sums of [H, N] by member, f64[P]."""
        return x.sum(0, dtype=torch.float64).view(self._shape).sum(-1)

    def arrays(self) -> dict[str, Tensor]:
        """What a resumed training needs."""
        return {"earned": self.earned, "lasted": self.lasted}

    def load(self, arrays: dict[str, Tensor]) -> None:
        """Go on from these."""
        self.earned, self.lasted = (arrays[name].clone().to(self.earned.device) for name in ("earned", "lasted"))
