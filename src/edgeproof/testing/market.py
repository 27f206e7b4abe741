"""A tiny learnable data set without a market: the label leans on the window's last values of one feature."""

# S symbols, T bars, F features, L window

import numpy as np

from edgeproof.core.identity import sha_array
from edgeproof.core.rng import Rng
from edgeproof.samples.dataset import Dataset
from edgeproof.samples.split.fold import Fold

__all__ = ["tiny_dataset"]


def tiny_dataset(
    rng: Rng, *, symbols: int = 3, bars: int = 160, features: int = 5, window: int = 6, lean: float = 2.0
) -> Dataset:
    """White features and labels with P(y = 1) = 1 / (1 + exp(-lean * x[s, t, 0])).

    Args:
        rng: of features and labels.
        symbols: S.
        bars: T; the last third is validation.
        features: F.
        window: L.
        lean: how strongly the label leans; 0 gives coin flips.
    """
    noise = rng.numpy()
    x = noise.standard_normal((symbols, bars, features)).astype(np.float32)
    y = (noise.random((symbols, bars)) < 1 / (1 + np.exp(-lean * x[:, :, 0]))).astype(np.float32)
    t, s = np.meshgrid(np.arange(window - 1, bars), np.arange(symbols), indexing="ij")
    index, cut = (s * bars + t).ravel(), bars * 2 // 3
    early = (t < cut - 1).ravel()
    late = (t >= cut).ravel()
    fold = Fold(index[early], index[late], np.empty(0, dtype=np.int64))
    names = tuple(f"S{number}" for number in range(symbols))
    return Dataset(x, y, np.ones_like(y), window, names, fold, sha_array(x, y, fold.train, fold.validation))
