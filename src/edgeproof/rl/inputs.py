"""Observations as rows of numbers: the window of the feature table by index, beside the account's own state."""

# P members, B samples, K dense numbers, L window, F features, I = L * F + K

import torch
from torch import Tensor

from edgeproof.rl.interface import Layout

__all__ = ["Inputs"]


class Inputs:
    """What the networks read.

    Args:
        layout: of the environment.
        kind: floating type of the rows.
    """

    def __init__(self, layout: Layout, kind: torch.dtype) -> None:
        self.kind, self.size, self.dense, self.window = kind, layout.size, layout.dense, layout.window
        self._windows = None
        if layout.table is not None:
            table = layout.table.to(kind).contiguous()
            rows, features = table.shape
            self._windows = table.as_strided((rows - layout.window + 1, layout.window * features), (features, 1))

    def rows(self, dense: Tensor, index: Tensor | None) -> Tensor:
        """Rows [P, B, I] of dense numbers [P, B, K] and of the table's rows [P, B] at which windows end."""
        dense = dense.to(self.kind)
        if self._windows is None or index is None:
            return dense
        seen = self._windows.index_select(0, (index - (self.window - 1)).flatten())
        return torch.cat((seen.view(*index.shape, -1), dense), -1)
