"""Purged k-fold: every group of bars is tested once, by a model that knows the bars on both sides of it.

López de Prado (2018), Advances in Financial Machine Learning, 7.4.3; the windows of training samples are purged too.
"""

# N samples

from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from edgeproof.core.config import Config
from edgeproof.core.errors import SplitError
from edgeproof.samples.interval import Samples
from edgeproof.samples.split.fold import Fold
from edgeproof.samples.split.groups import Groups, cut_groups, grouped_fold
from edgeproof.samples.split.needed import check_folds, open_samples

__all__ = ["KFoldConfig"]


class KFoldConfig(Config):
    """Groups of equally many decision bars, over all symbols at once; each is the out-of-sample test of one fold.

    Attributes:
        n_folds: groups, and as many trainings.
        validation: share of what the test leaves of a fold's training side, for early stopping and thresholds: the end
            of the last stretch between tested groups that is long enough; purged against training and test.
        sealed: share that the ledger seals at the market's first use.
        embargo_bars: bars after a held-out block in which no training window may start; none: one label horizon.
        closed: purge closed intervals (default) or half-open ones.
    """

    name: Literal["kfold"] = "kfold"
    n_folds: Annotated[int, Field(ge=2, le=100)] = 5
    validation: Annotated[float, Field(gt=0, lt=1)] = 0.15
    sealed: Annotated[float, Field(gt=0, lt=1)] = 0.2
    embargo_bars: Annotated[int | None, Field(ge=0)] = None
    closed: bool = True

    def split(
        self, samples: Samples, *, bars: int, horizon_bars: int, window: int, reach_bars: int
    ) -> tuple[Fold, ...]:
        """One fold a group, purged.

        Args:
            samples: all samples of the open span.
            bars: open bars on the market's clock; samples not resolved by then are left out.
            horizon_bars: label horizon, the default embargo.
            window: L, for the text of a refusal.
            reach_bars: bars that the longest feature reads back, for the text of a refusal.

        Raises:
            SplitError: the span is too short to leave each fold training, validation and test samples.
        """
        folds = self._folds(samples, bars, horizon_bars)
        check_folds(
            self.name,
            folds,
            samples,
            self._folds,
            facts={"bars": bars, "horizon_bars": horizon_bars, "window": window, "reach_bars": reach_bars},
        )
        return folds

    def train_test(self, samples: Samples, *, bars: int, horizon_bars: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(train, test) sample indices of every split, without a validation part."""
        groups = self._groups(open_samples(samples, bars), horizon_bars)
        for group, block in enumerate(groups.blocks):
            yield groups.samples.index[groups.train([group])], groups.samples.index[block.place]

    def _folds(self, samples: Samples, bars: int, horizon_bars: int) -> tuple[Fold, ...]:
        try:
            groups = self._groups(open_samples(samples, bars), horizon_bars)
        except SplitError:  # fewer decision bars than groups: `check_folds` says how many bars are enough
            return ()
        return tuple(
            grouped_fold(groups, [number], validation=self.validation, bars=bars, number=number)
            for number in range(self.n_folds)
        )

    def _groups(self, samples: Samples, horizon_bars: int) -> Groups:
        embargo = horizon_bars if self.embargo_bars is None else self.embargo_bars
        return cut_groups(samples, self.n_folds, embargo_bars=embargo, closed=self.closed)
