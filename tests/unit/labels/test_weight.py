"""Uniqueness of labels of any length: published values, the sum of all shares, a plain loop."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.labels import ForwardReturnConfig, OpportunityConfig
from edgeproof.labels.weight import concurrency, uniqueness
from tests.unit.features.panels import rough_panel

# mlfinpy 0.1.2 on 25 overlapping events, first and last bar of each, closed (López de Prado 2018, snippets 4.1 and 4.2)
LENGTHS = (4, 7, 3, 10, 6, 4, 7, 3, 10, 6, 4, 7, 3, 10, 6, 4, 7, 3, 10, 6, 4, 7, 3, 10, 6)
EVENTS = [(20 + 2 * i, 20 + 2 * i + length - 1) for i, length in enumerate(LENGTHS)]
CONCURRENCY = "11222232323344333232334433323233443332323344333232222211"
CYCLE = [0.35, 1 / 3, 7 / 24, 1 / 3, 1 / 3]
UNIQUENESS = [0.75, 19 / 42, 4 / 9, *CYCLE, *CYCLE, *CYCLE, *CYCLE, 0.5666666666666667, 0.47222222222222215]


def marks(events, bars: int = 80):
    """A label that occupies bars a..b is decided at a - 1."""
    opened, last = np.zeros((1, bars), bool), np.zeros((1, bars), np.int32)
    for a, b in events:
        opened[0, a - 1], last[0, a - 1] = True, b
    return opened, last


def test_published_concurrency_and_uniqueness():
    opened, last = marks(EVENTS)
    assert EVENTS[-1] == (68, 73)
    assert "".join(map(str, concurrency(opened, last)[0, 20:76])) == CONCURRENCY
    np.testing.assert_allclose(uniqueness(opened, last)[opened], UNIQUENESS, rtol=1e-12)


def test_two_labels_by_hand():
    opened, last = marks([(1, 4), (3, 4), (7, 7)], bars=9)
    # bars 1 and 2 belong to the first alone, 3 and 4 to two labels
    assert uniqueness(opened, last)[0].tolist() == [0.75, 0, 0.5, 0, 0, 0, 1, 0, 0]


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), share=st.sampled_from([0.1, 0.5, 1.0]), longest=st.integers(1, 30))
def test_shares_sum_to_the_covered_bars_and_equal_a_plain_loop(seed: int, share: float, longest: int):
    draw = np.random.default_rng(seed)
    opened = draw.random((2, 50)) < share
    last = np.arange(50) + draw.integers(1, longest + 1, (2, 50))
    weight, over = uniqueness(opened, last), concurrency(opened, last)
    length = (last - np.arange(50)) * opened
    assert (weight * length).sum() == pytest.approx((over > 0).sum())
    for s, t in np.argwhere(opened):
        shared = [sum(opened[s, j] and j < u <= last[s, j] for j in range(50)) for u in range(t + 1, last[s, t] + 1)]
        assert weight[s, t] == pytest.approx(np.mean(1 / np.array(shared)))


def test_barriers_never_touched_weigh_like_returns_of_the_same_length():
    panel = rough_panel(2, 200, 3)
    far = OpportunityConfig(unit="bps", take_profit=1e6, stop_loss=0, horizon_bars=5).label(panel)
    fixed = ForwardReturnConfig(horizon_bars=5).label(panel)
    both = far.known & fixed.known
    assert both.sum() > 300
    np.testing.assert_array_equal(far.weight[both], fixed.weight[both])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), every=st.integers(1, 5), at=st.integers(30, 100))
def test_weights_of_ended_labels_depend_on_nothing_later(seed: int, every: int, at: int):
    """Whether other labels run on is settled bar by bar, so neither prices nor gaps after the end can matter."""
    panel, draw = rough_panel(2, 120, seed, max_gap_bars=3), np.random.default_rng(seed)
    prices, present = panel.prices.copy(), panel.present.copy()
    prices[:, at + 1 :] *= np.exp(draw.standard_normal(prices[:, at + 1 :].shape))
    present[:, at + 1 :] = draw.random(present[:, at + 1 :].shape) < 0.5
    config = OpportunityConfig(horizon_bars=12, volatility_bars=5)
    decide = np.arange(120) % every == 0
    was = config.label(panel, decide)
    now = config.label(replace(panel, prices=prices, present=present), decide)
    over = was.resolved_at <= at
    assert (was.weight[over] > 0).any()
    np.testing.assert_array_equal(over, now.resolved_at <= at)
    np.testing.assert_array_equal(was.weight[over], now.weight[over])
