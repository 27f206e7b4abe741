"""The hold-out split cuts the open span by time over all symbols, and says what a span too short would need."""

import re

import numpy as np
import pytest

from edgeproof.core.config import from_mapping
from edgeproof.core.errors import ConfigError, SplitError
from edgeproof.samples.interval import Samples
from edgeproof.samples.split import SPLITS
from edgeproof.samples.split.holdout import HoldoutConfig


def span(bars: int, *, symbols: int = 2, reach: int = 10, window: int = 4, horizon: int = 1) -> Samples:
    """All samples of an open span: features ready from `reach` on, label resolved horizon + 1 bars later."""
    t, s = np.meshgrid(np.arange(reach + window - 1, max(0, bars - horizon - 1)), np.arange(symbols), indexing="ij")
    decided = t.ravel()
    return Samples((s * bars + t).ravel(), decided - window + 1 - reach, decided, decided + horizon + 1)


def split(config: HoldoutConfig, bars: int, **shape):
    shape = {"reach": 10, "window": 4, "horizon": 1} | shape
    return config.split(
        span(bars, **shape),
        bars=bars,
        horizon_bars=shape["horizon"],
        window=shape["window"],
        reach_bars=shape["reach"],
    )


def test_three_quarters_of_the_open_bars_train():
    """80 open bars: the cut is at bar 60; labels resolve 2 bars later, so decisions 58 and 59 go."""
    (fold,) = split(HoldoutConfig(), 80)
    assert sorted(set((fold.train % 80).tolist())) == list(range(13, 58))
    assert sorted(set((fold.validation % 80).tolist())) == list(range(60, 78))
    assert len(fold.test) == 0
    assert fold.purged == 2 * 2
    fold.prove(span(80))


def test_samples_that_resolve_after_the_open_bars_are_left_out():
    samples = span(100)
    (fold,) = HoldoutConfig().split(samples, bars=80, horizon_bars=1, window=4, reach_bars=10)
    assert (fold.validation % 100).max() == 77


@pytest.mark.parametrize("shape", [{}, {"window": 24, "reach": 300}, {"horizon": 12}, {"reach": 0, "window": 1}])
def test_refusal_names_the_bars_that_are_enough_and_fewer_are_not(shape):
    with pytest.raises(SplitError) as refusal:
        split(HoldoutConfig(), 2, **shape)
    text = str(refusal.value)
    assert "split holdout: 2 open bars leave 0 training and 0 validation samples" in text
    needed = re.search(r"(\d+) open bars are needed", text)
    assert needed is not None
    split(HoldoutConfig(), int(needed[1]), **shape)
    with pytest.raises(SplitError):
        split(HoldoutConfig(), int(needed[1]) - 1, **shape)


def test_one_bar_is_refused():
    with pytest.raises(SplitError, match="1 open bars leave 0 training"):
        split(HoldoutConfig(), 1)


def test_shares_make_one():
    with pytest.raises(ConfigError, match=r"make 1\.1; let them make 1"):
        from_mapping(SPLITS["holdout"], {"train": 0.7})
    assert (
        HoldoutConfig(train=0.5, validation=0.3, sealed=0.2)
        .split(span(80), bars=80, horizon_bars=1, window=4, reach_bars=10)[0]
        .validation.min()
        % 80
        == 50
    )
