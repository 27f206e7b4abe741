"""Logistic regression on the flattened window, zero-initialised: the baseline that every report shows."""

# B batch, L window, F features

from typing import Literal

from torch import Tensor, nn

from edgeproof.core.config import Config
from edgeproof.models.heads import BinaryHead, Classifier

__all__ = ["LogisticConfig"]


class LogisticConfig(Config):
    """L * F + 1 parameters: 553 at L = 24, F = 23. The number of assets is accepted and ignored."""

    name: Literal["logistic"] = "logistic"

    def build(self, n_features: int, window: int, n_assets: int) -> Classifier:
        """The module `forward(x_BLF, asset_B) -> logit_B`, all zeros."""
        del n_assets
        return Classifier(_Flatten(), BinaryHead(n_features * window, zero=True))


class _Flatten(nn.Module):
    def forward(self, x_BLF: Tensor, asset_B: Tensor) -> Tensor:
        del asset_B
        return x_BLF.flatten(1)
