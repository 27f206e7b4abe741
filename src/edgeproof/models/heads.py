"""A model is an encoder and a head; the head turns an encoding into one logit a sample."""

# B batch, L window, F features, D encoding

import math
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["BinaryHead", "Classifier"]


class BinaryHead(nn.Module):
    """`z_BD -> logit_B`, linear."""

    def __init__(self, width: int, *, zero: bool = False) -> None:
        super().__init__()
        self.linear = nn.Linear(width, 1)
        if zero:
            nn.init.zeros_(self.linear.weight)
            nn.init.zeros_(self.linear.bias)

    def forward(self, z_BD: Tensor) -> Tensor:
        """One logit a sample, f32[B]."""
        return self.linear(z_BD).squeeze(-1)

    def set_prior(self, share: float) -> None:
        """Start at the share of positives: bias = log(share / (1 - share))."""
        with torch.no_grad():
            self.linear.bias.fill_(math.log(share / (1.0 - share)))


class Classifier(nn.Module):
    """`forward(x_BLF, asset_B) -> logit_B` as encoder, then head, so that an encoder can be reused or frozen."""

    def __init__(self, encoder: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.head: Any = head  # a BinaryHead, or what else turns encodings into logits

    def forward(self, x_BLF: Tensor, asset_B: Tensor) -> Tensor:
        """Logits f32[B]; a probability is their sigmoid."""
        return self.head(self.encoder(x_BLF, asset_B))
