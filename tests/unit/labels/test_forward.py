"""Forward-return labels: tradable, resolved at a stated bar, blind to all that follows."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.core.config import from_mapping
from edgeproof.core.errors import ConfigError
from edgeproof.labels import LABELS, ForwardReturnConfig
from tests.unit.features.panels import panel_of, random_panel, rough_panel


def opens(*values: float, present: list[bool] | None = None):
    prices = np.zeros((1, len(values), 5))
    prices[0, :, 0] = values
    prices[0, :, 1:4] = np.array(values)[:, None]
    return panel_of(prices, None if present is None else np.array([present]))


def test_direction_of_the_next_open_to_open_return_by_hand():
    labels = ForwardReturnConfig().label(opens(10, 11, 12, 12, 9))
    # decided at 0: open 1 to open 2, up; at 1: 12 to 12, not above; at 2: 12 to 9, down; then not known
    assert labels.known[0].tolist() == [True, True, True, False, False]
    assert labels.y[0].tolist() == [1, 0, 0, 0, 0]
    assert labels.resolved_at[0].tolist() == [2, 3, 4, 5, 6]
    assert labels.weight[0].tolist() == [1, 1, 1, 0, 0]
    assert (labels.y.dtype, labels.weight.dtype, labels.resolved_at.dtype) == (np.float32, np.float32, np.int32)


def test_threshold_in_bps_is_exceeded_not_met():
    panel = opens(1, 1.0, 1.25, 1.25)
    assert ForwardReturnConfig(threshold_bps=2500).label(panel).y[0, 0] == 0
    assert ForwardReturnConfig(threshold_bps=2499).label(panel).y[0, 0] == 1


def test_horizon_and_masked_bars():
    present = [True, True, True, False, True, True, True, True]
    labels = ForwardReturnConfig(horizon_bars=2).label(opens(1, 2, 3, 4, 5, 6, 7, 8, present=present))
    # needs t, t+1 and t+3; a bar masked in between does not matter
    assert labels.known[0].tolist() == [False, True, False, False, True, False, False, False]
    assert labels.resolved_at[0, 1] == 4


def test_threshold_in_volatilities_by_hand():
    closes = [100.0, 101.0, 100.0, 101.0]
    prices = np.zeros((1, 6, 5))
    prices[0, :4, 3] = closes
    prices[0, 4:, 3] = 100.0
    prices[0, :, 0] = 100.0
    sd = np.std(np.log([1.01, 1 / 1.01, 1.01]), ddof=1)
    for excess, expected in ((0.99, 0), (1.01, 1)):
        prices[0, 5, 0] = 100.0 * (1 + 2 * sd * excess)
        labels = ForwardReturnConfig(threshold_volatilities=2, volatility_bars=3).label(panel_of(prices))
        assert labels.known[0].tolist() == [False, False, False, True, False, False]
        assert labels.y[0, 3] == expected
        assert labels.reach == 3
    assert ForwardReturnConfig().label(panel_of(prices)).reach == 0


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    horizon=st.integers(1, 5),
    every=st.integers(1, 4),
    volatilities=st.sampled_from([0.0, 0.5]),
    at=st.integers(10, 70),
)
def test_bars_after_the_resolution_change_nothing(seed: int, horizon: int, every: int, volatilities: float, at: int):
    panel = rough_panel(2, 80, seed, max_gap_bars=3)
    config = ForwardReturnConfig(horizon_bars=horizon, threshold_volatilities=volatilities, volatility_bars=5)
    decide = np.arange(80) % every == 0
    prices, present = panel.prices.copy(), panel.present.copy()
    draw = np.random.default_rng(seed)
    prices[:, at + 1 :] *= np.exp(draw.standard_normal(prices[:, at + 1 :].shape))
    present[:, at + 1 :] = draw.random(present[:, at + 1 :].shape) < 0.5
    was = config.label(panel, decide)
    now = config.label(replace(panel, prices=prices, present=present), decide)
    resolved = was.resolved_at[0] <= at
    assert resolved.sum() == at - horizon
    for field in ("y", "known", "weight"):
        np.testing.assert_array_equal(getattr(was, field)[:, resolved], getattr(now, field)[:, resolved])


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), horizon=st.integers(1, 6), every=st.integers(1, 4))
def test_weights_equal_a_plain_loop(seed: int, horizon: int, every: int):
    panel = rough_panel(2, 60, seed, max_gap_bars=3)
    decide = np.arange(60) % every == 0
    labels = ForwardReturnConfig(horizon_bars=horizon).label(panel, decide)
    for s in range(2):
        opened = [t for t in range(59) if decide[t] and panel.present[s, t] and panel.present[s, t + 1]]
        over = {u: sum(t < u <= t + horizon for t in opened) for u in range(60 + horizon)}
        for t in range(60):
            bars = range(t + 1, t + horizon + 1)
            mean = sum(1 / over[u] for u in bars) / horizon if labels.known[s, t] and t in opened else 0.0
            assert labels.weight[s, t] == pytest.approx(mean, rel=1e-6)


def test_overlapping_labels_share_their_bars():
    panel = random_panel(1, 50, 0)
    weight = ForwardReturnConfig(horizon_bars=4).label(panel).weight[0]
    np.testing.assert_allclose(weight[3:40], 1 / 4)  # in the middle every bar lies under four labels
    assert weight[0] == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)
    apart = ForwardReturnConfig(horizon_bars=4).label(panel, np.arange(50) % 4 == 0)
    assert set(apart.weight[0, :40:4].tolist()) == {1.0}


def test_labels_of_a_market_shorter_than_the_horizon_are_unknown():
    for T in (1, 2, 3):
        labels = ForwardReturnConfig(horizon_bars=5).label(random_panel(1, T, 0))
        assert labels.known.shape == (1, T)
        assert not labels.known.any()


def test_configs_refuse_in_one_line():
    with pytest.raises(ConfigError, match="keep one of them"):
        from_mapping(ForwardReturnConfig, {"threshold_bps": 5, "threshold_volatilities": 0.5})
    with pytest.raises(ConfigError, match="horizon_bars"):
        from_mapping(ForwardReturnConfig, {"horizon_bars": 0})
    with pytest.raises(ConfigError, match="did you mean 'horizon_bars'"):
        from_mapping(ForwardReturnConfig, {"horizon": 3})
    assert LABELS["forward_return"] is ForwardReturnConfig
