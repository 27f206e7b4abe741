"""Walk-forward: train on the past, choose on what follows it, test on what follows that, step on, and repeat.

Blocks are counted backward from the end of the open span, so that the newest block is whole and the last fold's model
knows the newest bars; what does not fill a step stays unused at the start. The training block holds its validation:
its last part, next to the test. After Pardo (2008), The Evaluation and Optimization of Trading Strategies, ch. 11,
with the purge of López de Prado (2018), 7.4.1.
"""

# N samples, T bars

import re
from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import AfterValidator, Field, model_validator

from edgeproof.core.clock import DAY_NS, HOUR_NS
from edgeproof.core.config import Config
from edgeproof.core.errors import SplitError
from edgeproof.samples.interval import Samples
from edgeproof.samples.split.fold import Fold, make_fold
from edgeproof.samples.split.needed import check_folds, open_samples, whole
from edgeproof.samples.split.purge import purge

__all__ = ["WalkForwardConfig"]

_YEAR_NS = 365 * DAY_NS + 6 * HOUR_NS
_UNITS = {"h": HOUR_NS, "d": DAY_NS, "w": 7 * DAY_NS, "mo": _YEAR_NS // 12, "y": _YEAR_NS}


def _length(value: int | str) -> int | str:
    if isinstance(value, str) and re.fullmatch(r"[1-9]\d*(h|d|w|mo|y)", value) is None:
        raise ValueError("write a number of bars, or a number and h, d, w, mo or y, as in 12mo")
    return value


Length = Annotated[Annotated[int, Field(ge=1)] | str, AfterValidator(_length)]


class _Turn(NamedTuple):
    """Bars at which one fold's blocks begin, and the end of its test."""

    train: int
    validation: int
    test: int
    stop: int


class WalkForwardConfig(Config):
    """Lengths are bars (`500`) or time on the market's clock (`36h`, `90d`, `2w`, `12mo`, `1y`).

    A month is a twelfth of 365.25 days, 30.4375 of them, so that blocks are equally long and 12 months are a year.

    Attributes:
        window: `rolling` trains on the same length each time, `expanding` on everything from the first decision on.
        train: length of the (first) training block, its validation included.
        validation: the last part of the training block, for early stopping and thresholds.
        test: the out-of-sample block.
        step: from one test block to the next, at least `test`.
        sealed: share that the ledger seals at the market's first use.
        closed: purge closed intervals (default) or half-open ones.
    """

    name: Literal["walk_forward"] = "walk_forward"
    window: Literal["rolling", "expanding"] = "rolling"
    train: Length = "12mo"
    validation: Length = "2mo"
    test: Length = "2mo"
    step: Length = "2mo"
    sealed: Annotated[float, Field(gt=0, lt=1)] = 0.2
    closed: bool = True

    @model_validator(mode="after")
    def _blocks_fit(self) -> "WalkForwardConfig":
        for inner, outer, why in (
            ("validation", "train", "validation is the end of the training block"),
            ("test", "step", "test blocks may not overlap"),
        ):
            small, large = _size(getattr(self, inner)), _size(getattr(self, outer))
            if small[0] == large[0] and (small[1] > large[1] or (inner == "validation" and small == large)):
                raise ValueError(f"{inner} {getattr(self, inner)} does not fit {outer} {getattr(self, outer)}: {why}")
        return self

    def split(
        self, samples: Samples, *, bars: int, horizon_bars: int, window: int, reach_bars: int
    ) -> tuple[Fold, ...]:
        """The folds in the order of time, purged.

        Args:
            samples: all samples of the open span, with their clock where a length is a time.
            bars: open bars on the market's clock; samples not resolved by then are left out.
            horizon_bars: label horizon, for the text of a refusal.
            window: L, for the text of a refusal.
            reach_bars: bars that the longest feature reads back, for the text of a refusal.

        Raises:
            SplitError: the span is too short for one fold, or a fold lacks samples.
        """
        folds = self._folds(samples, bars, horizon_bars)
        check_folds(
            self.name,
            folds,
            samples,
            self._newest,
            facts={"bars": bars, "horizon_bars": horizon_bars, "window": window, "reach_bars": reach_bars},
            shorter=lambda: self._shorter(samples, bars, horizon_bars),
        )
        return folds

    def train_test(self, samples: Samples, *, bars: int, horizon_bars: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(train, test) sample indices of every split, without a validation part."""
        del horizon_bars  # no block is trained on after a test: nothing to embargo
        inside = open_samples(samples, bars)
        for turn in self._turns(inside, bars):
            bar = inside.decided
            train = inside.take((bar >= turn.train) & (bar < turn.test))
            test = inside.take((bar >= turn.test) & (bar < turn.stop))
            yield train.index[purge(train, test, closed=self.closed).keep], test.index

    def _folds(self, samples: Samples, bars: int, horizon_bars: int) -> tuple[Fold, ...]:
        del horizon_bars
        inside = open_samples(samples, bars)
        return tuple(self._fold(inside, turn, number) for number, turn in enumerate(self._turns(inside, bars)))

    def _newest(self, samples: Samples, bars: int, horizon_bars: int) -> tuple[Fold, ...]:
        """The last fold alone, to find out how many bars one fold takes."""
        del horizon_bars
        inside = open_samples(samples, bars)
        return tuple(self._fold(inside, turn, 0) for turn in self._turns(inside, bars, most=1))

    def _shorter(self, samples: Samples, bars: int, horizon_bars: int) -> str:
        """Keys whose blocks fit these bars, half of them training; empty where even those leave a fold without samples.

        1,000 bars of training go with 300 of validation and 500 of test.
        """
        unit = (bars - int(open_samples(samples, bars).decided.min(initial=bars))) // 20
        if unit < 1:
            return ""
        train, validation, test = 10 * unit, 3 * unit, 5 * unit
        fits = self.model_copy(update={"train": train, "validation": validation, "test": test, "step": test})
        if not whole(fits._newest(samples, bars, horizon_bars)):
            return ""
        return f"split.train={train} split.test={test} split.step={test} split.validation={validation}"

    def _fold(self, inside: Samples, turn: _Turn, number: int) -> Fold:
        here = inside.take((inside.decided >= turn.train) & (inside.decided < turn.stop))
        early, late = here.decided < turn.validation, here.decided >= turn.test
        return make_fold(
            here,
            (early, ~early & ~late, late),
            embargo_bars=0,
            closed=self.closed,
            number=number,
            stretches=((turn.validation, turn.test), ((turn.test, turn.stop),)),
        )

    def _turns(self, inside: Samples, bars: int, most: int | None = None) -> list[_Turn]:
        """Blocks of every fold (of the newest ones), oldest first."""
        begin = int(inside.decided.min(initial=bars))
        turns: list[_Turn] = []
        stop = bars
        while stop > begin and len(turns) != most:
            test = self._back(inside.clock, begin, stop, "test")
            validation = self._back(inside.clock, begin, test, "validation")
            train = self._back(inside.clock, begin, test, "train")
            if train < begin:
                break
            if not train < validation < test < stop:
                raise SplitError(
                    f"split walk_forward: train {self.train}, validation {self.validation} and test {self.test} leave "
                    f"a block without bars at bar {stop}; let each hold bars, and validation be shorter than train"
                )
            turns.append(_Turn(begin if self.window == "expanding" else train, validation, test, stop))
            before, stop = test, self._back(inside.clock, begin, stop, "step")
            if stop > before:
                raise SplitError(f"split walk_forward: step {self.step} is shorter than test {self.test}; lengthen it")
        return turns[::-1]

    def _back(self, clock: np.ndarray | None, begin: int, stop: int, name: str) -> int:
        """First bar of the block of this length that ends before `stop`; below `begin` where it does not fit."""
        kind, size = _size(getattr(self, name))
        if stop <= begin:
            return begin - 1
        if kind == "bars":
            return max(begin - 1, stop - size)
        if clock is None:
            raise SplitError(
                f"split walk_forward: {name} {getattr(self, name)} is a time, but these samples have no clock; "
                "give the clock, or a number of bars"
            )
        opens = int(clock[stop - 1]) - size
        step = int(np.diff(clock[begin:stop]).min(initial=size))
        if opens < int(clock[begin]) - step:
            return begin - 1
        return begin + int(np.searchsorted(clock[begin:stop], opens, side="right"))


def _size(length: int | str) -> tuple[str, int]:
    if isinstance(length, int):
        return "bars", length
    number = length.rstrip("hdwmoy")
    return "ns", int(number) * _UNITS[length[len(number) :]]
