"""Walk-forward blocks follow one another in time, end with the open span, and are purged at both borders."""

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.core.clock import DAY_NS, HOUR_NS
from edgeproof.core.config import from_mapping
from edgeproof.core.errors import ConfigError, SplitError
from edgeproof.samples.interval import Samples
from edgeproof.samples.split import SPLITS
from edgeproof.samples.split.paths import assemble_paths
from edgeproof.samples.split.walk import WalkForwardConfig
from tests.unit.samples.split.markets import hourly_samples


def split(config: WalkForwardConfig, samples: Samples, bars: int):
    folds = config.split(samples, bars=bars, horizon_bars=1, window=1, reach_bars=4)
    for fold in folds:
        fold.prove(samples)
    return folds


def bars_of(index: np.ndarray, bars: int) -> list[int]:
    return sorted(set((index % bars).tolist()))


def test_rolling_by_hand():
    """103 bars, decided from 4 on, labels of 2 bars: two whole steps, the last ends with the span."""
    config = WalkForwardConfig(train=50, validation=10, test=20, step=20)
    first, last = split(config, hourly_samples(103), 103)
    assert bars_of(first.train, 103) == list(range(13, 51))  # labels of 51 and 52 meet validation
    assert bars_of(first.validation, 103) == list(range(53, 61))
    assert bars_of(first.test, 103) == list(range(63, 83))
    assert bars_of(last.train, 103) == list(range(33, 71))
    assert bars_of(last.validation, 103) == list(range(73, 81))
    assert bars_of(last.test, 103) == list(range(83, 101))  # what resolves by bar 102
    assert (first.validation_bars, first.test_bars) == ((53, 63), ((63, 83),))
    assert (last.validation_bars, last.test_bars) == ((73, 83), ((83, 103),))
    assert [fold.number for fold in (first, last)] == [0, 1]
    assert first.purged == 2 * 2 + 2 * 2


def test_expanding_starts_every_training_at_the_first_decision():
    config = WalkForwardConfig(window="expanding", train=50, validation=10, test=20, step=20)
    first, last = split(config, hourly_samples(103), 103)
    assert bars_of(first.train, 103) == list(range(4, 51))
    assert bars_of(last.train, 103) == list(range(4, 71))


def test_the_paths_are_one_track_over_all_test_blocks():
    config = WalkForwardConfig(train=50, validation=10, test=20, step=20)
    (path,) = assemble_paths(split(config, hourly_samples(143), 143))
    assert [(piece.fold, piece.bars) for piece in path] == [
        (0, (63, 83)),
        (1, (83, 103)),
        (2, (103, 123)),
        (3, (123, 143)),
    ]


def test_default_months_on_hourly_bars():
    """A month is 30.4375 days, 730.5 hours: 12 months of training, the last two of them validation, 2 of test."""
    bars = 13_000
    folds = split(WalkForwardConfig(), hourly_samples(bars, symbols=1), bars)
    assert [fold.test_bars[0] for fold in folds] == [(bars - 2922, bars - 1461), (bars - 1461, bars)]
    for fold in folds:
        start, stop = fold.test_bars[0]
        assert stop - start == 1461
        assert fold.validation_bars == (start - 1461, start)
        assert bars_of(fold.train, bars)[0] == start - 8766


def test_times_are_read_on_the_clock_not_counted_in_bars():
    """Sessions of 5 days a week: 14 days of test are 10 bars."""
    days = np.flatnonzero(np.arange(200) % 7 < 5)
    decided = np.arange(len(days) - 2)
    samples = Samples(decided, decided, decided, decided + 2, days * DAY_NS)
    config = WalkForwardConfig(train="10w", validation="2w", test="14d", step="14d")
    folds = config.split(samples, bars=len(days), horizon_bars=1, window=1, reach_bars=0)
    assert len(folds) == (200 - 70) // 14
    for fold in folds:
        start, stop = fold.test_bars[0]
        assert stop - start == 10
        assert days[stop - 1] - days[start] < 14 <= days[stop - 1] - days[start - 1]


def test_the_first_block_waits_for_the_first_decision():
    """Bars that no sample can be decided on are no training: 4 bars more are needed than the blocks have."""
    config = WalkForwardConfig(train=50, validation=10, test=20, step=20)
    assert len(split(config, hourly_samples(74), 74)) == 1
    with pytest.raises(SplitError, match="73 open bars leave no fold"):
        split(config, hourly_samples(73), 73)


@pytest.mark.parametrize("bars", [100, 2004, 2999])
def test_a_refusal_names_keys_that_fit(bars):
    """The keys that it names are tried as they stand."""
    config, samples = WalkForwardConfig(train=9000, validation=1000, test=2000, step=2000), hourly_samples(bars)
    with pytest.raises(SplitError, match=r"leave no fold.*such as split") as refused:
        split(config, samples, bars)
    named = dict(re.findall(r"split\.(\w+)=(\d+)", str(refused.value)))
    assert list(named) == ["train", "test", "step", "validation"]
    assert split(WalkForwardConfig.model_validate({key: int(value) for key, value in named.items()}), samples, bars)
    if bars == 2004:
        assert named == {"train": "1000", "test": "500", "step": "500", "validation": "300"}


@pytest.mark.parametrize("every", [1, 6])
def test_a_refusal_names_bars_that_are_enough(every):
    config = WalkForwardConfig(train="30d", validation="5d", test="5d", step="5d")
    shape = {"horizon_bars": 1, "window": 24, "reach_bars": 300}
    with pytest.raises(SplitError) as refusal:
        config.split(hourly_samples(500, back=323, every=every), bars=500, **shape)
    needed = int(str(refusal.value).split(" open bars are enough")[0].split()[-1])
    assert config.split(hourly_samples(needed, back=323, every=every), bars=needed, **shape)
    with pytest.raises(SplitError):
        config.split(hourly_samples(needed - 1, back=323, every=every), bars=needed - 1, **shape)
    assert needed == 323 + 35 * 24


def test_blocks_that_no_market_can_fill_are_refused():
    config = WalkForwardConfig(train=10, validation=2, test=4, step=4)
    with pytest.raises(SplitError, match="no number of bars is enough"):
        config.split(hourly_samples(100, ahead=13), bars=100, horizon_bars=12, window=1, reach_bars=4)


def test_times_without_a_clock_are_refused():
    samples = hourly_samples(100)
    bare = Samples(samples.index, samples.first, samples.decided, samples.resolved)
    with pytest.raises(SplitError, match="test 2mo is a time, but these samples have no clock"):
        split(WalkForwardConfig(), bare, 100)


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ({"train": "2mo", "validation": "2mo"}, "validation 2mo does not fit train 2mo"),
        ({"test": "3mo"}, "test 3mo does not fit step 2mo: test blocks may not overlap"),
        ({"train": "twelve"}, "as in 12mo"),
        ({"test": 0}, "test"),
    ],
)
def test_lengths_that_make_no_sense_are_refused(keys, text):
    with pytest.raises(ConfigError, match=text):
        from_mapping(SPLITS["walk_forward"], keys)


def test_lengths_of_two_kinds_are_compared_on_the_clock():
    config = WalkForwardConfig(train=50, validation=10, test=20, step="10h")
    with pytest.raises(SplitError, match="step 10h is shorter than test 20"):
        split(config, hourly_samples(103), 103)
    with pytest.raises(SplitError, match="validation be shorter than train"):
        split(WalkForwardConfig(train=50, validation="3d", test=20, step=20), hourly_samples(203), 203)


@settings(max_examples=60)
@given(
    st.integers(94, 200),
    st.integers(4, 40),
    st.integers(4, 20),
    st.integers(4, 30),
    st.integers(0, 10),
    st.sampled_from(["rolling", "expanding"]),
)
def test_nothing_after_a_fold_moves_it(bars, train, validation, test, more, window):
    """More bars behind the span: blocks counted from the old end are the same samples."""
    config = WalkForwardConfig(window=window, train=train + validation, validation=validation, test=test, step=test)
    samples = hourly_samples(bars)
    folds = config.split(samples, bars=bars, horizon_bars=1, window=1, reach_bars=4)
    longer = hourly_samples(bars + more * test)
    later = config.split(longer, bars=bars + more * test, horizon_bars=1, window=1, reach_bars=4)
    for old, new in zip(folds[:-1], later[: len(folds) - 1], strict=True):
        for name in ("train", "validation", "test"):
            assert bars_of(getattr(old, name), bars) == bars_of(getattr(new, name), bars + more * test)
    ends = [fold.test_bars[0] for fold in folds]
    assert ends[-1][1] == bars
    assert all(a[1] == b[0] for a, b in pairwise(ends))


def test_an_hour_is_an_hour():
    samples = hourly_samples(203)
    assert samples.clock is not None
    assert (np.diff(samples.clock) == HOUR_NS).all()
    by_time = split(WalkForwardConfig(train="50h", validation="10h", test="20h", step="1d"), samples, 203)
    by_bars = split(WalkForwardConfig(train=50, validation=10, test=20, step=24), samples, 203)
    assert [fold.train.tolist() for fold in by_time] == [fold.train.tolist() for fold in by_bars]
