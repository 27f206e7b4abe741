"""Top k: who is held, by hand and by a plain loop."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.backtest.policies import TopKConfig
from edgeproof.backtest.run import Replay, targets
from edgeproof.simulator.options import Options


def weights_of(policy, p, *, made=None, theta=0.55):
    p = np.array(p, float)
    made = np.ones(p.shape, bool) if made is None else np.array(made, bool)
    return policy.weights(p, made, np.ones(p.shape[1], bool), theta, 1).tolist()


def test_the_best_two_that_are_good_enough():
    p = [[0.6, 0.50, 0.6], [0.7, 0.7, 0.6], [0.8, 0.54, 0.6]]
    assert weights_of(TopKConfig(k=2), p) == [[0, 0, 0.5], [0.5, 0.5, 0.5], [0.5, 0, 0]]  # of equals the first ones


def test_short_mirrors_and_halves():
    p = [[0.9], [0.6], [0.5], [0.4], [0.1]]
    assert weights_of(TopKConfig(k=1, short=True), p) == [[0.5], [0], [0], [0], [-0.5]]
    assert weights_of(TopKConfig(k=3, short=True), p) == [[1 / 6], [1 / 6], [0], [-1 / 6], [-1 / 6]]


def test_without_a_forecast_a_position_and_its_place_are_kept():
    p = [[0.9, 0.1, 0.1], [0.6, 0.9, 0.9], [0.6, 0.8, 0.8]]
    made = [[1, 0, 1], [1, 1, 1], [1, 1, 1]]
    assert weights_of(TopKConfig(k=1), p, made=made) == [[1, 1, 0], [0, 0, 1], [0, 0, 0]]
    assert weights_of(TopKConfig(k=2), p, made=made) == [[0.5, 0.5, 0], [0.5, 0.5, 0.5], [0, 0, 0.5]]


def test_a_half_says_nothing():
    assert weights_of(TopKConfig(k=1), [[0.5], [0.5]], theta=0.5) == [[0], [0]]


def walk(p, heard, theta, k):
    """The long side, bar by bar, in the words of the definition."""
    held, out = set(), []
    for t in range(p.shape[1]):
        known = [s for s in range(len(p)) if heard[s, t]]
        if known:
            kept = {s for s in held if s not in known}
            able = sorted((-p[s, t], s) for s in known if p[s, t] >= theta and p[s, t] != 0.5)
            held = kept | {s for _, s in able[: k - len(kept)]}
        out.append([s in held for s in range(len(p))])
    return np.array(out, float).T / k


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 6))
def test_weights_are_the_walk(seed, k):
    rng = np.random.default_rng(seed)
    p = np.round(rng.uniform(0.4, 0.6, (5, 30)), 2)
    made, decide = rng.random((5, 30)) > 0.3, rng.random(30) > 0.3
    np.testing.assert_allclose(
        TopKConfig(k=k).weights(p, made, decide, 0.52, 1), walk(p, made & decide, 0.52, k), atol=1e-15
    )
    both = TopKConfig(k=k, short=True).weights(p, made, decide, 0.52, 1)
    np.testing.assert_allclose(both, -TopKConfig(k=k, short=True).weights(1 - p, made, decide, 0.52, 1), atol=1e-15)
    assert np.abs(both).sum(axis=0).max() <= 1.0 + 1e-12


def test_a_delisted_symbol_gives_its_place_up():
    p = np.array([[0.9, 0.5, 0.5, 0.5, 0.5, 0.5], [0.6, 0.6, 0.6, 0.6, 0.6, 0.6]])
    made = np.array([[1, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1]], bool)
    scene = Replay(p, made, np.ones(6, bool), np.ones((2, 6, 5)), made, 1)
    held = targets(TopKConfig(k=1), scene, 0.55, Options(delisting_bars=3))
    assert held.tolist() == [[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]]
    assert targets(TopKConfig(k=1), scene, 0.55, Options())[0].tolist() == [1] * 6
