"""Purging drops exactly the training samples whose bars meet a test sample's, for any label lengths."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.samples.interval import Samples
from edgeproof.samples.split.purge import block_ends, purge
from tests.unit.samples.split.cases import CASES, numbers


def samples_of(first, decided, resolved) -> Samples:
    first, decided, resolved = (np.asarray(values, dtype=np.int64) for values in (first, decided, resolved))
    return Samples(np.arange(len(first)), first, decided, resolved)


def labels_only(resolved) -> Samples:
    """Samples without a look back: each reads from its own decision bar on, as in the books."""
    bars = np.arange(len(resolved))
    return samples_of(bars, bars, resolved)


def kept(samples: Samples, test: list[int], **options) -> list[int]:
    train = samples.take(~np.isin(samples.index, test))
    return train.index[purge(train, samples.take(np.asarray(test)), **options).keep].tolist()


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
@pytest.mark.parametrize("closed", [True, False])
def test_reference_values_of_combinatorial_splits(case, closed):
    samples = labels_only(case.resolved)
    for test, train_closed, train_half_open in case.splits:
        expected = numbers(train_closed if closed else train_half_open)
        assert kept(samples, numbers(test), embargo_bars=case.embargo, closed=closed) == expected


def test_left_purge_looks_at_label_ends():
    """30 rows, 3-bar labels, test 10..19: a published splitter keeps 7, 8, 9, whose labels end inside the test."""
    samples = labels_only(np.arange(30) + 3)
    assert kept(samples, list(range(10, 20))) == [*range(7), *range(23, 30)]


def test_block_end_is_the_maximum_over_ragged_labels():
    """The label of row 5 outlives those of 6 and 7: what follows is purged up to its end."""
    resolved = [1, 2, 3, 4, 5, 11, 7, 8, 9, 10, 11, 12, 13, 14]
    assert kept(labels_only(resolved), [5, 6, 7]) == [0, 1, 2, 3, 12, 13]


def test_rows_after_the_last_test_block_are_purged_though_the_embargo_reaches_past_the_end():
    """Rows 0-4 and 10-14 are tested, n = 20: with embargo 6 nothing is left after 14, where one package keeps 15-19."""
    samples = labels_only(np.arange(20) + 1)
    assert kept(samples, [*range(5), *range(10, 15)], embargo_bars=6) == []
    assert kept(samples, [*range(5), *range(10, 15)], embargo_bars=2) == [8, 18, 19]


def test_windows_purge_on_the_right_only():
    """A test sample's window may read training bars; a training sample's window may not read tested ones."""
    decided = np.arange(40)
    samples = samples_of(np.maximum(0, decided - 5), decided, decided + 2)  # window of 6 bars, labels of 2
    assert kept(samples, list(range(15, 20))) == [*range(13), *range(27, 40)]


def test_embargo_comes_after_a_block_only():
    samples = labels_only(np.arange(30))
    assert kept(samples, list(range(10, 20)), embargo_bars=3) == [*range(10), *range(23, 30)]


def test_a_sample_in_a_hole_between_test_intervals_is_not_purged_without_need():
    """Decisions at bars 0, 6, 12 with labels of 2 bars leave bars 3-5 untouched."""
    train = samples_of([3, 3, 9], [4, 4, 10], [5, 6, 11])
    test = samples_of([0, 6, 12], [0, 6, 12], [2, 8, 14])
    assert purge(train, test).keep.tolist() == [True, False, True]


def test_counts_tell_purge_from_embargo():
    samples = labels_only(np.arange(10) + 1)
    train = samples.take(~np.isin(samples.index, [4, 5]))
    done = purge(train, samples.take(np.array([4, 5])), embargo_bars=2)
    assert (done.purged, done.embargoed) == (2, 2)  # 3 and 6 meet; 7 and 8 start too early
    assert train.index[done.keep].tolist() == [0, 1, 2, 9]


def test_without_test_samples_nothing_is_dropped():
    samples = labels_only(np.arange(5) + 1)
    assert purge(samples, samples.take(np.zeros(0, dtype=int)), embargo_bars=5).keep.all()


def test_block_ends():
    train = labels_only([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]).take(np.array([0, 4, 5]))
    test = samples_of([1, 2, 3, 7, 8], [1, 2, 3, 7, 8], [2, 9, 4, 8, 9])
    assert block_ends(train, test).tolist() == [9, 9]


@st.composite
def splits(draw):
    """Samples of several symbols with ragged look back and labels, and a split by time into blocks."""
    bars, symbols = draw(st.integers(1, 40)), draw(st.integers(1, 3))
    every = draw(st.sampled_from([1, 1, 3, 6]))
    decided = np.repeat(np.arange(0, bars, every), symbols)
    count = len(decided)
    back = draw(st.lists(st.integers(0, 8), min_size=count, max_size=count))
    ahead = draw(st.lists(st.integers(1, 8), min_size=count, max_size=count))  # a label resolves after its decision
    cuts = sorted(draw(st.lists(st.integers(0, bars), max_size=5)))
    tested = np.searchsorted(cuts, decided, side="right") % 2 == draw(st.integers(0, 1))
    samples = samples_of(
        np.maximum(0, decided - np.array(back, dtype=int)), decided, decided + np.array(ahead, dtype=int)
    )
    return samples.take(~tested), samples.take(tested), draw(st.integers(0, 6)), draw(st.booleans())


def by_loops(train: Samples, test: Samples, embargo_bars: int, closed: bool) -> list[bool]:
    """Every training sample against every test sample, bar by bar."""
    trained = set(train.decided.tolist())
    blocks: list[list[int]] = []
    rows = sorted(zip(test.decided.tolist(), test.resolved.tolist(), strict=True))
    for number, (bar, end) in enumerate(rows):
        if number == 0 or trained & set(range(rows[number - 1][0] + 1, bar)):
            blocks.append([])
        blocks[-1].append(end)
    keep = []
    for first, last in zip(train.first.tolist(), train.resolved.tolist(), strict=True):
        # a closed interval is its bars, a half-open one the steps between them
        own = set(range(first, last + 1)) if closed else set(range(first, last))
        met = any(own & set(range(a, b + 1 if closed else b)) for a, b in rows)
        gap = [first - max(block) for block in blocks]
        late = any(0 < g <= embargo_bars if closed else 0 <= g < embargo_bars for g in gap)
        keep.append(not (met or late))
    return keep


@settings(deadline=None, max_examples=300)
@given(splits())
def test_purge_is_what_plain_loops_say(split):
    train, test, embargo_bars, closed = split
    done = purge(train, test, embargo_bars=embargo_bars, closed=closed)
    assert done.keep.tolist() == by_loops(train, test, embargo_bars, closed)
    assert done.purged + done.embargoed == int((~done.keep).sum())


@settings(deadline=None)
@given(splits(), st.integers(0, 5))
def test_longer_labels_and_larger_embargo_never_add_samples(split, more):
    train, test, embargo_bars, closed = split
    before = purge(train, test, embargo_bars=embargo_bars, closed=closed).keep
    longer = Samples(train.index, train.first, train.decided, train.resolved + more)
    assert not (purge(longer, test, embargo_bars=0, closed=closed).keep & ~purge(train, test, closed=closed).keep).any()
    assert not (purge(train, test, embargo_bars=embargo_bars + more, closed=closed).keep & ~before).any()
