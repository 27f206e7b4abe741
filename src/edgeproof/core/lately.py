"""What was last known, looking back alone: the one way to carry a value forward."""

# T bars, the last axis

import numpy as np

__all__ = ["known_before", "last_index", "last_known"]


def last_index(mask: np.ndarray) -> np.ndarray:
    """Index of the last true entry at or before each one, i64[..., T]; -1 before the first."""
    return np.maximum.accumulate(np.where(mask, np.arange(mask.shape[-1]), -1), axis=-1)


def last_known(values: np.ndarray, known: np.ndarray, otherwise: float) -> np.ndarray:
    """The last of `values` [..., T] that is known at or before each entry, `otherwise` before the first."""
    at = last_index(known)
    return np.where(at >= 0, np.take_along_axis(values, np.maximum(at, 0), axis=-1), otherwise)


def known_before(values: np.ndarray, known: np.ndarray, otherwise: float) -> np.ndarray:
    """The last of `values` [..., T] that is known before each entry."""
    last = last_known(values, known, otherwise)
    return np.concatenate([np.full((*values.shape[:-1], 1), otherwise), last[..., :-1]], axis=-1)
