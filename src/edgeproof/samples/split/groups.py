"""Consecutive groups of decision bars, each with the mask of samples that must leave when it is held out.

A group G holds every sample decided in [start, last]; e is the latest bar that resolves a label of G. A sample decided
outside G then meets a sample of G if and only if `resolved >= start` and `first <= e`: decided before, it covers the
bar `start`; decided after, it reaches back to `e`. Adding the embargo, it must leave if and only if

    resolved >= start  and  first <= e + embargo          (closed; half-open: > and <)

and a split that holds out several groups drops the union. That is what `purge` says of the same samples (López de
Prado 2018, 7.4.1 and 7.4.2, with windows), at two comparisons a group for all of its splits: see the proof in
docs/theory/purging.md and the property test.
"""

# N samples, G groups

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from edgeproof.core.errors import SplitError
from edgeproof.samples.interval import Samples
from edgeproof.samples.split.fold import Fold, Stretch

__all__ = ["Block", "Groups", "cut_groups", "grouped_fold"]


@dataclass(frozen=True)
class Block:
    """Consecutive samples that are held out together.

    Attributes:
        begin, end: positions [begin, end) among the sorted samples.
        start: first decision bar.
        last_resolved: latest bar that resolves one of its labels.
        leave: bool[N] the samples that may not be trained on beside it, its own included.
    """

    begin: int
    end: int
    start: int
    last_resolved: int
    leave: np.ndarray

    @property
    def place(self) -> slice:
        """Its positions."""
        return slice(self.begin, self.end)


@dataclass(frozen=True)
class Groups:
    """Samples cut into G groups of about equally many decision bars.

    Attributes:
        samples: sorted by decision bar.
        firsts: i64[D + 1] position of the first sample of each decision bar, and N.
        edges: i64[G + 1] first decision bar of each group among the D, and D.
        blocks: the groups.
        embargo_bars, closed: what they were purged by.
    """

    samples: Samples
    firsts: np.ndarray
    edges: np.ndarray
    blocks: tuple[Block, ...]
    embargo_bars: int
    closed: bool

    def hold_out(self, begin: int, end: int) -> Block:
        """A block of the decision bars [begin, end) among the D."""
        return _hold_out(self.samples, (int(self.firsts[begin]), int(self.firsts[end])), self.embargo_bars, self.closed)

    def train(self, tested: Sequence[int]) -> np.ndarray:
        """bool[N]: what may be trained on when these groups are tested."""
        return ~_union([self.blocks[group] for group in tested])

    def stretch(self, group: int, bars: int) -> Stretch:
        """Bars from a group's first decision to that of the next group, or to the end."""
        last = group == len(self.blocks) - 1
        return self.blocks[group].start, bars if last else self.blocks[group + 1].start


def cut_groups(samples: Samples, n_groups: int, *, embargo_bars: int, closed: bool) -> Groups:
    """Cut samples by time, over all symbols at once; the first groups are one decision bar longer where it must be.

    Args:
        samples: any samples.
        n_groups: G.
        embargo_bars: bars after a group in which no training window may start.
        closed: closed or half-open intervals.

    Raises:
        SplitError: fewer decision bars than groups.
    """
    samples = samples.sorted()
    fresh = np.flatnonzero(samples.decided[1:] != samples.decided[:-1]) + 1
    firsts = np.concatenate(([0], fresh, [len(samples)])) if len(samples) else np.zeros(1, dtype=np.int64)
    bars = len(firsts) - 1
    if bars < n_groups:
        raise SplitError(f"{bars} decision bars cannot be cut into {n_groups} groups; bring more bars or ask for fewer")
    sizes = np.full(n_groups, bars // n_groups)
    sizes[: bars % n_groups] += 1
    edges = np.concatenate(([0], np.cumsum(sizes)))
    ends = firsts[edges].tolist()
    blocks = tuple(_hold_out(samples, (begin, end), embargo_bars, closed) for begin, end in pairwise(ends))
    return Groups(samples, firsts, edges, blocks, embargo_bars, closed)


def grouped_fold(groups: Groups, tested: Sequence[int], *, validation: float, bars: int, number: int) -> Fold:
    """One split that tests some groups; late bars of its training side, purged on both sides, are its validation.

    Args:
        groups: all groups.
        tested: which are tested.
        validation: share of the decision bars that the tested groups leave for training. Validation is the end of the
            last stretch between tested groups that has so many of them, else of the stretch that has the most.
        bars: end of the clock, where the last group's trading ends.
        number: position among the folds.
    """
    samples, tests = groups.samples, [groups.blocks[group] for group in tested]
    out = _union(tests)
    held = groups.hold_out(*_validation(groups, tested, out, validation))
    train = ~(out | held.leave)
    lost = ~train
    for block in (*tests, held):
        lost[block.place] = False
    kept, lost_train = np.flatnonzero(train), np.flatnonzero(lost)
    inside = np.arange(held.begin, held.end)
    stays = ~out[held.place]
    lost_validation = inside[~stays]
    met = int(_meets(samples.take(lost_train), [*tests, held], groups.closed).sum())
    met += int(_meets(samples.take(lost_validation), tests, groups.closed).sum())
    index = samples.index
    return Fold(
        train=index[kept],
        validation=index[inside[stays]],
        test=np.concatenate([index[block.place] for block in tests]),
        purged=met,
        embargoed=len(lost_train) + len(lost_validation) - met,
        dropped_train=index[lost_train],
        dropped_validation=index[lost_validation],
        embargo_bars=groups.embargo_bars,
        closed=groups.closed,
        number=number,
        validation_bars=_stretch(groups, held, tested, bars),
        test_bars=tuple(groups.stretch(group, bars) for group in tested),
    )


def _validation(groups: Groups, tested: Sequence[int], out: np.ndarray, share: float) -> tuple[int, int]:
    """Decision bars [begin, end) of the validation block."""
    left = np.flatnonzero(np.logical_or.reduceat(~out, groups.firsts[:-1]))
    wanted = max(1, round(share * len(left)))
    borders = [-1, *sorted(tested), len(groups.blocks)]
    chosen = left[:0]
    for before, after in pairwise(borders):
        inside = (left >= groups.edges[before + 1]) & (left < groups.edges[after])
        if inside.sum() >= min(wanted, max(1, len(chosen))):
            chosen = left[inside]
    if not len(chosen):  # nothing can be trained on: an empty fold, which is refused
        last = max(group for group in range(len(groups.blocks)) if group not in tested)
        return int(groups.edges[last + 1]) - 1, int(groups.edges[last + 1])
    return int(chosen[-wanted:][0]), int(chosen[-1]) + 1


def _stretch(groups: Groups, held: Block, tested: Sequence[int], bars: int) -> Stretch:
    """Bars that validation is traded on: from its first decision to the next group's, or to the end."""
    after = [groups.blocks[group].start for group in tested if groups.blocks[group].start > held.start]
    return held.start, min(after, default=bars)


def _hold_out(samples: Samples, place: tuple[int, int], embargo_bars: int, closed: bool) -> Block:
    begin, end = place
    start, last = int(samples.decided[begin]), int(samples.resolved[begin:end].max())
    if closed:
        leave = samples.resolved >= start
        leave &= samples.first <= last + embargo_bars
    else:
        leave = samples.resolved > start
        leave &= samples.first < last + embargo_bars
    leave[begin:end] = True
    return Block(begin, end, start, last, leave)


def _union(blocks: Sequence[Block]) -> np.ndarray:
    mask = blocks[0].leave.copy()
    for block in blocks[1:]:
        mask |= block.leave
    return mask


def _meets(lost: Samples, blocks: Sequence[Block], closed: bool) -> np.ndarray:
    """bool[n]: which of the dropped samples meet a block, and are not only embargoed."""
    met = np.zeros(len(lost), dtype=bool)
    for block in blocks:
        if closed:
            met |= (lost.resolved >= block.start) & (lost.first <= block.last_resolved)
        else:
            met |= (lost.resolved > block.start) & (lost.first < block.last_resolved)
    return met
