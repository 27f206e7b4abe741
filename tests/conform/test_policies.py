"""Every registered policy, built-in or of an installed package: bounded, causal, fair between symbols."""

import numpy as np
import pytest

from edgeproof.backtest.policies import POLICIES
from edgeproof.core.catalog import whole
from edgeproof.core.config import dump_yaml, from_mapping
from edgeproof.core.rng import Rng

EVERY = whole(POLICIES, "policies")
S, T, H = 4, 200, 5


@pytest.fixture
def forecasts():
    draw = Rng(5).child("policies").numpy()
    return 0.5 + draw.normal(0, 0.05, (S, T)).clip(-0.4, 0.4), draw.random((S, T)) > 0.1, np.arange(T) % 2 == 0


@pytest.mark.parametrize("name", EVERY)
def test_it_has_its_name_and_reads_back_what_it_writes(name):
    config = EVERY[name]()
    assert config.name == name
    assert dump_yaml(from_mapping(EVERY[name], config.model_dump())) == dump_yaml(config)


def variants(name):
    """The policy as it comes, and with its short side where it has one."""
    kind = EVERY[name]
    return [kind(), *([kind(short=True)] if "short" in kind.model_fields else [])]


@pytest.mark.parametrize("name", EVERY)
def test_gross_exposure_is_at_most_one_and_flat_before_the_first_decision(name, forecasts):
    p, made, decide = forecasts
    for policy in variants(name):
        thetas = policy.candidates(p, made)
        assert len(thetas) > 0
        assert (np.diff(thetas) > 0).all()
        for theta in thetas:
            weights = policy.weights(p, made, decide, theta, H)
            assert weights.shape == (S, T)
            assert np.isfinite(weights).all()
            assert np.abs(weights).sum(axis=0).max() <= 1.0 + 1e-12
        assert not policy.weights(p, made & False, decide, 0.5, H).any()
        assert policy.candidates(p, made & False).size == 0


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("cut", [3, 50, 141])
def test_forecasts_after_a_bar_change_nothing_up_to_it(name, cut, forecasts):
    p, made, decide = forecasts
    other, there = p.copy(), made.copy()
    other[:, cut + 1 :], there[:, cut + 1 :] = 1.0 - p[:, cut + 1 :], ~made[:, cut + 1 :]
    for policy in variants(name):
        was, now = policy.weights(p, made, decide, 0.53, H), policy.weights(other, there, decide, 0.53, H)
        assert was.any()
        assert was[:, : cut + 1].tobytes() == now[:, : cut + 1].tobytes()


@pytest.mark.parametrize("name", EVERY)
def test_where_nothing_is_forecast_nothing_is_entered(name, forecasts):
    p, made, decide = forecasts
    for policy in variants(name):
        weights = policy.weights(p, made, decide, 0.53, H)
        moved = np.diff(weights, axis=1, prepend=0.0) != 0.0
        smaller = np.abs(weights) < np.abs(np.concatenate([np.zeros((S, 1)), weights[:, :-1]], axis=1))
        assert not (moved & ~smaller & ~(made & decide)).any()


@pytest.mark.parametrize("name", EVERY)
def test_what_a_forecast_says_where_it_was_not_made_does_not_matter(name, forecasts):
    p, made, decide = forecasts
    policy = EVERY[name]()
    other = np.where(made, p, 0.99)
    assert policy.weights(p, made, decide, 0.53, H).tobytes() == policy.weights(other, made, decide, 0.53, H).tobytes()
    np.testing.assert_array_equal(policy.candidates(p, made), policy.candidates(other, made))


@pytest.mark.parametrize("name", EVERY)
def test_symbols_are_treated_alike(name, forecasts):
    p, made, decide = forecasts
    policy, order = EVERY[name](), [2, 0, 3, 1]
    weights = policy.weights(p, made, decide, 0.53, H)
    np.testing.assert_allclose(policy.weights(p[order], made[order], decide, 0.53, H), weights[order], atol=1e-15)
