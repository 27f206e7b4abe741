"""Every registered split: cut by time over all symbols, exactly purged, blind to the sealed span, deterministic."""

import numpy as np
import pytest

from edgeproof.core.catalog import whole
from edgeproof.core.errors import SplitError
from edgeproof.samples.interval import Samples
from edgeproof.samples.split import SPLITS

EVERY = whole(SPLITS, "splits")
BARS, OPEN = 18_000, 14_400
SHAPE = {"horizon_bars": 12, "window": 24, "reach_bars": 300}


def market(seed: int = 0) -> Samples:
    """Two symbols, decisions every six hours with holes, labels of 2 to 13 bars, 323 bars read back."""
    random = np.random.default_rng(seed)
    t, s = np.meshgrid(np.arange(323, BARS - 13, 6), np.arange(2), indexing="ij")
    there = random.random(t.size) < 0.9
    decided = t.ravel()[there]
    clock = np.arange(1, BARS + 1, dtype=np.int64) * 3_600_000_000_000
    resolved = decided + random.integers(2, 14, decided.size)
    return Samples((s * BARS + t).ravel()[there], decided - 323, decided, resolved, clock)


SAMPLES = market()


@pytest.mark.parametrize("name", EVERY)
def test_folds_are_purged_whole_and_numbered(name: str):
    config = EVERY[name]()
    assert config.name == name  # pyright: ignore[reportAttributeAccessIssue]
    folds = config.split(SAMPLES, bars=OPEN, **SHAPE)  # pyright: ignore[reportAttributeAccessIssue]
    assert [fold.number for fold in folds] == list(range(len(folds)))
    for fold in folds:
        fold.prove(SAMPLES)
        assert len(fold.train)
        assert len(fold.validation)
        for part in (fold.train, fold.validation, fold.test):
            bars = part % BARS
            assert (np.diff(bars) >= 0).all()
            assert bars.max(initial=0) < OPEN


@pytest.mark.parametrize("name", EVERY)
def test_parts_are_cut_by_time_over_all_symbols(name: str):
    for fold in EVERY[name]().split(SAMPLES, bars=OPEN, **SHAPE):  # pyright: ignore[reportAttributeAccessIssue]
        train = np.concatenate((fold.train, fold.dropped_train)) % BARS
        validation = np.concatenate((fold.validation, fold.dropped_validation)) % BARS
        test = fold.test % BARS
        for a, b in ((train, validation), (train, test), (validation, test)):
            assert not set(a.tolist()) & set(b.tolist())
        assert not set(train.tolist()) & set(range(int(validation.min()), int(validation.max())))
        for start, stop in fold.test_bars:
            assert not any(start <= bar < stop for bar in (*train.tolist(), *validation.tolist()))
        if fold.test_bars:
            assert all(any(start <= bar < stop for start, stop in fold.test_bars) for bar in test.tolist())


@pytest.mark.parametrize("name", EVERY)
def test_the_sealed_span_moves_nothing(name: str):
    """Other samples behind the open bars, and none at all there: the same folds."""
    late = SAMPLES.decided >= OPEN
    resolved = SAMPLES.resolved.copy()
    resolved[late] += np.random.default_rng(3).integers(0, 50, int(late.sum()))
    moved = Samples(SAMPLES.index, SAMPLES.first, SAMPLES.decided, resolved, SAMPLES.clock)
    config = EVERY[name]()
    was = config.split(SAMPLES, bars=OPEN, **SHAPE)  # pyright: ignore[reportAttributeAccessIssue]
    for changed in (moved, SAMPLES.take(SAMPLES.resolved < OPEN)):
        now = config.split(changed, bars=OPEN, **SHAPE)  # pyright: ignore[reportAttributeAccessIssue]
        for old, new in zip(was, now, strict=True):
            for part in ("train", "validation", "test", "dropped_train", "dropped_validation"):
                np.testing.assert_array_equal(getattr(old, part), getattr(new, part))
            assert (old.validation_bars, old.test_bars) == (new.validation_bars, new.test_bars)


@pytest.mark.parametrize("name", EVERY)
def test_a_span_too_short_is_refused_with_its_split_and_the_bars_needed(name: str):
    with pytest.raises(SplitError, match=rf"(?s)split {name}: 340 open bars .* \d+ open bars are (needed|enough)"):
        EVERY[name]().split(SAMPLES, bars=340, **SHAPE)  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("name", EVERY)
def test_as_a_splitter_it_drops_exactly_what_meets_the_test(name: str):
    """By the definition, pair by pair on every bar: no train row shares a bar with a test row, and none is missing."""
    config = EVERY[name](embargo_bars=0) if "embargo_bars" in EVERY[name].model_fields else EVERY[name]()
    pairs = list(config.train_test(SAMPLES, bars=OPEN, horizon_bars=12))  # pyright: ignore[reportAttributeAccessIssue]
    for train, test in pairs:
        held = SAMPLES.among(test)
        taken = np.zeros(BARS + 1, dtype=bool)
        for bar, end in zip(held.decided.tolist(), held.resolved.tolist(), strict=True):
            taken[bar : end + 1] = True
        before = np.concatenate(([0], np.cumsum(taken)))
        met = before[SAMPLES.resolved + 1] > before[SAMPLES.first]
        assert not (met & np.isin(SAMPLES.index, train)).any()
        lost = ~met & ~np.isin(SAMPLES.index, np.concatenate((train, test))) & (SAMPLES.resolved < OPEN)
        if name != "walk_forward":  # which leaves out what lies before and after its blocks
            assert not lost.any()
