"""A fold proves itself: a kept sample that leaks and a sample dropped without need are both found."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from edgeproof.core.errors import SplitError
from edgeproof.samples.interval import Samples
from edgeproof.samples.split.fold import Fold, make_fold
from tests.unit.samples.split.markets import ragged_samples


def hourly(bars: int = 60, symbols: int = 2, back: int = 4, ahead: int = 2) -> Samples:
    """Samples of every bar and symbol, sorted by (t, s)."""
    t, s = np.meshgrid(np.arange(back, bars - ahead), np.arange(symbols), indexing="ij")
    decided = t.ravel()
    return Samples((s * bars + t).ravel(), decided - back, decided, decided + ahead)


def three_parts(samples: Samples, first: int, second: int):
    bar = samples.decided
    return bar < first, (bar >= first) & (bar < second), bar >= second


def test_three_parts_by_hand():
    """Decided at 4..57, labels of 2 bars: training keeps 4..27, validation 30..42, test all from 45."""
    samples = hourly()
    fold = make_fold(samples, three_parts(samples, 30, 45), embargo_bars=5)
    fold.prove(samples)
    bars = {name: sorted(set((getattr(fold, name) % 60).tolist())) for name in ("train", "validation", "test")}
    assert bars["train"] == list(range(4, 28))
    assert bars["validation"] == list(range(30, 43))
    assert bars["test"] == list(range(45, 58))
    assert (fold.purged, fold.embargoed) == (8, 0)


def test_a_middle_block_leaves_training_on_both_sides():
    samples = hourly()
    none = np.zeros(len(samples), dtype=bool)
    held = (samples.decided >= 20) & (samples.decided < 30)
    fold = make_fold(samples, (~held, held, none), embargo_bars=3)
    fold.prove(samples)
    assert sorted(set((fold.train % 60).tolist())) == [*range(4, 18), *range(39, 58)]
    assert fold.embargoed == 2 * 3


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("name", ["train", "validation"])
def test_a_leak_is_found(name, closed):
    samples = hourly()
    fold = make_fold(samples, three_parts(samples, 30, 45), embargo_bars=0, closed=closed)
    dropped = getattr(fold, f"dropped_{name}")
    kept = np.concatenate((getattr(fold, name), dropped[:1]))
    leaky = replace(fold, **{name: kept, f"dropped_{name}": dropped[1:]})
    with pytest.raises(SplitError, match="samples meet held-out ones"):
        leaky.prove(samples)


@pytest.mark.parametrize("name", ["train", "validation"])
def test_a_drop_without_need_is_found(name):
    samples = hourly()
    fold = make_fold(samples, three_parts(samples, 30, 45), embargo_bars=0)
    kept = getattr(fold, name)
    wasteful = replace(fold, **{name: kept[1:], f"dropped_{name}": kept[:1]})
    with pytest.raises(SplitError, match="dropped without need"):
        wasteful.prove(samples)


def test_a_sample_in_two_parts_is_found():
    samples = hourly()
    fold = make_fold(samples, three_parts(samples, 30, 45), embargo_bars=0)
    with pytest.raises(SplitError, match="in two parts"):
        replace(fold, test=np.concatenate((fold.test, fold.train[:1]))).prove(samples)


def by_pairs(subject: Samples, held: Samples, ends: list[int], embargo_bars: int, closed: bool) -> list[bool]:
    """Forbidden or not, every sample against every held-out one."""
    answers = []
    for a, b in zip(subject.first.tolist(), subject.resolved.tolist(), strict=True):
        pairs = list(zip(held.decided.tolist(), held.resolved.tolist(), strict=True))
        met = any(a <= d and c <= b if closed else a < d and c < b for c, d in pairs)
        late = any(0 < a - e <= embargo_bars if closed else 0 <= a - e < embargo_bars for e in ends)
        answers.append(met or late)
    return answers


@settings(max_examples=150)
@given(ragged_samples(), st.integers(0, 59), st.integers(1, 20), st.integers(0, 5), st.booleans())
def test_the_proof_refuses_what_comparing_all_pairs_refuses(market, start, length, embargo_bars, closed):
    """One block is held out, and one sample of the rest is kept or dropped at random."""
    samples = market[0]
    block = (samples.decided >= start) & (samples.decided < start + length)
    rest, held = samples.take(~block), samples.take(block)
    assume(len(rest))
    ends = [int(held.resolved.max())] if len(held) else []
    forbidden = np.array(by_pairs(rest, held, ends, embargo_bars, closed), dtype=bool)
    nothing = np.zeros(0, dtype=np.int64)
    right = Fold(rest.index[~forbidden], held.index, nothing, dropped_train=rest.index[forbidden])
    right = replace(right, embargo_bars=embargo_bars, closed=closed)
    right.prove(samples)
    one = rest.index[:1]
    kept = not forbidden[0]
    moved = (right.train[1:], np.concatenate((right.dropped_train, one)))
    if not kept:
        moved = (np.concatenate((right.train, one)), right.dropped_train[1:])
    with pytest.raises(SplitError, match="dropped without need" if kept else "meet held-out ones"):
        replace(right, train=moved[0], dropped_train=moved[1]).prove(samples)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_every_purged_split_of_ragged_labels_proves_itself(data):
    bars, symbols = data.draw(st.integers(6, 50)), data.draw(st.integers(1, 3))
    t, s = np.meshgrid(np.arange(bars), np.arange(symbols), indexing="ij")
    decided = t.ravel()
    draw = np.random.default_rng(data.draw(st.integers(0, 1000)))
    first = np.maximum(0, decided - draw.integers(0, 9, decided.size))
    samples = Samples((s * bars + t).ravel(), first, decided, decided + draw.integers(1, 9, decided.size))
    blocks = draw.integers(0, 3, size=7)[np.minimum(decided * 7 // bars, 6)]
    roles = (blocks == 0, blocks == 1, blocks == 2)
    closed = data.draw(st.booleans())
    make_fold(samples, roles, embargo_bars=data.draw(st.integers(0, 4)), closed=closed).prove(samples)
