"""Hold-out: train, then validation, cut by time over all symbols at once; the sealed span is the test."""

# N samples

import math
from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from edgeproof.core.config import Config
from edgeproof.core.errors import SplitError
from edgeproof.samples.interval import Samples
from edgeproof.samples.split.fold import Fold, make_fold
from edgeproof.samples.split.purge import purge

__all__ = ["HoldoutConfig"]


class HoldoutConfig(Config):
    """Shares of the market's bars; the first two divide the open span among themselves.

    Attributes:
        train: share for training.
        validation: share for early stopping and thresholds.
        sealed: share that the ledger seals at the market's first use.
        embargo_bars: bars after a held-out block in which no training window may start; none: one label horizon.
        closed: purge closed intervals (default) or half-open ones.
    """

    name: Literal["holdout"] = "holdout"
    train: Annotated[float, Field(gt=0, lt=1)] = 0.6
    validation: Annotated[float, Field(gt=0, lt=1)] = 0.2
    sealed: Annotated[float, Field(gt=0, lt=1)] = 0.2
    embargo_bars: Annotated[int | None, Field(ge=0)] = None
    closed: bool = True

    @model_validator(mode="after")
    def _whole(self) -> "HoldoutConfig":
        total = self.train + self.validation + self.sealed
        if not math.isclose(total, 1.0, abs_tol=1e-9):
            raise ValueError(f"train + validation + sealed make {total:g}; let them make 1")
        return self

    def split(
        self, samples: Samples, *, bars: int, horizon_bars: int, window: int, reach_bars: int
    ) -> tuple[Fold, ...]:
        """The one fold of this split, purged.

        Args:
            samples: all samples of the open span.
            bars: open bars on the market's clock; samples not resolved by then are left out.
            horizon_bars: label horizon, the default embargo.
            window: L, for the text of a refusal.
            reach_bars: bars that the longest feature reads back, for the text of a refusal.

        Raises:
            SplitError: the span is too short to leave a training and a validation sample.
        """
        cut = self._cut(bars)
        inside = samples.take(samples.resolved < bars)
        early = inside.decided < cut
        embargo = horizon_bars if self.embargo_bars is None else self.embargo_bars
        none = np.zeros(len(inside), dtype=bool)
        fold = make_fold(inside, (early, ~early, none), embargo_bars=embargo, closed=self.closed)
        if len(fold.train) == 0 or len(fold.validation) == 0:
            raise SplitError(
                f"split holdout: {bars} open bars leave {len(fold.train)} training and {len(fold.validation)} "
                f"validation samples (features read {reach_bars} bars back, window {window}, label horizon "
                f"{horizon_bars}, {fold.purged} purged); with a decision at every bar and no gaps "
                f"{self._needed(reach_bars + window - 1, horizon_bars)} open bars are needed: bring more bars, or "
                "lower window or the features' reach"
            )
        return (fold,)

    def train_test(self, samples: Samples, *, bars: int, horizon_bars: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(train, validation) sample indices of the one split."""
        inside = samples.take(samples.resolved < bars)
        early = inside.decided < self._cut(bars)
        train, held = inside.take(early), inside.take(~early)
        embargo = horizon_bars if self.embargo_bars is None else self.embargo_bars
        yield train.index[purge(train, held, embargo_bars=embargo, closed=self.closed).keep], held.index

    def _cut(self, bars: int) -> int:
        """First validation bar."""
        return math.floor(bars * self.train / (self.train + self.validation) + 1e-9)

    def _needed(self, first: int, horizon_bars: int) -> int:
        """Fewest open bars with a training sample (decided at bar `first`) and a validation sample."""
        bars = first
        while self._cut(bars) < first + horizon_bars + 2 or self._cut(bars) + horizon_bars + 2 > bars:
            bars += 1
        return bars
