"""Randomness of an agent is keyed by member, update and purpose: a member draws the same numbers in any company."""

# P members, H steps, n accounts of a member, A action numbers

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from edgeproof.core.rng import Rng
from edgeproof.rl.interface import ActionSpace, Discrete

__all__ = ["Keys"]


@dataclass(frozen=True)
class Keys:
    """The streams of the members of a population.

    Attributes:
        rng: of the training.
        members: number of each member; a member trained alone has the number that it had among others.
    """

    rng: Rng
    members: tuple[int, ...]

    def of(self, member: int, *names: str | int) -> Rng:
        """The stream of one member for a purpose."""
        return self.rng.child("member", member, *names)

    def noise(self, update: int, steps: int, accounts: int, actions: ActionSpace) -> Tensor:
        """f32[H, P, n, A]: standard Gumbel numbers for discrete actions, normal ones for continuous actions."""
        discrete = isinstance(actions, Discrete)
        width = actions.count if discrete else actions.size
        noise = np.empty((steps, len(self.members), accounts, width), dtype=np.float32)
        for place, member in enumerate(self.members):
            draw = self.of(member, "action", update).numpy()
            kind = draw.standard_exponential if discrete else draw.standard_normal
            noise[:, place] = kind((steps, accounts, width), dtype=np.float32)
        drawn = torch.from_numpy(noise)
        # an exponential number's -log is a Gumbel number; 0 in one of 10^7 would be infinite
        return drawn.clamp_(min=1e-30).log_().neg_() if discrete else drawn

    def order(self, update: int, epoch: int, samples: int) -> Tensor:
        """i64[P, samples]: each member's order of its own samples."""
        orders = [self.of(member, "order", update, epoch).numpy().permutation(samples) for member in self.members]
        return torch.from_numpy(np.stack(orders))
