"""Paths: out-of-sample blocks of many folds put together again, so that a path covers every tested bar once.

Every block of a combinatorial split is tested by phi folds; path p takes, for each block, the p-th of them in the
order of the folds (López de Prado 2018, Advances in Financial Machine Learning, 12.4). Walk-forward and k-fold test
every block once: one path.
"""

from collections.abc import Sequence
from typing import NamedTuple

from edgeproof.samples.split.fold import Fold, Stretch

__all__ = ["Piece", "assemble_paths"]


class Piece(NamedTuple):
    """Part of a path: these bars, forecast by this fold's model.

    Attributes:
        fold: number of the fold.
        bars: [start, stop) on the clock.
    """

    fold: int
    bars: Stretch


def assemble_paths(folds: Sequence[Fold]) -> tuple[tuple[Piece, ...], ...]:
    """The paths, pieces in the order of time; none where the folds have no out-of-sample blocks."""
    tested: dict[Stretch, list[int]] = {}
    for fold in folds:
        for bars in fold.test_bars:
            tested.setdefault(bars, []).append(fold.number)
    count = min((len(numbers) for numbers in tested.values()), default=0)
    return tuple(tuple(Piece(tested[bars][path], bars) for bars in sorted(tested)) for path in range(count))
