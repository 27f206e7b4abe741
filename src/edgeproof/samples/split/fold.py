"""A fold is one split, and before anything is trained on it, it proves itself by walking the bars it holds out."""

# N samples, T bars

from dataclasses import dataclass, field

import numpy as np

from edgeproof.core.errors import SplitError
from edgeproof.samples.interval import Samples
from edgeproof.samples.split.purge import purge

__all__ = ["Fold", "Stretch", "make_fold"]

Stretch = tuple[int, int]  # bars [start, stop) of the clock


def _none() -> np.ndarray:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Fold:
    """Training, validation and test samples of one split of the open span.

    Attributes:
        train: i64 flat sample indices that remain after purging, sorted by (t, s).
        validation: likewise; purged against test.
        test: i64; empty where the test span is the sealed one.
        purged: samples dropped because they met a held-out sample.
        embargoed: samples dropped because they start within the embargo.
        dropped_train: i64 the dropped candidates of train.
        dropped_validation: i64 the dropped candidates of validation.
        embargo_bars: embargo after a held-out block.
        closed: closed or half-open intervals.
        number: position among the folds of its split.
        validation_bars: bars [start, stop) that validation is traded on; None: from its first sample to the end.
        test_bars: bars [start, stop) of each out-of-sample block; none where the test span is the sealed one.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    purged: int = 0
    embargoed: int = 0
    dropped_train: np.ndarray = field(default_factory=_none)
    dropped_validation: np.ndarray = field(default_factory=_none)
    embargo_bars: int = 0
    closed: bool = True
    number: int = 0
    validation_bars: Stretch | None = None
    test_bars: tuple[Stretch, ...] = ()

    def prove(self, samples: Samples) -> None:
        """Compare the bars of every kept and every dropped sample with the bars that held-out samples occupy.

        Args:
            samples: all samples that the fold was made from.

        Raises:
            SplitError: two parts share a sample, a kept sample meets a held-out one, or one was dropped without need.
        """
        parts = (self.train, self.validation, self.test, self.dropped_train, self.dropped_validation)
        if np.bincount(np.concatenate(parts), minlength=1).max() > 1:
            raise SplitError(f"fold {self.number}: a sample is in two parts of the split; report this as a defect")
        train, validation, test, lost_train, lost_validation = (samples.among(part) for part in parts)
        candidates = samples.among(self.train, self.dropped_train)
        held = samples.among(self.validation, self.dropped_validation, self.test)
        self._prove_side("training", train, lost_train, candidates, held)
        before_test = samples.among(self.validation, self.dropped_validation)
        self._prove_side("validation", validation, lost_validation, before_test, test)

    def _prove_side(self, name: str, kept: Samples, lost: Samples, candidates: Samples, held: Samples) -> None:
        ends = _block_ends_by_loop(candidates, held) if self.embargo_bars else []
        leaked = self._forbidden(kept, held, ends)
        if leaked.any():
            worst = kept.take(np.flatnonzero(leaked)[:1])
            raise SplitError(
                f"fold {self.number}: {int(leaked.sum())} {name} samples meet held-out ones, the first reads bars "
                f"{worst.first[0]} to {worst.resolved[0]}; report this as a defect"
            )
        spare = ~self._forbidden(lost, held, ends)
        if spare.any():
            raise SplitError(
                f"fold {self.number}: {int(spare.sum())} {name} samples were dropped without need, the first decided "
                f"at bar {lost.decided[np.flatnonzero(spare)[0]]}; report this as a defect"
            )

    def _forbidden(self, subject: Samples, held: Samples, ends: list[int]) -> np.ndarray:
        """bool[N] by the definition: one of the sample's own bars is occupied, or it starts within an embargo.

        Two closed intervals meet if and only if they share a bar; two half-open ones if and only if they share the
        step from one bar to the next.
        """
        low, high = subject.first, subject.resolved + self.closed
        before = _occupied_before(held, closed=self.closed, bars=1 + int(high.max(initial=0)))
        bad = before[high] > before[low]
        for end in ends:
            after = (low > end, low <= end + self.embargo_bars)
            if not self.closed:
                after = (low >= end, low < end + self.embargo_bars)
            bad |= after[0] & after[1]
        return bad


def _occupied_before(held: Samples, *, closed: bool, bars: int) -> np.ndarray:
    """i64[T + 1]: how many of the first t bars (steps, if half-open) at least one held-out sample occupies."""
    length = max(bars, 2 + int(held.resolved.max(initial=0)))
    opened = np.bincount(held.decided, minlength=length) - np.bincount(held.resolved + closed, minlength=length)
    return np.concatenate(([0], np.cumsum(np.cumsum(opened) > 0)))


def _block_ends_by_loop(candidates: Samples, held: Samples) -> list[int]:
    """Ends of the held-out blocks by walking the bars one by one."""
    bars = 1 + int(max(held.decided.max(initial=0), candidates.decided.max(initial=0)))
    latest = np.full(bars, -1, dtype=np.int64)
    np.maximum.at(latest, held.decided, held.resolved)
    splits = np.bincount(candidates.decided, minlength=bars) > 0
    ends: list[int] = []
    fresh = True
    for end, split_here in zip(latest.tolist(), splits.tolist(), strict=True):
        if end < 0:
            fresh |= split_here
            continue
        ends = [*ends, end] if fresh else [*ends[:-1], max(ends[-1], end)]
        fresh = False
    return ends


def make_fold(
    samples: Samples,
    roles: tuple[np.ndarray, np.ndarray, np.ndarray],
    *,
    embargo_bars: int,
    closed: bool = True,
    number: int = 0,
    stretches: tuple[Stretch | None, tuple[Stretch, ...]] = (None, ()),
) -> Fold:
    """Purge one split: train against validation and test, validation against test.

    Args:
        samples: all samples.
        roles: three masks bool[N]: candidates for train, for validation, and test.
        embargo_bars: embargo after a held-out block.
        closed: closed or half-open intervals.
        number: position among the folds.
        stretches: bars that validation and each test block are traded on.
    """
    train, validation, test = (samples.take(role) for role in roles)
    held = samples.take(roles[1] | roles[2])
    first = purge(train, held, embargo_bars=embargo_bars, closed=closed)
    second = purge(validation, test, embargo_bars=embargo_bars, closed=closed)
    return Fold(
        train=train.index[first.keep],
        validation=validation.index[second.keep],
        test=test.index,
        purged=first.purged + second.purged,
        embargoed=first.embargoed + second.embargoed,
        dropped_train=train.index[~first.keep],
        dropped_validation=validation.index[~second.keep],
        embargo_bars=embargo_bars,
        closed=closed,
        number=number,
        validation_bars=stretches[0],
        test_bars=stretches[1],
    )
