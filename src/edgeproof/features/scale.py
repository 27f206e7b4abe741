"""The preprocessor: standardise and clip, fitted on the training samples' decision bars alone."""

# S symbols, T bars, F features

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgeproof.core.errors import DataError
from edgeproof.features.feature import FeatureTable

__all__ = ["Preprocessor", "apply", "fit_preprocessor"]

_CHUNK = 65_536  # rows summed at a time: 12 MB of float64


@dataclass(frozen=True)
class Preprocessor:
    """(x - mean) / std, then clipped to +-clip.

    Attributes:
        mean: f32[F].
        std: f32[F], 1 where a feature was constant.
        clip: in standard deviations.
    """

    mean: np.ndarray
    std: np.ndarray
    clip: float

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Arrays for a bundle."""
        return {"mean": self.mean, "std": self.std, "clip": np.array([self.clip], np.float32)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Preprocessor":
        """What `to_arrays` gave."""
        return cls(np.asarray(arrays["mean"]), np.asarray(arrays["std"]), float(arrays["clip"][0]))


def fit_preprocessor(table: FeatureTable, rows: np.ndarray, *, clip: float = 5.0) -> Preprocessor:
    """Mean and standard deviation (n) over these rows.

    Args:
        table: the features.
        rows: i64[N] flat index s * T + t; an index may come twice and then counts twice.
        clip: bound of the scaled values.

    Raises:
        DataError: no rows, or a row that is not ready.
    """
    rows = np.asarray(rows, np.int64)
    if not len(rows):
        raise DataError("preprocessor: no training rows to fit on; use a longer span or a shorter window")
    unready = np.flatnonzero(~table.ready.reshape(-1)[rows])
    if len(unready):
        s, t = divmod(int(rows[unready[0]]), table.ready.shape[1])
        raise DataError(f"preprocessor: symbol {s}, bar {t} is not ready; fit on rows where table.ready is true")
    flat = table.x.reshape(-1, table.x.shape[2])
    chunks = [rows[i : i + _CHUNK] for i in range(0, len(rows), _CHUNK)]
    mean = np.sum([flat[chunk].sum(0, dtype=np.float64) for chunk in chunks], 0) / len(rows)
    std = np.sqrt(np.sum([((flat[chunk] - mean) ** 2).sum(0) for chunk in chunks], 0) / len(rows))
    # float32 values of one size: what rounding leaves is no spread
    std = np.where(std > 1e-7 * np.abs(mean), std, 1.0)
    return Preprocessor(mean.astype(np.float32), std.astype(np.float32), float(np.float32(clip)))


def apply(preprocessor: Preprocessor, x: np.ndarray) -> np.ndarray:
    """f32, same shape: the scaled features of x f32[..., F]; symbol by symbol, so nothing else is held."""
    out = np.empty(x.shape, np.float32)
    parts, source = (out[None], x[None]) if x.ndim < 3 else (out, x)
    for part, values in zip(parts, source, strict=True):
        np.subtract(values, preprocessor.mean, out=part)
        np.divide(part, preprocessor.std, out=part)
        np.clip(part, -preprocessor.clip, preprocessor.clip, out=part)
    return out
