"""A fold is one split, and it proves itself by brute force over all pairs before anything is trained on it."""

# N samples

from dataclasses import dataclass, field

import numpy as np

from edgeproof.core.errors import SplitError
from edgeproof.samples.interval import Samples
from edgeproof.samples.split.purge import purge

__all__ = ["Fold", "make_fold"]

_PAIRS_AT_ONCE = 1_000_000  # their masks stay in the cache


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

    def prove(self, samples: Samples) -> None:
        """Compare every kept and every dropped sample with every held-out sample.

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
        ends = _block_ends_by_loop(candidates, held)
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

    def _forbidden(self, subject: Samples, held: Samples, ends: np.ndarray) -> np.ndarray:
        """bool[N] by comparing all pairs: the sample meets a held-out one or starts within an embargo."""
        low, high, back = _distinct(subject.first, subject.resolved)
        start, stop, _ = _distinct(held.decided, held.resolved)
        bad = np.zeros(len(low), dtype=bool)
        step = max(1, _PAIRS_AT_ONCE // max(1, len(start)))
        for a in range(0, len(low), step):
            lo, hi = low[a : a + step, None], high[a : a + step, None]
            if self.closed:
                bad[a : a + step] = ((lo <= stop) & (start <= hi)).any(axis=1)
            else:
                bad[a : a + step] = ((lo < stop) & (start < hi)).any(axis=1)
        for end in ends:
            after = (low > end, low <= end + self.embargo_bars)
            if not self.closed:
                after = (low >= end, low < end + self.embargo_bars)
            bad |= after[0] & after[1]
        return bad[back]


def _distinct(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct (low, high) pairs and the position of each sample among them."""
    code, back = np.unique((low << 32) | high, return_inverse=True)
    return (code >> 32).astype(np.int32), (code & 0xFFFFFFFF).astype(np.int32), back


def _block_ends_by_loop(candidates: Samples, held: Samples) -> np.ndarray:
    """Ends of the held-out blocks by walking the bars one by one."""
    resolved: dict[int, int] = {}
    bars, last, _ = _distinct(held.decided, held.resolved)
    for bar, end in zip(bars.tolist(), last.tolist(), strict=True):
        resolved[bar] = max(end, resolved.get(bar, end))
    split_at = set(np.flatnonzero(np.bincount(candidates.decided)).tolist())
    ends: list[int] = []
    fresh = True
    for bar in sorted(split_at | resolved.keys()):
        if bar in split_at and bar not in resolved:
            fresh = True
        if bar in resolved:
            ends = [*ends, resolved[bar]] if fresh else [*ends[:-1], max(ends[-1], resolved[bar])]
            fresh = False
    return np.asarray(ends, dtype=np.int64)


def make_fold(
    samples: Samples,
    roles: tuple[np.ndarray, np.ndarray, np.ndarray],
    *,
    embargo_bars: int,
    closed: bool = True,
    number: int = 0,
) -> Fold:
    """Purge one split: train against validation and test, validation against test.

    Args:
        samples: all samples.
        roles: three masks bool[N]: candidates for train, for validation, and test.
        embargo_bars: embargo after a held-out block.
        closed: closed or half-open intervals.
        number: position among the folds.
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
    )
