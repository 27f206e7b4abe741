"""Adam and the clipping of gradients for many members at once: each has its own rate, norm and count of steps."""

# P members, D weights of a member

import numba
import numpy as np
import torch
from torch import Tensor

__all__ = ["Adam", "clip_gradient"]

Arrays = tuple[np.ndarray, ...]


def clip_gradient(gradient: Tensor, limit: Tensor) -> Tensor:
    """Scale each member's gradient [P, D] to a norm of at most `limit` [P], in place; the norms before, [P]."""
    if gradient.device.type != "cpu":
        norm = gradient.norm(dim=1)
        gradient.mul_((limit.to(gradient.dtype) / (norm + 1e-6)).clamp(max=1.0).unsqueeze(1))
        return norm
    return torch.from_numpy(_clip(gradient.numpy(), limit.numpy())).to(gradient.dtype)


class Adam:
    """Adam (Kingma & Ba 2015, algorithm 1) on weights [P, D].

    m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
    w = w - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
    """

    def __init__(self, weights: Tensor, *, eps: float, beta1: float = 0.9, beta2: float = 0.999) -> None:
        self.mean, self.square = torch.zeros_like(weights), torch.zeros_like(weights)
        self.count = torch.zeros(len(weights), dtype=torch.int64)
        self._every = np.ones(len(weights), dtype=bool)
        self.eps, self.beta1, self.beta2 = eps, beta1, beta2

    def step(self, weights: Tensor, gradient: Tensor, lr: Tensor, active: Tensor | None = None) -> None:
        """Move the weights, in place.

        Args:
            weights: [P, D].
            gradient: [P, D].
            lr: f64[P].
            active: bool[P] members that step; none: all. Of the others nothing changes.
        """
        if weights.device.type != "cpu":
            rows = range(len(weights)) if active is None else active.nonzero().flatten().tolist()
            some = [slice(None)] if len(rows) == len(weights) else [slice(p, p + 1) for p in rows]
            for part in some:
                self.observe(part, gradient[part])
                self.move_there(part, weights[part], lr[part])
            return
        moves = self._every if active is None else active.numpy()
        arrays = (weights.numpy(), gradient.numpy(), self.mean.numpy(), self.square.numpy())
        _move(arrays, (self.count.numpy(), moves), lr.numpy(), (self.eps, self.beta1, self.beta2))

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


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc"})  # squares may be summed in any order
def _clip(gradient: np.ndarray, limit: np.ndarray) -> np.ndarray:
    norms = np.empty(len(gradient))
    for p in range(len(gradient)):
        row, squares = gradient[p], 0.0
        for i in range(len(row)):
            squares += float(row[i]) * row[i]
        norms[p] = np.sqrt(squares)
        share = gradient.dtype.type(limit[p] / (norms[p] + 1e-6))
        if not share >= 1:
            for i in range(len(row)):
                row[i] *= share
    return norms


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _move(arrays: Arrays, members: Arrays, lr: np.ndarray, constants: tuple[float, float, float]) -> None:
    (count, moves), (eps, beta1, beta2), kind = members, constants, arrays[0].dtype.type
    new1, new2 = kind(1 - beta1), kind(1 - beta2)
    for p in range(len(moves)):
        if not moves[p]:
            continue
        count[p] += 1
        # sqrt(v / c2) + eps and m / c1 with the corrections moved into rate and eps
        root2 = np.sqrt(1 - beta2 ** count[p])
        rate, least = kind(lr[p] * root2 / (1 - beta1 ** count[p])), kind(eps * root2)
        weights, gradient, mean, square = arrays[0][p], arrays[1][p], arrays[2][p], arrays[3][p]
        for i in range(len(weights)):
            mean[i] += new1 * (gradient[i] - mean[i])
            square[i] += new2 * (gradient[i] * gradient[i] - square[i])
            weights[i] -= rate * mean[i] / (np.sqrt(square[i]) + least)
