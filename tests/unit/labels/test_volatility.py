"""Volatility over gaps: numpy on what there is, and the strict one where nothing is missing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.labels.volatility import panel_volatility, volatility_over_gaps
from tests.unit.features.panels import random_panel
from tests.unit.labels.paths import path, thinned


def flat(close: float) -> tuple[float, float, float, float]:
    return close, close, close, close


def test_a_missing_bar_costs_two_returns_by_hand():
    closes = (100.0, 101.0, 100.0, 104.0, 100.0, 101.0)
    panel = path(*map(flat, closes), missing=(3,))
    found, one = volatility_over_gaps(panel, 4)[0], np.log(1.01)
    assert np.isnan(found[:2]).all()  # fewer than two returns
    assert found[2:].tolist() == pytest.approx([np.std([one, -one], ddof=1)] * 4)  # into and out of the gap: none
    assert np.isnan(volatility_over_gaps(panel, 8)).all()  # three of eight are not half


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), bars=st.integers(2, 12), share=st.sampled_from([0.0, 0.1, 0.4]))
def test_equal_to_numpy_on_the_returns_that_there_are(seed: int, bars: int, share: float):
    panel = thinned(random_panel(2, 40, seed), share, seed)
    found = volatility_over_gaps(panel, bars)
    for s in range(2):
        close = np.where(panel.present[s], panel.prices[s, :, 3], np.nan)
        returns = np.r_[np.nan, np.diff(np.log(close))]
        for t in range(40):
            there = returns[max(0, t - bars + 1) : t + 1]
            there = there[~np.isnan(there)]
            if len(there) >= max(2, bars / 2):
                assert found[s, t] == pytest.approx(np.std(there, ddof=1))
            else:
                assert np.isnan(found[s, t])
    if share == 0.0:
        np.testing.assert_allclose(found[:, bars:], panel_volatility(panel, bars)[:, bars:], rtol=1e-9)
