"""What is told of a rollout's episodes: reward a step, returns and lengths of the episodes that ended in it."""

# P members, n accounts of a member, N = P * n

import torch
from torch import Tensor

from edgeproof.rl.interface import Step

__all__ = ["Tally"]


class Tally:
    """Sums over the steps of a rollout, and over each account's running episode."""

    def __init__(self, members: int, accounts: int) -> None:
        self._shape = (members, accounts)
        self.earned, self.lasted = (torch.zeros(members * accounts, dtype=torch.float64) for _ in range(2))
        self._parts: dict[str, Tensor] = {}
        self._zero()

    def _zero(self) -> None:
        self._ended = torch.zeros(3, self._shape[0], dtype=torch.float64)  # episodes, their returns, their lengths
        self._parts = {}

    def see(self, step: Step) -> None:
        """One step of all accounts."""
        self.earned += torch.where(step.valid, step.reward, 0.0)
        self.lasted += step.valid
        self._add("reward", torch.where(step.valid, step.reward, 0.0))
        self._add("valid", step.valid)
        for name, figure in step.figures.items():
            self._add(f"figures.{name}", torch.where(step.valid, figure, 0.0))
        ended = step.terminated | step.truncated
        if bool(ended.any()):
            three = torch.stack((torch.ones_like(self.earned), self.earned, self.lasted)) * ended
            self._ended += three.view(3, *self._shape).sum(-1)
            self.earned *= ~ended
            self.lasted *= ~ended

    def _add(self, name: str, figure: Tensor) -> None:
        total = figure.view(self._shape).sum(-1, dtype=torch.float64)
        self._parts[name] = self._parts[name] + total if name in self._parts else total

    def figures(self) -> dict[str, Tensor]:
        """Since the last call, [P] each: means a step, and of ended episodes (NaN where none has ended)."""
        count, returns, lengths = self._ended
        valid = self._parts.pop("valid").clamp(min=1)
        found = {name: total / valid for name, total in self._parts.items()}
        found |= {"episodes": count, "episode_return": returns / count, "episode_length": lengths / count}
        self._zero()
        return found

    def arrays(self) -> dict[str, Tensor]:
        """What a resumed training needs."""
        return {"earned": self.earned, "lasted": self.lasted}

    def load(self, arrays: dict[str, Tensor]) -> None:
        """Go on from these."""
        self.earned, self.lasted = arrays["earned"].clone(), arrays["lasted"].clone()
