import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.core.rng import Rng
from edgeproof.verdict.selection import select
from tests.unit.verdict.cases import table

RNG = Rng(0)


def losing(trials=20, bars=3000, seed=1):
    return np.random.default_rng(seed).standard_normal((bars, trials)) * 0.01 - 0.0003


def chosen_of(trials):
    return trials.ids[int((trials.returns.mean(axis=0) / trials.returns.std(axis=0)).argmax())]


def test_a_splendid_trial_of_another_run_buys_nothing():
    returns = losing()
    before = table(returns)
    chosen = chosen_of(before)
    splendid = np.random.default_rng(9).standard_normal((3000, 1)) * 0.01 + 0.003
    after = table(np.hstack([returns, splendid]))
    alone, bought = select(before, RNG, chosen=chosen), select(after, RNG, chosen=chosen)
    assert alone.p_max is not None
    assert bought.p_max is not None
    assert bought.p_max >= alone.p_max - 0.02  # Monte Carlo: the draws are the same, the maximum can only grow
    assert alone.p_max > 0.5
    assert bought.p_max > 0.5
    assert bought.probability_of_loss == alone.probability_of_loss
    unchosen = select(after, RNG)
    assert unchosen.p_max is not None
    assert unchosen.p_max < 0.01  # what it would have bought


def test_a_candidate_that_is_the_best_has_the_figures_of_the_best():
    trials = table(losing(seed=3) + 0.0004)
    best = select(trials, RNG)
    by_t, by_ratio = select(trials, RNG, chosen=best.best), select(trials, RNG, chosen=chosen_of(trials))
    assert (by_t.p_max, by_t.p_best, by_t.best) == (best.p_max, best.p_best, best.best)
    assert by_ratio.probability_of_loss == best.probability_of_loss


@settings(max_examples=20)
@given(seed=st.integers(0, 1000), place=st.integers(0, 7))
def test_no_other_candidate_of_the_search_does_better_than_its_best(seed, place):
    trials = table(losing(trials=8, bars=600, seed=seed))
    best, other = select(trials, RNG), select(trials, RNG, chosen=trials.ids[place])
    assert best.p_max is not None
    assert other.p_max is not None
    assert other.p_max >= best.p_max


def test_many_trials_without_returns_can_be_passed_by_skill():
    generator = np.random.default_rng(5)
    skilled = generator.standard_normal((4000, 20)) * 0.01 + 0.0012
    found = select(table(skilled, without=880), RNG, chosen=chosen_of(table(skilled)))
    assert found.p_max is not None
    assert found.p_max < 0.5
    unskilled = select(table(losing(), without=880), RNG, chosen=chosen_of(table(losing())))
    assert unskilled.p_max == pytest.approx(1.0, abs=1e-3)
