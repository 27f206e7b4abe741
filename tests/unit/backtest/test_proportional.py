"""Proportional: the size of a position by hand, and the band in which nothing is traded."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.backtest.policies import ProportionalConfig


def weights_of(policy, p, theta=0.6):
    p = np.array([p])
    whole = np.ones(p.shape, bool)
    return policy.weights(p, whole, whole[0], theta, 1)[0]


def test_the_weight_grows_with_the_distance_from_a_half():
    p = [0.5, 0.55, 0.6, 0.7, 0.45, 0.1]
    np.testing.assert_allclose(weights_of(ProportionalConfig(band=0.0), p), [0, 0.5, 1, 1, 0, 0], atol=1e-12)
    both = weights_of(ProportionalConfig(band=0.0, short=True), p)
    np.testing.assert_allclose(both, [0, 0.5, 1, 1, -0.5, -1], atol=1e-12)


def test_inside_the_band_nothing_moves_but_to_zero():
    p = [0.53, 0.51, 0.549, 0.556, 0.59, 0.5, 0.52]
    held = weights_of(ProportionalConfig(band=0.25), p)
    np.testing.assert_allclose(held, [0.3, 0.3, 0.3, 0.56, 0.9, 0.0, 0.0], atol=1e-12)


@settings(max_examples=50)
@given(st.integers(0, 10**6), st.booleans(), st.floats(0.0, 0.9))
def test_the_band_bounds_how_far_a_target_lags(seed, short, band):
    rng = np.random.default_rng(seed)
    p, made = rng.uniform(0.4, 0.6, (3, 40)), rng.random((3, 40)) > 0.3
    free = ProportionalConfig(short=short, band=0.0).weights(p, made, np.ones(40, bool), 0.56, 1)
    lazy = ProportionalConfig(short=short, band=band).weights(p, made, np.ones(40, bool), 0.56, 1)
    assert (np.abs(free - lazy) <= band / 3 + 1e-12).all()
    moved = np.diff(lazy, axis=1, prepend=0.0) != 0.0
    assert not (moved & ~made).any()
    assert moved.sum() <= (np.diff(free, axis=1, prepend=0.0) != 0.0).sum()


def test_no_candidate_has_no_distance():
    thetas = ProportionalConfig(thetas=5).candidates(np.array([[0.5, 0.5, 0.5, 0.4]]), np.ones((1, 4), bool))
    assert len(thetas) > 0
    assert thetas.min() > 0.5
    assert ProportionalConfig().candidates(np.full((1, 4), 0.5), np.ones((1, 4), bool)).size == 0
