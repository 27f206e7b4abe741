"""A dataset is the scaled feature table, the labels and one fold, under one content hash."""

# S symbols, T bars, F features, N samples, L window

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgeproof.core.identity import sha_array, sha_json
from edgeproof.samples.interval import Samples, first_read_of_windows
from edgeproof.samples.split.fold import Fold

if TYPE_CHECKING:
    from edgeproof.features.feature import FeatureTable
    from edgeproof.labels.label import Labels

__all__ = ["Copies", "Dataset", "collect_samples", "make_dataset", "ready_index", "sample_index", "windows_ready"]


@dataclass(frozen=True)
class Copies:
    """Augmented feature tables behind the clean one, in one array: training reads any of them by one gather.

    Attributes:
        tables: f32[1 + C, S, T, F] scaled; the first is the clean table, the dataset's own `x`.
        ends: i32[C, S, T] flat index at which sample (s, t) ends its window in each copy; -1: read it clean.
        share: of an epoch's samples that are read from copies.
    """

    tables: np.ndarray
    ends: np.ndarray
    share: float


@dataclass(frozen=True)
class Dataset:
    """What a training reads.

    Attributes:
        x: f32[S, T, F] features scaled by a preprocessor that was fitted on the fold's training samples.
        y: f32[S, T] labels.
        weight: f32[S, T] sample weights.
        window: L.
        symbols: S names; a symbol's position is its asset id.
        fold: training, validation and test samples.
        sha: content hash of all of the above and of the copies.
        copies: for training samples alone; None where nothing is augmented.
    """

    x: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    window: int
    symbols: tuple[str, ...]
    fold: Fold
    sha: str
    copies: Copies | None = None


def make_dataset(
    x: np.ndarray,
    labels: "Labels",
    fold: Fold,
    *,
    window: int,
    symbols: tuple[str, ...],
    copies: Copies | None = None,
) -> Dataset:
    """The dataset of one fold, hashed.

    Args:
        x: f32[S, T, F] scaled features.
        labels: labels on the same clock.
        fold: a fold that has proven itself.
        window: L.
        symbols: S names.
        copies: made of this fold's training bars, `x` their first table.
    """
    x = np.ascontiguousarray(x, dtype=np.float32)
    arrays = (x, labels.y, labels.weight, fold.train, fold.validation, fold.test)
    body = {"arrays": sha_array(*arrays), "window": window, "symbols": list(symbols)}
    if copies is not None:
        body["copies"] = [sha_array(copies.tables[1:], copies.ends), copies.share]
    return Dataset(x, labels.y, labels.weight, window, tuple(symbols), fold, sha_json(body), copies)


def windows_ready(ready: np.ndarray, window: int) -> np.ndarray:
    """bool[S, T]: all L bars up to and with t are ready."""
    S, T = ready.shape
    count = np.zeros((S, T + 1), dtype=np.int32)
    np.cumsum(ready, axis=1, out=count[:, 1:])
    whole = np.zeros((S, T), dtype=bool)
    if window <= T:
        whole[:, window - 1 :] = count[:, window:] - count[:, : T - window + 1] == window
    return whole


def _flat(mask: np.ndarray) -> np.ndarray:
    """Flat indices s * T + t of a mask [S, T], sorted by (t, s)."""
    t, s = np.nonzero(mask.T)
    return s * mask.shape[1] + t


def ready_index(ready: np.ndarray, decide: np.ndarray, window: int) -> np.ndarray:
    """Samples that can be forecast: decision bars whose window is ready, label known or not.

    Args:
        ready: bool[S, T] all features of the bar are ready.
        decide: bool[T] decision bars.
        window: L.

    Returns:
        i64[N] flat indices s * T + t, sorted by (t, s).
    """
    return _flat(windows_ready(ready, window) & decide[None, :])


def sample_index(table: "FeatureTable", labels: "Labels", decide: np.ndarray, window: int) -> np.ndarray:
    """Samples that can be learned from: decision bars whose window is ready and whose label is known.

    Returns:
        i64[N] flat indices s * T + t, sorted by (t, s).
    """
    return _flat(windows_ready(table.ready, window) & decide[None, :] & labels.known)


def collect_samples(table: "FeatureTable", labels: "Labels", decide: np.ndarray, window: int) -> Samples:
    """`sample_index` together with the bars that each sample occupies, a label's own look back included."""
    index = sample_index(table, labels, decide, window)
    decided = index % table.ready.shape[1]
    read = first_read_of_windows(table.first_read, window).reshape(-1)[index]
    return Samples(
        index=index,
        first=np.maximum(0, np.minimum(read, decided - labels.reach)),
        decided=decided,
        resolved=labels.resolved_at.reshape(-1)[index].astype(np.int64),
    )
