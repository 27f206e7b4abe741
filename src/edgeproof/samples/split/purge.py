"""Exact purging: a training sample goes if and only if the bars it occupies meet those of a test sample.

A training sample occupies [first bar read by any feature or window, bar resolved]; a test sample occupies
[decision bar, bar resolved], for what lies before its decision is past and may be known to anyone. So on the left
only label overlap purges; on the right the training window must start after the last test label is resolved.

After López de Prado (2018), Advances in Financial Machine Learning, 7.4.1 (purge) and 7.4.2 (embargo), with the
intervals of windows added. The published snippets rely on equal label lengths; here any lengths are exact.
"""

# N samples

from dataclasses import dataclass

import numpy as np

from edgeproof.samples.interval import Samples

__all__ = ["Purged", "block_ends", "embargo", "meets", "purge"]


@dataclass(frozen=True)
class Purged:
    """What purging leaves.

    Attributes:
        keep: bool[N] of the training samples.
        purged: training samples that met a test sample.
        embargoed: further training samples that start within the embargo after a test block.
    """

    keep: np.ndarray
    purged: int
    embargoed: int


def purge(train: Samples, test: Samples, *, embargo_bars: int = 0, closed: bool = True) -> Purged:
    """Decide which training samples may stay beside these test samples.

    Args:
        train: candidates, anywhere in time.
        test: samples that will be scored, in any number of blocks.
        embargo_bars: bars after each test block in which no training window may start.
        closed: intervals share their end bars (the default, the cautious reading). False: labels are returns over
            (decided, resolved], so intervals that only touch do not meet.
    """
    met = meets(train, test, closed=closed)
    late = embargo(train, test, embargo_bars=embargo_bars, closed=closed) & ~met
    return Purged(keep=~(met | late), purged=int(met.sum()), embargoed=int(late.sum()))


def meets(train: Samples, test: Samples, *, closed: bool = True) -> np.ndarray:
    """bool[N]: the training sample's interval meets at least one test sample's interval.

    Of the test samples decided at or before a training sample's last bar, one meets it iff the latest of their
    resolutions is at or after its first bar; so a sort and a running maximum decide exactly, for any label lengths.
    """
    if len(test) == 0:
        return np.zeros(len(train), dtype=bool)
    order = np.argsort(test.decided, kind="stable")
    latest = np.maximum.accumulate(test.resolved[order])
    count = np.searchsorted(test.decided[order], train.resolved, side="right" if closed else "left")
    reached = latest[np.maximum(count - 1, 0)]
    return (count > 0) & ((reached >= train.first) if closed else (reached > train.first))


def embargo(train: Samples, test: Samples, *, embargo_bars: int, closed: bool = True) -> np.ndarray:
    """bool[N]: the training sample's first bar lies within `embargo_bars` after the end of a test block."""
    if embargo_bars <= 0 or len(test) == 0:
        return np.zeros(len(train), dtype=bool)
    ends = np.sort(block_ends(train, test))
    side = "left" if closed else "right"  # closed: end < first <= end + embargo; else end <= first < end + embargo
    upto = np.searchsorted(ends, train.first, side=side)
    return upto > np.searchsorted(ends, train.first - embargo_bars, side=side)


def block_ends(train: Samples, test: Samples) -> np.ndarray:
    """i64[K] bar at which the last label of each test block is resolved.

    A block is a run of test decision bars with no training sample decided between them. Its end is the maximum over
    the block, not the last row's: labels may be ragged.
    """
    order = np.argsort(test.decided, kind="stable")
    decided, resolved = test.decided[order], test.resolved[order]
    trains = np.sort(train.decided)
    between = np.searchsorted(trains, decided[1:], side="left") - np.searchsorted(trains, decided[:-1], side="right")
    starts = np.flatnonzero(np.r_[True, between > 0])
    return np.maximum.reduceat(resolved, starts)
