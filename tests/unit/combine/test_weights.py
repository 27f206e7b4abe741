"""Weights of a mixture: a case solved by hand, the conditions of an optimum, and another way to find it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from edgeproof.combine.weights import fit_weights, mixture_loss


def logit(p: np.ndarray) -> np.ndarray:
    return np.log(p / (1 - p))


def by_expectation(said_KN: np.ndarray, y_N: np.ndarray, weight_N: np.ndarray) -> np.ndarray:
    """The same optimum by the EM algorithm of mixture weights (Dempster, Laird & Rubin 1977), one step at a time."""
    p = np.where(y_N == 1, expit(said_KN), 1 - expit(said_KN))
    w = np.full(len(p), 1 / len(p))
    for _ in range(4000):
        w = w * (p / (w @ p) * (weight_N / weight_N.sum())).sum(axis=1)
    return w


def test_two_forecasters_by_hand():
    """p of what happened: 0.9, 0.1 and 0.2, 0.8; d/dw [log(.2 + .7 w) + log(.8 - .7 w)] = 0 at w = 3/7."""
    said = logit(np.array([[0.9, 0.9], [0.2, 0.2]]))
    w = fit_weights(said, np.array([1.0, 0.0]), np.ones(2))
    assert w == pytest.approx([3 / 7, 4 / 7], abs=1e-5)
    assert mixture_loss(said, np.array([1.0, 0.0]), np.ones(2), w) == pytest.approx(-np.log(0.5), abs=1e-9)


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), members=st.integers(2, 5), noise=st.floats(0.05, 2.0))
def test_weights_meet_the_conditions_of_the_optimum(seed, members, noise):
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=300)
    y = (rng.random(300) < expit(truth)).astype(float)
    said = truth + noise * rng.normal(size=(members, 300)) * rng.uniform(0.2, 2, size=(members, 1))
    weight = rng.uniform(0.5, 2, size=300)
    w = fit_weights(said, y, weight)
    assert (w >= 0).all()
    assert w.sum() == pytest.approx(1)
    p = np.where(y == 1, expit(said), 1 - expit(said))
    gain = (p / (w @ p) * (weight / weight.sum())).sum(axis=1)
    assert (gain <= 1 + 1e-4).all()
    assert gain[w > 1e-3] == pytest.approx(np.ones((w > 1e-3).sum()), abs=1e-4)
    other = by_expectation(said, y, weight)
    assert mixture_loss(said, y, weight, w) <= mixture_loss(said, y, weight, other) + 1e-7


def test_a_forecaster_that_is_always_behind_gets_nothing():
    y = np.array([1.0, 0.0, 1.0, 1.0])
    ahead, behind = (np.where(y == 1, logit(p), -logit(p)) for p in (np.array(0.6), np.array(0.5)))
    assert fit_weights(np.stack([behind, ahead]), y, np.ones(4)) == pytest.approx([0, 1], abs=1e-6)
