"""Which table each training sample of an epoch is read from: the clean one or an augmented copy, drawn by a key.

Clean and augmented windows lie in one stacked table, so a batch of both is the one gather that it always was.
"""

# N samples, C copies

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from edgeproof.core.rng import Rng
from edgeproof.samples.dataset import Copies

__all__ = ["Drawn", "drawn_from"]


@dataclass(frozen=True)
class Drawn:
    """Where the windows of the training samples end.

    Attributes:
        rows: i64[1 + C, N] flat index into the stacked tables, clean first; the clean one where a copy has none.
        share: of the samples that are read from a copy.
    """

    rows: Tensor
    share: float

    def index(self, rng: Rng, epoch: int) -> Tensor:
        """i64[N]: for each sample a row, anew in every epoch."""
        choices, count = self.rows.shape
        generator = rng.child("augment", epoch).numpy()
        copy = generator.integers(1, choices, count)
        copy[generator.random(count) >= self.share] = 0
        return self.rows.gather(0, torch.from_numpy(copy).to(self.rows.device)[None])[0]


def drawn_from(copies: Copies, train: Tensor) -> Drawn:
    """The rows of these training samples.

    Args:
        copies: of the dataset.
        train: i64[N] flat indices of the clean samples.
    """
    size = copies.ends[0].size
    index = train.cpu().numpy()
    rows = [index]
    for number, ends in enumerate(copies.ends.reshape(len(copies.ends), size), start=1):
        own = ends[index].astype(np.int64)
        rows.append(np.where(own >= 0, number * size + own, index))
    return Drawn(torch.from_numpy(np.stack(rows)).to(train.device), copies.share)
