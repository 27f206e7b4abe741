"""Groups held out by two comparisons a group drop what `purge` drops, for labels and windows of any lengths."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from edgeproof.core.errors import SplitError
from edgeproof.samples.split.fold import make_fold
from edgeproof.samples.split.groups import cut_groups, grouped_fold
from edgeproof.samples.split.purge import purge
from tests.unit.samples.split.markets import hourly_samples, ragged_samples


def test_groups_by_hand():
    """11 decision bars in 3 groups: 4, 4 and 3 of them, whatever the symbols."""
    groups = cut_groups(hourly_samples(13, back=0), 3, embargo_bars=0, closed=True)
    decided = [sorted(set(groups.samples.decided[block.place].tolist())) for block in groups.blocks]
    assert decided == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10]]
    assert [groups.stretch(group, 13) for group in range(3)] == [(0, 4), (4, 8), (8, 13)]


def test_too_few_decision_bars_are_refused():
    with pytest.raises(SplitError, match="4 decision bars cannot be cut into 5 groups"):
        cut_groups(hourly_samples(10), 5, embargo_bars=0, closed=True)


@settings(max_examples=150)
@given(ragged_samples(), st.integers(2, 6), st.integers(0, 6), st.booleans(), st.data())
def test_every_choice_of_groups_is_what_purge_says(market, n_groups, embargo_bars, closed, data):
    samples = market[0]
    assume(len(np.unique(samples.decided)) >= n_groups)
    groups = cut_groups(samples, n_groups, embargo_bars=embargo_bars, closed=closed)
    tested = data.draw(st.lists(st.integers(0, n_groups - 1), min_size=1, max_size=n_groups - 1, unique=True))
    out = np.zeros(len(samples), dtype=bool)
    for group in tested:
        out[groups.blocks[group].place] = True
    train, test = groups.samples.take(~out), groups.samples.take(out)
    expected = purge(train, test, embargo_bars=embargo_bars, closed=closed)
    kept = groups.samples.index[groups.train(tested)]
    assert kept.tolist() == train.index[expected.keep].tolist()


@settings(max_examples=150)
@given(ragged_samples(), st.integers(2, 6), st.integers(0, 6), st.booleans(), st.data())
def test_a_fold_of_groups_is_what_make_fold_says_and_proves_itself(market, n_groups, embargo_bars, closed, data):
    samples, bars = market
    assume(len(np.unique(samples.decided)) >= n_groups)
    groups = cut_groups(samples, n_groups, embargo_bars=embargo_bars, closed=closed)
    tested = sorted(data.draw(st.sets(st.integers(0, n_groups - 1), min_size=1, max_size=n_groups - 1)))
    fold = grouped_fold(groups, tested, validation=data.draw(st.floats(0.01, 0.99)), bars=bars, number=3)
    fold.prove(samples)
    ordered = groups.samples
    test = np.isin(ordered.index, fold.test)
    validation = np.isin(ordered.index, np.concatenate((fold.validation, fold.dropped_validation)))
    roles = (~test & ~validation, validation, test)
    general = make_fold(ordered, roles, embargo_bars=embargo_bars, closed=closed, number=3)
    for name in ("train", "validation", "test", "dropped_train", "dropped_validation"):
        assert getattr(fold, name).tolist() == getattr(general, name).tolist(), name
    assert (fold.purged, fold.embargoed, fold.number) == (general.purged, general.embargoed, 3)


@settings(max_examples=60)
@given(ragged_samples(), st.integers(2, 6), st.data())
def test_validation_is_one_block_of_bars_that_no_test_interrupts(market, n_groups, data):
    samples, bars = market
    assume(len(np.unique(samples.decided)) >= n_groups)
    groups = cut_groups(samples, n_groups, embargo_bars=2, closed=True)
    tested = sorted(data.draw(st.sets(st.integers(0, n_groups - 1), min_size=1, max_size=n_groups - 1)))
    share = data.draw(st.floats(0.01, 0.99))
    fold = grouped_fold(groups, tested, validation=share, bars=bars, number=0)
    assert fold.validation_bars is not None
    start, stop = fold.validation_bars
    bar = dict(zip(samples.index.tolist(), samples.decided.tolist(), strict=True))
    held = {bar[i] for i in np.concatenate((fold.validation, fold.dropped_validation)).tolist()}
    assert held
    assert min(held) == start
    assert all(start <= t < stop for t in held)
    assert all(b <= start or stop <= a for a, b in fold.test_bars)
    assert not any(start <= bar[i] < stop for i in fold.train.tolist())
    side = held | {bar[i] for i in np.concatenate((fold.train, fold.dropped_train)).tolist()}
    kept = {bar[i] for i in fold.validation.tolist()}  # among them lie bars that the test purges, of ragged labels
    assert len(kept) <= max(1, round(share * len(side)))
