"""Window sums against plain loops, and what running sums cannot do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.features.rolling import (
    mean_of_finite,
    moments_of_finite,
    rolling_extremes,
    rolling_moments,
    rolling_sum,
    widened_moments,
)


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 2500), window=st.integers(1, 200), seed=st.integers(0, 1000))
def test_sums_moments_and_extremes_equal_plain_windows(n: int, window: int, seed: int):
    x = np.random.default_rng(seed).normal(3, 1, n)
    total, (mean, squares) = rolling_sum(x, window), rolling_moments(x, window)
    highest, lowest = rolling_extremes(x, -x, window)
    for i in {0, window - 2, window - 1, 1023, 1024, n // 2, n - 1} & set(range(n)):
        part = x[max(0, i - window + 1) : i + 1]
        assert highest[i] == part.max()
        assert lowest[i] == -part.max()
        if i < window - 1:
            assert np.isnan([total[i], mean[i], squares[i]]).all()
        else:
            assert total[i] == pytest.approx(part.sum(), rel=1e-13)
            assert mean[i] == pytest.approx(part.mean(), rel=1e-13)
            assert squares[i] == pytest.approx(((part - part.mean()) ** 2).sum(), rel=1e-11, abs=1e-13)


@settings(max_examples=25, deadline=None)
@given(window=st.integers(2, 60), share=st.floats(0, 1), seed=st.integers(0, 1000), least=st.integers(1, 60))
def test_values_that_are_not_finite_are_left_out(window: int, share: float, seed: int, least: int):
    draw = np.random.default_rng(seed)
    x = draw.normal(0, 1, 300)
    x[draw.random(300) < share] = draw.choice([np.nan, np.inf, -np.inf])
    count, mean, squares = moments_of_finite(x, window, min(least, window))
    alone = mean_of_finite(x, window, min(least, window))
    for i in range(window - 1, 300):
        part = x[i - window + 1 : i + 1]
        part = part[np.isfinite(part)]
        assert count[i] == len(part)
        if len(part) < min(least, window):
            assert np.isnan([mean[i], squares[i], alone[i]]).all()
        else:
            assert mean[i] == pytest.approx(part.mean(), rel=1e-12, abs=1e-13)
            assert alone[i] == pytest.approx(part.mean(), rel=1e-12, abs=1e-13)
            assert squares[i] == pytest.approx(((part - part.mean()) ** 2).sum(), rel=1e-11, abs=1e-13)


def test_a_window_depends_on_nothing_outside_it_to_the_last_bit():
    x = np.random.default_rng(0).normal(0, 1, 3000)
    other = np.random.default_rng(1).normal(1e9, 1e12, 3000)
    for window in (3, 24, 168):
        for cut in (1, 500, 1777):
            for function in (lambda y, w=window: rolling_sum(y, w), lambda y, w=window: rolling_moments(y, w)[1]):
                whole, part = function(x), function(x[cut:])
                np.testing.assert_array_equal(part[window - 1 :], whole[cut + window - 1 :])
                strange = np.concatenate([other[:cut], x[cut:]])
                np.testing.assert_array_equal(function(strange)[cut + window - 1 :], part[window - 1 :])


@pytest.mark.parametrize("value", [0.1, 1234.567, 1e12, 3e-9])
def test_equal_values_have_no_deviation_and_their_own_mean(value: float):
    x = np.concatenate([np.random.default_rng(0).normal(0, value, 300), np.full(300, value)])
    for window in (20, 24, 168):
        mean, squares = rolling_moments(x, window)
        assert (squares[300 + window - 1 :] == 0.0).all()
        assert (mean[300 + window - 1 :] == value).all()


def test_moments_of_168_rows_from_those_of_24():
    x = np.random.default_rng(2).normal(5, 2, 2000)
    wide, direct = widened_moments(rolling_moments(x, 24), 24, 7), rolling_moments(x, 168)
    np.testing.assert_allclose(wide[0], direct[0], rtol=1e-13)
    np.testing.assert_allclose(wide[1], direct[1], rtol=1e-12)
    assert np.isnan(wide[0][:167]).all()


def test_a_small_spread_at_a_high_level_keeps_its_digits():
    x = 1e6 + np.random.default_rng(3).normal(0, 1e-3, 1000)  # running sums of squares would leave no digit
    _, squares = rolling_moments(x, 20)
    exact = [np.var(x[i - 19 : i + 1] - 1e6) * 20 for i in range(19, 1000)]
    np.testing.assert_allclose(squares[19:], exact, rtol=1e-6)
