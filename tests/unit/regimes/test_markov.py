"""The hidden Markov model: equal to the sum over every path, EM never falls, and planted states come back."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from edgeproof.regimes.hidden import HiddenConfig, observations
from edgeproof.regimes.markov import Chain, chain_of_quantiles, em_step, filter_states, fit_chain
from tests.unit.features.panels import panel_of


def random_chain(draw, states: int, parts: int) -> Chain:
    def rows(*shape: int) -> np.ndarray:
        x = draw.random(shape) + 0.05
        return x / x.sum(axis=-1, keepdims=True)

    return Chain(rows(states), rows(states, states), draw.normal(0, 1, (states, parts)), draw.random((states, parts)))


def simulated(chain: Chain, bars: int, draw) -> tuple[np.ndarray, np.ndarray]:
    state, K = np.empty(bars, int), len(chain.start)
    for t in range(bars):
        state[t] = draw.choice(K, p=chain.start if t == 0 else chain.move[state[t - 1]])
    return chain.mean[state] + np.sqrt(chain.variance[state]) * draw.standard_normal((bars, chain.mean.shape[1])), state


def every_path(x, known, chain: Chain):
    """Weight of every path of states: P(path, x), by its definition."""
    T, K = len(x), len(chain.start)
    b = np.array(
        [
            [
                stats.norm.pdf(x[t], chain.mean[k], np.sqrt(chain.variance[k])).prod() if known[t] else 1.0
                for k in range(K)
            ]
            for t in range(T)
        ]
    )
    for path in product(range(K), repeat=T):
        weight = chain.start[path[0]] * b[0, path[0]]
        for t in range(1, T):
            weight *= chain.move[path[t - 1], path[t]] * b[t, path[t]]
        yield path, weight


@given(st.integers(0, 2**31), st.integers(1, 6), st.integers(2, 3), st.integers(1, 2))
@settings(max_examples=25)
def test_the_filter_is_the_sum_over_every_path(seed, bars, states, parts):
    draw = np.random.default_rng(seed)
    chain, x, known = random_chain(draw, states, parts), draw.normal(0, 1, (bars, parts)), draw.random(bars) < 0.8
    found, value = filter_states(x, known, chain)
    for t in range(bars):
        share = np.zeros(states)
        for path, weight in every_path(x[: t + 1], known[: t + 1], chain):
            share[path[-1]] += weight
        np.testing.assert_allclose(found[t], share / share.sum(), atol=1e-12)
    total = sum(weight for _, weight in every_path(x, known, chain))
    assert value == pytest.approx(np.log(total), abs=1e-10)


def test_a_step_of_em_is_what_every_path_says():
    draw = np.random.default_rng(4)
    chain, x, known = random_chain(draw, 2, 2), draw.normal(0, 1, (7, 2)), np.array([1, 1, 0, 1, 1, 1, 1], bool)
    state, moves, total = np.zeros((7, 2)), np.zeros((2, 2)), 0.0
    for path, weight in every_path(x, known, chain):
        total += weight
        for t in range(7):
            state[t, path[t]] += weight
        for t in range(1, 7):
            moves[path[t - 1], path[t]] += weight
    state, moves = state / total, moves / total
    after, value = em_step(x, known, chain, np.zeros(2))
    seen = state * known[:, np.newaxis]
    mean = (seen.T @ x) / seen.sum(0)[:, np.newaxis]
    assert value == pytest.approx(np.log(total), abs=1e-12)
    np.testing.assert_allclose(after.start, state[0], atol=1e-12)
    np.testing.assert_allclose(after.move, moves / moves.sum(1, keepdims=True), atol=1e-12)
    np.testing.assert_allclose(after.mean, mean, atol=1e-12)
    for k in range(2):
        spread = (seen[:, k, np.newaxis] * (x - mean[k]) ** 2).sum(0) / seen[:, k].sum()
        np.testing.assert_allclose(after.variance[k], spread, atol=1e-12)


@given(st.integers(0, 2**31))
@settings(max_examples=20)
def test_the_likelihood_never_falls(seed):
    draw = np.random.default_rng(seed)
    states = int(draw.integers(1, 4))
    x = draw.standard_t(3, (300, 2)) * np.repeat(draw.uniform(0.1, 3, 10), 30)[:, np.newaxis]
    known = draw.random(300) < 0.9
    fitted = fit_chain(x, known, chain_of_quantiles(x, known, states), most_steps=40)
    steps = np.diff(fitted.log_likelihood)
    assert (steps >= -1e-8 * abs(fitted.log_likelihood[0])).all()
    assert fitted.log_likelihood[-1] == pytest.approx(filter_states(x, known, fitted.chain)[1], rel=1e-9, abs=1e-2)
    np.testing.assert_allclose(fitted.chain.move.sum(1), 1, atol=1e-9)


def test_planted_states_come_back():
    draw = np.random.default_rng(1)
    truth = Chain(
        np.array([0.5, 0.5]),
        np.array([[0.99, 0.01], [0.03, 0.97]]),
        np.array([[0.0, -2.0], [0.0, 1.0]]),
        np.array([[0.25, 0.5], [4.0, 0.5]]),
    )
    x, state = simulated(truth, 5000, draw)
    known = np.ones(5000, bool)
    fitted = fit_chain(x, known, chain_of_quantiles(x, known, 2))
    assert fitted.settled
    np.testing.assert_allclose(fitted.chain.move, truth.move, atol=0.01)
    np.testing.assert_allclose(fitted.chain.mean, truth.mean, atol=0.15)
    np.testing.assert_allclose(fitted.chain.variance, truth.variance, rtol=0.1)
    found = filter_states(x, known, fitted.chain)[0].argmax(1)
    assert (found == state).mean() > 0.99


def test_long_and_absurd_observations_do_not_vanish():
    x = np.random.default_rng(2).normal(0, 1, (20_000, 2))
    x[15_000] = 1e6  # no state can give it
    known = np.ones(len(x), bool)
    chain = chain_of_quantiles(x[:5000], known[:5000], 2)
    stuck = chain._replace(move=np.eye(2), start=np.array([1.0, 0.0]))
    for model in (chain, stuck):
        found, value = filter_states(x, known, model)
        assert np.isfinite(value)
        np.testing.assert_allclose(found.sum(1), 1, atol=1e-12)


def switching_panel(bars: int = 4000):
    draw = np.random.default_rng(8)
    wild = np.repeat(np.arange(bars // 250) % 2 == 1, 250)
    steps = draw.standard_normal((3, bars)) * np.where(wild, 0.02, 0.004) * 0.5 + draw.standard_normal(bars) * np.where(
        wild, 0.02, 0.004
    )
    close = 100 * np.exp(np.cumsum(steps, axis=1))
    return panel_of(np.repeat(close[:, :, np.newaxis], 5, axis=2)), wild


def test_the_market_of_two_volatilities_is_told_apart_and_every_fit_is_written_down():
    panel, wild = switching_panel()
    found = HiddenConfig(first_days=30, refit_days=20).regimes(panel)
    known = found.code >= 0
    assert found.names == ("calm", "wild")
    assert known.sum() == 4000 - int(np.flatnonzero(known)[0])
    assert (found.code[known] == wild[known]).mean() > 0.9  # the volatility of a day lags behind the switch
    bars = [fit["bar"] for fit in found.fits]
    assert bars[0] == np.flatnonzero(known)[0]
    assert set(np.diff(bars)) == {480}
    for fit in found.fits[1:]:
        assert fit["volatility"][0] < fit["volatility"][1]
        assert all(0.9 < stay <= 1 for stay in fit["stay"])
    assert f"{len(bars)} times" in found.rule


@pytest.mark.parametrize("states", [3, 4])
def test_more_states_are_ordered_by_volatility(states):
    panel, _ = switching_panel(1500)
    found = HiddenConfig(states=states, first_days=20, refit_days=30).regimes(panel)
    assert len(found.names) == len(set(found.names)) == states
    for fit in found.fits:
        assert fit["volatility"] == sorted(fit["volatility"])
    size = [
        np.abs(market[found.code == k]).mean()
        for market in [returns(panel)]
        for k in range(states)
        if (found.code == k).any()
    ]
    assert size == sorted(size)


def returns(panel) -> np.ndarray:
    close = panel.prices[:, :, 3].mean(axis=0)
    return np.r_[0.0, np.diff(np.log(close))]


def test_observations_are_missing_where_nothing_is_known():
    x, seen = observations(np.r_[0.0, 0.01, np.zeros(10)], np.r_[False, np.ones(11, bool)], 5)
    assert seen.tolist() == [False] * 4 + [True] * 2 + [False] * 6  # later volatilities are zero: no logarithm
    assert np.isfinite(x).all()
