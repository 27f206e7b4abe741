"""Regime mixing: blocks of training bars are replaced by blocks from another state of the market.

What follows a block of another state is read with that state behind it: slow features (a trend, a long volatility) of
one state meet fast ones of another, and a model learns not to lean on which came after which in history.
"""

# S symbols, T bars, K states, L window

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

import numpy as np
from numba import njit
from pydantic import Field

from edgeproof.core.clock import DAY_NS, bars_per_day
from edgeproof.core.config import Config, Part, part
from edgeproof.core.errors import DataError
from edgeproof.core.lately import known_before
from edgeproof.core.rng import Rng
from edgeproof.regimes import REGIMES
from edgeproof.regimes.rules import RulesConfig
from edgeproof.samples.augment.draft import Draft, with_bars

__all__ = ["RegimeMixingConfig", "splice"]


class RegimeMixingConfig(Config):
    """Some blocks of the training bars, of all symbols together, give way to blocks of another state.

    A block takes the place of one that began at the same time of day. Prices go on multiplicatively: the first bar of
    a block has the return that it had where it comes from. The state of a block is that of most of its bars, by a rule
    that saw training bars alone; blocks without one stay. Nothing is drawn from, or put into, another run of training
    bars, so no block crosses what a fold holds out.

    A sample moves with its bars and keeps its own label, which lies in its own future and not in that of the bars put
    behind it. It is used where its window, and at least a day of its own bars, lies inside the block; what its features
    read from before the block is what was mixed. A sample that is not put anywhere is read clean.

    Attributes:
        block_days: length of a block, in days of bars round the clock.
        share: of the blocks that give way.
        states: what a state of the market is.
    """

    name: Literal["regime_mixing"] = "regime_mixing"
    block_days: Annotated[float, Field(ge=2.0, le=1000.0)] = 10.0
    share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    states: Annotated[Part, part(REGIMES, "regimes")] = RulesConfig()
    when_forecasting: ClassVar[bool] = False

    def augment(self, draft: Draft, rng: Rng) -> Draft:
        """The draft with other bars in some places, and its samples moved with them.

        Raises:
            DataError: no block has another state to be replaced by, or a window fills the block.
        """
        panel, per_day = draft.panel, bars_per_day(draft.panel.interval_ns)
        length, least = max(2, round(self.block_days * per_day)), max(draft.window, per_day)
        if least >= length:
            raise DataError(
                f"augmentation regime_mixing: blocks of {length} bars are no longer than what a sample must find "
                f"inside one, {least} bars (window {draft.window}, a day {per_day}); raise block_days"
            )
        code = self.states.regimes(panel).code  # pyright: ignore[reportAttributeAccessIssue] - every rule has it
        chosen = _choose(draft, _state_of_blocks(code, length), length, self.share, rng)
        if not chosen:
            raise DataError(
                f"augmentation regime_mixing: no two blocks of {length} bars in {int((draft.run >= 0).sum())} training "
                "bars are of different known states; lower block_days, use more bars, or leave it out"
            )
        return _mixed(draft, chosen, length, least)


def _state_of_blocks(code: np.ndarray, length: int) -> np.ndarray:
    """i64[T]: the commonest state of the `length` bars from each slot on; -1: fewer than half have one."""
    T, states = len(code), int(code.max(initial=-1)) + 1
    found = np.full(T, -1, dtype=np.int64)
    if length > T or not states:
        return found
    seen = code[:, np.newaxis] == np.arange(states)
    before = np.concatenate([np.zeros((1, states), np.int64), np.cumsum(seen, axis=0)])
    count = before[length:] - before[:-length]
    found[: len(count)] = np.where(2 * count.sum(axis=1) >= length, count.argmax(axis=1), -1)
    return found


def _choose(draft: Draft, state: np.ndarray, length: int, share: float, rng: Rng) -> dict[int, int]:
    """First slot of each block that gives way -> first slot of what comes in its place."""
    generator, time_of_day = rng.numpy(), draft.panel.open_time % DAY_NS
    chosen: dict[int, int] = {}
    for number in range(int(draft.run.max()) + 1):
        slots = np.flatnonzero(draft.run == number)
        starts = slots[: max(0, len(slots) - length + 1)]
        for target in starts[::length].tolist():
            asked = generator.random() < share
            other = (state[starts] >= 0) & (state[starts] != state[target])
            found = starts[other & (time_of_day[starts] == time_of_day[target])]
            if asked and state[target] >= 0 and len(found):
                chosen[target] = int(generator.choice(found))
    return chosen


def _mixed(draft: Draft, chosen: Mapping[int, int], length: int, least: int) -> Draft:
    """The draft after its blocks were exchanged."""
    panel, slot = draft.panel, np.arange(len(draft.run))
    source = np.where(draft.run >= 0, slot, -1)
    for target, start in chosen.items():
        source[target : target + length] = start + np.arange(length)
    seam = np.r_[True, source[1:] != source[:-1] + 1]
    since = np.maximum(draft.since, np.maximum.accumulate(np.where(seam, slot, 0)))
    whole = (source >= 0) & (slot - least + 1 >= since)
    place = np.full(len(slot), -1)
    for at in (np.flatnonzero(whole & (source == slot)), np.flatnonzero(whole & (source != slot))):
        place[source[at]] = at
    ends = np.where(draft.ends >= 0, place[draft.ends], -1)
    return replace(draft, panel=with_bars(panel, *splice(panel.prices, panel.present, source)), ends=ends, since=since)


def splice(prices: np.ndarray, present: np.ndarray, source: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bars in the order of `source`, each with the return over its symbol's last close that it had in its own place.

    A symbol's first bar has no such return: put behind another, it opens at that one's close.

    Args:
        prices: f64[S, T, 5].
        present: bool[S, T].
        source: i64[T] slot whose bars each slot receives; -1: none.

    Returns:
        f64[S, T, 5], 0 where no bar is, and bool[S, T].
    """
    closed = present & (prices[:, :, 3] > 0.0)
    before = known_before(prices[:, :, 3], closed, 0.0)
    return _splice(prices, present, before, source)


@njit(cache=True)
def _splice(
    prices: np.ndarray, present: np.ndarray, before: np.ndarray, source: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    made, there = np.zeros_like(prices), np.zeros_like(present)
    for s in range(prices.shape[0]):
        close = 0.0
        for t in range(len(source)):
            j = source[t]
            if j < 0 or not present[s, j]:
                continue
            begin = before[s, j] if before[s, j] > 0.0 else prices[s, j, 0]
            factor = close / begin if close > 0.0 and begin > 0.0 else 1.0
            there[s, t] = True
            for column in range(4):
                made[s, t, column] = prices[s, j, column] * factor
            made[s, t, 4] = prices[s, j, 4]
            close = made[s, t, 3] if made[s, t, 3] > 0.0 else close
    return made, there
