"""Running mean and deviation of each member's observations, and the running scale of its rewards.

Figures move at the end of a rollout, never inside it: old and new log-probabilities see the same numbers.
"""

# P members, H steps, n accounts of a member, K dense numbers

import torch
from torch import Tensor

__all__ = ["Moments", "discounted"]

_LIMIT = 10.0
_EPS = 1e-8


class Moments:
    """Mean and variance of all rows seen so far, by the parallel formula (Chan, Golub & LeVeque 1983, eq. 2.1)."""

    def __init__(self, members: int, width: int) -> None:
        self.mean = torch.zeros(members, 1, width, dtype=torch.float64)
        self.variance = torch.ones(members, 1, width, dtype=torch.float64)
        self.count = torch.zeros(members, 1, 1, dtype=torch.float64)

    def see(self, rows: Tensor) -> None:
        """Add rows [P, B, width]."""
        rows = rows.to(torch.float64)
        many, mean, variance = rows.shape[1], rows.mean(1, keepdim=True), rows.var(1, unbiased=False, keepdim=True)
        total, delta = self.count + many, mean - self.mean
        spread = delta.square() * self.count * many / total
        self.variance = (self.variance * self.count + variance * many + spread) / total
        self.mean = self.mean + delta * many / total
        self.count = total

    def standard(self, rows: Tensor) -> Tensor:
        """Rows [P, B, width] less mean, over deviation, within 10."""
        shifted = (rows - self.mean) / (self.variance + _EPS).sqrt()
        return shifted.clamp(-_LIMIT, _LIMIT).to(rows.dtype)

    def scaled(self, rows: Tensor) -> Tensor:
        """Rows over deviation alone, within 10."""
        return (rows / (self.variance + _EPS).sqrt()).clamp(-_LIMIT, _LIMIT).to(rows.dtype)

    def member(self, place: int) -> "Moments":
        """One member's alone."""
        alone = Moments(1, self.mean.shape[-1])
        alone.load({name: tensor[place : place + 1] for name, tensor in self.arrays().items()})
        return alone

    def arrays(self) -> dict[str, Tensor]:
        """What a resumed training needs."""
        return {"mean": self.mean, "variance": self.variance, "count": self.count}

    def load(self, arrays: dict[str, Tensor]) -> None:
        """Go on from these."""
        self.mean, self.variance, self.count = (
            arrays[name].clone().to(self.mean.device) for name in ("mean", "variance", "count")
        )


def discounted(reward: Tensor, ended: Tensor, before: Tensor, gamma: Tensor | float) -> tuple[Tensor, Tensor]:
    """Rewards [H, N] summed with discount up to each step, each episode anew, and the sum that goes on, [N].

    R_t = gamma * R_{t-1} + r_t
    """
    sums, running = torch.empty_like(reward), before
    for t in range(len(reward)):
        running = gamma * running + reward[t]
        sums[t] = running
        running = running * ~ended[t]
    return sums, running
