"""Effective numbers of trials: closed forms, a printed example, and how far off they are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.stats.deflated import sidak_critical
from edgeproof.stats.effective import (
    LARGEST,
    average_correlation_trials,
    effective_trials,
    entropy_trials,
    nyholt_trials,
)

NUMBERS = (average_correlation_trials, entropy_trials, nyholt_trials)


@pytest.mark.parametrize("number", NUMBERS)
def test_independent_trials_count_each_and_copies_count_once(number):
    assert number(np.eye(7)) == pytest.approx(7)
    assert number(np.ones((7, 7))) == pytest.approx(1)
    assert number(np.eye(1)) == pytest.approx(1)


def test_eigenvalue_entropy_is_roy_and_vetterli_2007():
    # zoonek/2025-sharpe-ratio asserts 1.84 within .01, and 2 within .02 for the first two
    c = np.array([[1, 0.1, 0.7], [0.1, 1, 0.8], [0.7, 0.8, 1]])
    assert entropy_trials(c) == pytest.approx(1.84, abs=0.01)
    assert entropy_trials(c[:2, :2]) == pytest.approx(2, abs=0.02)
    # two trials correlated r: shares (1 + r)/2 and (1 - r)/2
    assert entropy_trials(c[:2, :2]) == pytest.approx(np.exp(-0.55 * np.log(0.55) - 0.45 * np.log(0.45)))


def test_equal_correlation_by_hand():
    c = np.full((100, 100), 0.5) + 0.5 * np.eye(100)
    assert average_correlation_trials(c) == pytest.approx(50.5)
    values = np.linalg.eigvalsh(c)
    assert nyholt_trials(c) == pytest.approx(1 + 99 * (1 - values.var(ddof=1) / 100))


@given(st.integers(2, 12), st.integers(0, 10_000))
def test_between_one_and_all(count, seed):
    g = np.random.default_rng(seed)
    found = effective_trials(g.standard_normal((40, count)) + 2 * g.standard_normal((40, 1)))
    assert found is not None
    for number in (found.by_correlation, found.by_entropy, found.by_nyholt):
        assert number is not None
        assert 1 - 1e-9 <= number <= count + 1e-9


def test_scale_does_not_matter_and_flat_trials_are_left_out():
    x = np.random.default_rng(0).standard_normal((300, 5))
    a = effective_trials(x)
    b = effective_trials(np.hstack([x * [1e-6, 1, 10, 2, 3], np.zeros((300, 2)), np.full((300, 1), 0.01)]))
    assert a is not None
    assert b is not None
    assert (b.varied, a.varied) == (5, 5)
    assert b.by_entropy == pytest.approx(a.by_entropy)
    assert b.by_nyholt == pytest.approx(a.by_nyholt)


def test_more_trials_than_a_matrix_is_made_for_keep_the_average_correlation():
    g = np.random.default_rng(3)
    x = g.standard_normal((50, 1)) + g.standard_normal((50, LARGEST + 1))
    found, part = effective_trials(x), effective_trials(x[:, :LARGEST])
    assert found is not None
    assert part is not None
    assert (found.by_entropy, found.by_nyholt) == (None, None)
    assert found.by_correlation == pytest.approx(average_correlation_trials(np.asarray(np.corrcoef(x.T))))
    assert part.by_nyholt is not None


def test_nothing_to_describe():
    assert effective_trials(np.zeros((100, 3))) is None
    assert effective_trials(np.zeros((1, 3))) is None
    assert effective_trials(np.zeros((100, 0))) is None
    one = effective_trials(np.random.default_rng(0).standard_normal((100, 1)))
    assert one is not None
    assert (one.varied, one.correlation, one.by_correlation) == (1, None, 1)


def test_negative_correlation_is_not_more_than_all():
    x = np.random.default_rng(0).standard_normal(200)
    found = effective_trials(np.stack([x, -x], axis=1))
    assert found is not None
    assert found.correlation == pytest.approx(-1)
    assert found.by_correlation == 2
    assert found.by_entropy == pytest.approx(1)


def test_entropy_makes_sidak_anti_conservative_and_raw_n_does_not():
    # 100 trials all correlated 0.5: the table of the module says 9.5% with entropy, 2.5% with N, 3.3% with Nyholt's
    g, c = np.random.default_rng(1), np.full((100, 100), 0.5) + 0.5 * np.eye(100)
    z = np.sqrt(0.5) * (g.standard_normal((40_000, 1)) + g.standard_normal((40_000, 100)))
    best, error = z.max(axis=1), 3 * (0.095 * 0.905 / 40_000) ** 0.5

    def size(trials):
        return float((best > sidak_critical(trials)).mean())

    assert size(100) == pytest.approx(0.025, abs=error + 0.001)
    assert size(entropy_trials(c)) == pytest.approx(0.095, abs=error + 0.005)
    assert size(nyholt_trials(c)) == pytest.approx(0.033, abs=error + 0.001)
    assert size(average_correlation_trials(c)) == pytest.approx(0.046, abs=error + 0.005)
