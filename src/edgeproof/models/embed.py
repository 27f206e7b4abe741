"""Symbol embeddings: one learned vector a symbol; an unknown symbol gets their mean."""

# A assets, B batch, E embedding

import torch
from torch import Tensor, nn

__all__ = ["AssetEmbedding"]


class AssetEmbedding(nn.Module):
    """`asset_B` i64 in -1 .. A - 1 -> f32[B, E]; -1 (unknown) reads the mean of all A vectors."""

    def __init__(self, n_assets: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_assets, width))

    def forward(self, asset_B: Tensor) -> Tensor:
        """Vectors of symbols, f32[B, E]."""
        n_assets = self.weight.shape[0]
        table = torch.cat((self.weight, self.weight.mean(dim=0, keepdim=True)))
        return table.index_select(0, torch.where(asset_B < 0, n_assets, asset_B))
