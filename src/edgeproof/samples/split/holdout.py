"""Hold-out: train, then validation, cut by time over all symbols at once; the sealed span is the test."""

# N samples

import math
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from edgeproof.core.config import Config
from edgeproof.core.errors import SplitError
from edgeproof.samples.interval import Samples
from edgeproof.samples.split.fold import Fold, make_fold

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
    train: float = Field(0.6, gt=0, lt=1)
    validation: float = Field(0.2, gt=0, lt=1)
    sealed: float = Field(0.2, gt=0, lt=1)
    embargo_bars: int | None = Field(None, ge=0)
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
        share = self.train / (self.train + self.validation)
        cut = math.floor(bars * share)
        inside = samples.take(samples.resolved < bars)
        early = inside.decided < cut
        embargo = horizon_bars if self.embargo_bars is None else self.embargo_bars
        none = np.zeros(len(inside), dtype=bool)
        fold = make_fold(inside, (early, ~early, none), embargo_bars=embargo, closed=self.closed)
        if len(fold.train) == 0 or len(fold.validation) == 0:
            # first training sample: decided at reach + window - 1, resolved horizon + 1 bars later, before the cut
            need_train = math.ceil((reach_bars + window + horizon_bars + 2) / share)
            need_validation = math.ceil((horizon_bars + 3) / (1 - share))
            raise SplitError(
                f"split holdout: {bars} open bars leave {len(fold.train)} training and {len(fold.validation)} "
                f"validation samples (features read {reach_bars} bars back, window {window}, label horizon "
                f"{horizon_bars}, {fold.purged} purged); at least {max(need_train, need_validation)} open bars "
                "without gaps are needed: bring more bars, or lower window or the features' reach"
            )
        return (fold,)
