"""Time shift: a sample's label beside a window that ended a few bars before its decision."""

# S symbols, T bars, L window

from dataclasses import replace
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from edgeproof.core.config import Config
from edgeproof.core.rng import Rng
from edgeproof.samples.augment.draft import Draft, uniforms

__all__ = ["TimeShiftConfig"]


class TimeShiftConfig(Config):
    """The label of t beside the window that ends at t - j, j uniform on 1 .. bars, one j a sample.

    Only into the past. A shifted window begins j bars sooner than the one that was purged: a sample whose shifted
    window begins before its run of training bars, or whose features there read a bar from before it, is not shifted.

    Attributes:
        bars: the most that a window is shifted, at most the window itself.
    """

    name: Literal["time_shift"] = "time_shift"
    bars: Annotated[int, Field(ge=1, le=4096)] = 1
    when_forecasting: ClassVar[bool] = False

    def check(self, window: int) -> None:
        """Whether a window can be shifted so far.

        Raises:
            ValueError: it cannot.
        """
        if self.bars > window:
            raise ValueError(
                f"augment.kinds: time_shift by {self.bars} bars is longer than the window of {window}; set bars to "
                f"{window} or less"
            )

    def augment(self, draft: Draft, rng: Rng) -> Draft:
        """The draft whose windows end sooner."""
        back = 1 + np.floor(self.bars * uniforms(rng, draft.panel)).astype(np.int64)
        ends, T = draft.ends - back, len(draft.since)
        since = draft.since[np.clip(draft.ends, 0, T - 1)]
        keep = (draft.ends >= 0) & (ends - draft.window + 1 >= since)
        return replace(draft, ends=np.where(keep, ends, -1))
