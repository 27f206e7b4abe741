import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from edgeproof.stats.proportion import most_by_chance, share_interval


@pytest.mark.parametrize(("total", "most", "tail"), [(100, 9, 0.028), (40, 4, 0.048), (20, 3, 0.016)])
def test_how_many_false_claims_chance_explains(total, most, tail):
    assert most_by_chance(total) == most
    assert stats.binom.sf(most, total, 0.05) == pytest.approx(tail, abs=5e-4)
    assert stats.binom.sf(most - 1, total, 0.05) > 0.05


def test_no_case_in_59_bounds_the_share_at_5_percent_one_sided():
    assert share_interval(0, 59, level=0.9)[1] == pytest.approx(0.0495, abs=5e-5)


@given(st.integers(1, 300), st.floats(0, 1))
def test_the_interval_is_that_of_scipy(total, share):
    cases = round(total * share)
    exact = stats.binomtest(cases, total).proportion_ci(method="exact")
    np.testing.assert_allclose(share_interval(cases, total), exact, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("cases", "total"), [(-1, 5), (6, 5), (0, 0)])
def test_a_share_of_nothing(cases, total):
    with pytest.raises(ValueError, match="cases of"):
        share_interval(cases, total)
