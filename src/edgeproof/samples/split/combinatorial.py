"""Combinatorial purged cross-validation: every choice of k of N groups is tested once, and the tests form paths.

    C(N, k) splits;  each group is tested in phi = k/N C(N, k) = C(N - 1, k - 1) of them;  phi paths.

López de Prado (2018), Advances in Financial Machine Learning, ch. 12. `samples.split.paths` reassembles the paths.
"""

# N samples

from collections.abc import Iterator
from itertools import combinations
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from edgeproof.core.config import Config
from edgeproof.core.errors import SplitError
from edgeproof.samples.interval import Samples
from edgeproof.samples.split.fold import Fold
from edgeproof.samples.split.groups import Groups, cut_groups, grouped_fold
from edgeproof.samples.split.needed import check_folds, open_samples

__all__ = ["CombinatorialConfig"]


class CombinatorialConfig(Config):
    """Groups of equally many decision bars, over all symbols at once; each choice of `k_test` of them is one fold.

    Attributes:
        n_groups: N.
        k_test: groups that a fold tests; C(n_groups, k_test) trainings.
        validation: share of what the test leaves of a fold's training side, for early stopping and thresholds: the end
            of the last stretch between tested groups that is long enough; purged against training and test.
        sealed: share that the ledger seals at the market's first use.
        embargo_bars: bars after a held-out block in which no training window may start; none: one label horizon.
        closed: purge closed intervals (default) or half-open ones.
    """

    name: Literal["cpcv"] = "cpcv"
    n_groups: Annotated[int, Field(ge=2, le=100)] = 6
    k_test: Annotated[int, Field(ge=1)] = 2
    validation: Annotated[float, Field(gt=0, lt=1)] = 0.15
    sealed: Annotated[float, Field(gt=0, lt=1)] = 0.2
    embargo_bars: Annotated[int | None, Field(ge=0)] = None
    closed: bool = True

    @model_validator(mode="after")
    def _something_to_train_on(self) -> "CombinatorialConfig":
        if self.k_test >= self.n_groups:
            raise ValueError(
                f"k_test {self.k_test} of n_groups {self.n_groups} leaves nothing to train on; let k_test be smaller"
            )
        return self

    def split(
        self, samples: Samples, *, bars: int, horizon_bars: int, window: int, reach_bars: int
    ) -> tuple[Fold, ...]:
        """One fold for each choice of groups, in lexicographic order, purged.

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
        index = groups.samples.index
        for tested in combinations(range(self.n_groups), self.k_test):
            test = np.concatenate([index[groups.blocks[group].place] for group in tested])
            yield index[groups.train(tested)], test

    def _folds(self, samples: Samples, bars: int, horizon_bars: int) -> tuple[Fold, ...]:
        try:
            groups = self._groups(open_samples(samples, bars), horizon_bars)
        except SplitError:  # fewer decision bars than groups: `check_folds` says how many bars are enough
            return ()
        chosen = combinations(range(self.n_groups), self.k_test)
        return tuple(
            grouped_fold(groups, tested, validation=self.validation, bars=bars, number=number)
            for number, tested in enumerate(chosen)
        )

    def _groups(self, samples: Samples, horizon_bars: int) -> Groups:
        embargo = horizon_bars if self.embargo_bars is None else self.embargo_bars
        return cut_groups(samples, self.n_groups, embargo_bars=embargo, closed=self.closed)
