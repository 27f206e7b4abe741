"""The threshold policy against its definition, written as a walk through the bars of one symbol."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.backtest.policies import ThresholdConfig
from edgeproof.core.config import from_mapping
from edgeproof.core.errors import ConfigError


def one_symbol(policy, p, *, made=None, decide=None, theta=0.6, horizon=1):
    p = np.array([p])
    made = np.ones(p.shape, bool) if made is None else np.array([made], bool)
    decide = np.ones(p.shape[1], bool) if decide is None else np.array(decide, bool)
    return policy.weights(p, made, decide, theta, horizon)[0].tolist()


def test_opposite_enters_at_theta_and_stays_until_one_minus_theta():
    p = [0.5, 0.6, 0.55, 0.41, 0.4, 0.59, 0.7]
    assert one_symbol(ThresholdConfig(), p) == [0, 1, 1, 1, 0, 0, 1]
    assert one_symbol(ThresholdConfig(short=True), p) == [0, 1, 1, 1, -1, -1, 1]


def test_without_a_forecast_or_a_decision_nothing_changes():
    p = [0.7, 0.1, 0.1, 0.1]
    assert one_symbol(ThresholdConfig(), p, made=[1, 0, 0, 1]) == [1, 1, 1, 0]
    assert one_symbol(ThresholdConfig(), p, decide=[1, 0, 1, 0]) == [1, 1, 0, 0]
    assert one_symbol(ThresholdConfig(), p, made=[0, 0, 0, 0]) == [0, 0, 0, 0]


def test_a_forecast_of_exactly_a_half_says_nothing():
    assert one_symbol(ThresholdConfig(short=True), [0.5, 0.51, 0.5, 0.49], theta=0.5) == [0, 1, 1, -1]


def test_horizon_holds_each_entry_for_h_bars():
    policy = ThresholdConfig(exit="horizon")
    entry = [0.9, 0.1, 0.1, 0.1, 0.1, 0.1]
    every_third = [1, 0, 0, 1, 0, 0]
    assert one_symbol(policy, entry, decide=every_third, horizon=3) == [1, 1, 1, 0, 0, 0]
    assert one_symbol(policy, entry, decide=every_third, horizon=2) == [1, 1, 0, 0, 0, 0]
    both = ThresholdConfig(exit="horizon", short=True)
    assert one_symbol(both, entry, decide=every_third, horizon=2) == [1, 1, 0, -1, -1, 0]


def test_horizon_uses_tranches_where_labels_overlap():
    policy = ThresholdConfig(exit="horizon", short=True)
    p = [0.9, 0.9, 0.1, 0.5, 0.5, 0.5]
    assert one_symbol(policy, p, horizon=4) == [0.25, 0.5, 0.25, 0.25, 0.0, -0.25]
    half = one_symbol(policy, [0.9, 0.5, 0.9, 0.5, 0.5, 0.5], decide=[1, 0, 1, 0, 1, 0], horizon=4)
    assert half == [0.5, 0.5, 1.0, 1.0, 0.5, 0.5]


def test_each_symbol_weighs_one_over_s():
    p = np.full((4, 3), 0.9)
    weights = ThresholdConfig().weights(p, np.ones(p.shape, bool), np.ones(3, bool), 0.6, 1)
    assert weights.tolist() == np.full((4, 3), 0.25).tolist()


def walk(policy, p, made, decide, theta, horizon, tranches):
    """One symbol, bar by bar, in the words of the definition."""
    side, open_until, out = 0, [], []
    for t in range(len(p)):
        can = made[t] and decide[t]
        up, down = can and p[t] >= theta, can and p[t] <= 1 - theta
        if policy.exit == "opposite":
            if up and not down:
                side = 1
            elif down and not up:
                side = -1 if policy.short else 0
            out.append(float(side))
            continue
        open_until = [(end, way) for end, way in open_until if end > t]
        if up and not down:
            open_until.append((t + horizon, 1))
        elif down and not up and policy.short:
            open_until.append((t + horizon, -1))
        out.append(sum(way for _, way in open_until) / tranches)
    return out


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.booleans(), st.sampled_from(["opposite", "horizon"]), st.integers(1, 30))
def test_weights_are_the_walk_of_every_symbol(seed, short, leave, horizon):
    rng = np.random.default_rng(seed)
    policy = ThresholdConfig(short=short, exit=leave)
    p = np.round(rng.uniform(0.4, 0.6, (3, 25)), 2)
    made, decide = rng.random((3, 25)) > 0.3, rng.random(25) > 0.3
    theta = 0.5 + rng.integers(0, 8) / 100
    counts = [decide[max(0, t - horizon + 1) : t + 1].sum() for t in range(25)]
    weights = policy.weights(p, made, decide, theta, horizon)
    for s in range(3):
        expected = walk(policy, p[s], made[s], decide, theta, horizon, max(*counts, 1))
        np.testing.assert_allclose(weights[s] * 3, expected, atol=1e-12)
    assert np.abs(weights).sum(axis=0).max() <= 1.0 + 1e-12


def test_candidates_are_quantiles_of_the_distance_from_a_half():
    distance = np.arange(101) / 1000
    p = np.concatenate([0.5 + distance[::2], 0.5 - distance[1::2], [0.99]])[np.newaxis]
    made = p < 0.9
    thetas = ThresholdConfig().candidates(p, made)
    assert thetas.tolist() == pytest.approx((0.5 + np.linspace(0, 0.98, 20) * 0.1).tolist())


def test_equal_candidates_are_one_trial_and_no_forecast_is_none():
    assert ThresholdConfig().candidates(np.full((2, 9), 0.5), np.ones((2, 9), bool)).tolist() == [0.5]
    assert ThresholdConfig().candidates(np.full((2, 9), 0.5), np.zeros((2, 9), bool)).tolist() == []
    assert len(ThresholdConfig(thetas=5).candidates(np.linspace(0.4, 0.6, 50)[None], np.ones((1, 50), bool))) == 5


def test_a_key_that_is_misspelt_is_refused():
    with pytest.raises(ConfigError, match="did you mean 'short'"):
        from_mapping(ThresholdConfig, {"name": "threshold", "shrot": True}, "policy")
