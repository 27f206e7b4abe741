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

    def parts(self, update: int, epoch: int, samples: int, count: int, together: int = 1) -> tuple[Tensor, ...]:
        """Random parts of each member's own samples, i64[P, B] each, together all samples once.

        Sizes differ by at most one run. Within a part samples ascend: that reads memory in order, and a part has none.

        Args:
            update: of the training.
            epoch: of the update.
            samples: of a member.
            count: of the parts, at most.
            together: samples of a run, which stays in one part.
        """
        runs = samples // together
        sizes = [len(part) for part in np.array_split(np.empty(runs, dtype=np.uint8), min(count, runs))]
        place = np.repeat(np.arange(len(sizes), dtype=np.uint16 if count < 65536 else np.int64), sizes)
        orders = np.stack(
            [
                place[self.of(member, "order", update, epoch).numpy().permutation(runs)].argsort(kind="stable")
                for member in self.members
            ]
        )
        every = (orders[:, :, None] * together + np.arange(together)).reshape(len(orders), -1)
        there = torch.as_tensor(every)  # on the device of the `with` around it
        return there.split([size * together for size in sizes], dim=1)
