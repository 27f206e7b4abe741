"""Adam and the clipping of gradients for many members at once: each has its own rate, norm and count of steps."""

# P members, D weights of a member

import numpy as np
import torch
from torch import Tensor

__all__ = ["Adam", "clip_gradient"]


def clip_gradient(gradient: Tensor, limit: Tensor) -> Tensor:
    """Scale each member's gradient [P, D] to a norm of at most `limit` [P], in place; the norms before, [P]."""
    norm = gradient.norm(dim=1)
    gradient.mul_((limit / (norm + 1e-6)).clamp(max=1.0).unsqueeze(1))
    return norm


class Adam:
    """Adam (Kingma & Ba 2015, algorithm 1) on weights [P, D].

    m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
    w = w - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
    """

    def __init__(self, weights: Tensor, *, eps: float, beta1: float = 0.9, beta2: float = 0.999) -> None:
        self.mean, self.square = torch.zeros_like(weights), torch.zeros_like(weights)
        self.count = torch.zeros(len(weights), dtype=torch.int64)
        self._room = torch.empty_like(weights)
        self.eps, self.beta1, self.beta2 = eps, beta1, beta2

    def step(self, weights: Tensor, gradient: Tensor, lr: Tensor, active: Tensor | None = None) -> None:
        """Move the weights, in place.

        Args:
            weights: [P, D].
            gradient: [P, D].
            lr: f64[P].
            active: bool[P] members that step; none: all. Of the others nothing changes.
        """
        if active is not None and not bool(active.all()):
            for place in active.nonzero().flatten().tolist():
                self._some(slice(place, place + 1), weights, gradient, lr)
        else:
            self._some(slice(None), weights, gradient, lr)

    def _some(self, rows: slice, weights: Tensor, gradient: Tensor, lr: Tensor) -> None:
        self.observe(rows, gradient[rows])
        mean, square, room = self.mean[rows], self.square[rows], self._room[rows]
        if weights.device.type != "cpu":
            self.move_there(rows, weights[rows], lr[rows])
            return
        # sqrt(v / c2) + eps and m / c1 with the corrections moved into rate and eps: two passes fewer
        count = self.count[rows].numpy()
        root2 = np.sqrt(1 - self.beta2**count)
        rate = lr[rows].numpy() * root2 / (1 - self.beta1**count)
        torch.sqrt(square, out=room)
        if len(count) == 1:
            weights[rows].addcdiv_(mean, room.add_(self.eps * root2[0]), value=-rate[0])
        else:
            eps, rate = (torch.from_numpy(each).to(room.dtype).unsqueeze(1) for each in (self.eps * root2, rate))
            weights[rows].sub_(torch.div(mean, room.add_(eps), out=room).mul_(rate))

    def observe(self, rows: slice, gradient: Tensor) -> None:
        """Count a gradient [R, D] of these members in."""
        self.count[rows] += 1
        self.mean[rows].lerp_(gradient, 1 - self.beta1)
        self.square[rows].mul_(self.beta2).addcmul_(gradient, gradient, value=1 - self.beta2)

    def move_there(self, rows: slice, weights: Tensor, lr: Tensor) -> None:
        """The same step where no number comes back to the processor: a device goes on, and a CUDA graph may hold it."""
        count = self.count[rows].to(torch.float64)
        root2 = (1 - self.beta2**count).sqrt()
        rate, eps = lr * root2 / (1 - self.beta1**count), self.eps * root2
        rate, eps = (each.to(weights.dtype).unsqueeze(1) for each in (rate, eps))
        weights.sub_(self.mean[rows] * rate / (self.square[rows].sqrt() + eps))

    def arrays(self) -> dict[str, Tensor]:
        """What a resumed training needs."""
        return {"mean": self.mean, "square": self.square, "count": self.count}

    def load(self, arrays: dict[str, Tensor]) -> None:
        """Go on from these."""
        for name, own in self.arrays().items():
            own.copy_(arrays[name])
