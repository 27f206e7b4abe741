"""Dropout whose random numbers cost little on the CPU: 16 bits a unit, four units a draw.

PyTorch draws a double for every unit, 12 ns each: a fifth of an MLP's step. Here the share is a whole number of 65,536
parts (0.3 becomes 0.300003), and what is kept is scaled by exactly that, so that the mean stays. The draws come from
the same generator, so they are keyed as everything else.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["Dropout", "drop"]

LEVELS = 1 << 16
WORDS = 4  # of 16 bits in a draw


class Dropout(nn.Module):
    """In training, units are silenced with probability `share` and the others scaled up (Srivastava et al. 2014)."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        """`x`, in training with units silenced."""
        return drop(x, self.share) if self.training else x

    def extra_repr(self) -> str:
        """The share, for a printed model."""
        return f"share={self.share}"


def drop(x: Tensor, share: float) -> Tensor:
    """Silence units with this probability, and scale the others by 1 / (1 - share)."""
    if x.device.type != "cpu":
        return functional.dropout(x, share)
    silenced = min(round(share * LEVELS), LEVELS - 1)
    if silenced == 0:
        return x
    drawn = torch.empty(-(-x.numel() // WORDS), dtype=torch.int64).random_(-(1 << 63), None)
    level = drawn.view(torch.int16)[: x.numel()].view(x.shape)
    return x * (level >= silenced - LEVELS // 2).to(x.dtype).mul_(LEVELS / (LEVELS - silenced))
