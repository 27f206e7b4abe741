"""Adjusted p-values for several claims at once: Holm's against any false claim, Benjamini and Hochberg's for a share.

A test without a p-value (None: it could not be computed) stays in the family as one that cannot be rejected.
"""

# M hypotheses

from collections.abc import Sequence

import numpy as np

__all__ = ["benjamini_hochberg", "holm"]


def holm(p: Sequence[float | None]) -> list[float | None]:
    """Holm's adjusted p-values, in the order given: reject where <= a, and P(any false rejection) <= a.

    p~_(j) = max_{i <= j} min(1, (M - i + 1) p_(i)) over the ascending p_(i) (Holm 1979, Scand. J. Statistics 6:65).
    Holds for any dependence between the tests.

    Args:
        p: M p-values in [0, 1]; None stays None and counts in M.
    """
    order, ascending = _ascending(p)
    scaled = (len(ascending) - np.arange(len(ascending))) * ascending
    return _in_place(p, order, np.minimum(np.maximum.accumulate(scaled), 1.0))


def benjamini_hochberg(p: Sequence[float | None]) -> list[float | None]:
    """Benjamini and Hochberg's adjusted p-values, in the order given: reject where <= q.

    The expected share of false ones among the rejected is then at most q. p~_(j) = min_{i >= j} min(1, M p_(i) / i)
    (Benjamini & Hochberg 1995, JRSS B 57:289) for independent or positively dependent tests (Benjamini & Yekutieli
    2001, Annals of Statistics 29:1165).

    Args:
        p: M p-values in [0, 1]; None stays None and counts in M.
    """
    order, ascending = _ascending(p)
    scaled = len(ascending) * ascending / np.arange(1, len(ascending) + 1)
    return _in_place(p, order, np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0))


def _ascending(p: Sequence[float | None]) -> tuple[np.ndarray, np.ndarray]:
    values = np.array([1.0 if value is None else value for value in p], dtype=np.float64)
    outside = np.flatnonzero(~((values >= 0) & (values <= 1)))
    if outside.size:
        raise ValueError(
            f"p-value {int(outside[0]) + 1} is {values[outside[0]]}: expected a number from 0 to 1 or None"
        )
    order = np.argsort(values, kind="stable")
    return order, values[order]


def _in_place(p: Sequence[float | None], order: np.ndarray, adjusted: np.ndarray) -> list[float | None]:
    back = np.empty(len(adjusted))
    back[order] = adjusted
    return [None if value is None else float(moved) for value, moved in zip(p, back, strict=True)]
