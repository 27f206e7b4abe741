import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.core.rng import Rng
from edgeproof.evaluate.difference import paired_difference


def drawn(seed: int, bars: int = 2000) -> np.ndarray:
    return Rng(seed).numpy().normal(0.0, 0.01, bars)


def test_what_both_share_cancels_out():
    common, better = drawn(1), drawn(2) * 0.05 + 2e-4
    found = paired_difference(common + better, common, Rng(3).numpy())
    assert found.mean == pytest.approx(better.mean())
    assert (found.low or 0.0) > 0.0
    assert found.p is not None
    assert found.p < 1e-6
    apart = paired_difference(common + better, drawn(4), Rng(3).numpy())  # not paired: the same gain drowns
    assert (apart.low or 0.0) < 0.0


@given(st.integers(0, 30))
def test_turned_around_everything_changes_its_sign_but_the_p_value(seed):
    a, b = drawn(seed, 300), drawn(seed + 100, 300)
    one = paired_difference(a, b, Rng(0).numpy(), repetitions=199)
    other = paired_difference(b, a, Rng(0).numpy(), repetitions=199)
    assert one.mean == -other.mean
    assert one.p == pytest.approx(other.p)
    assert one.low == pytest.approx(-(other.high or 0.0), abs=1e-12)


def test_without_a_difference_nothing_is_claimed():
    a = drawn(5)
    found = paired_difference(a, a, Rng(0).numpy())
    assert (found.mean, found.low, found.p) == (0.0, None, None)
    assert paired_difference(a[:5], a[5:10], Rng(0).numpy()).p is None


def test_equal_series_are_told_apart_in_one_of_twenty_cases():
    claims = [
        paired_difference(drawn(seed, 400), drawn(seed + 5000, 400), Rng(seed).numpy(), repetitions=99).p
        for seed in range(400)
    ]
    share = np.mean([p is not None and p < 0.05 for p in claims])
    assert 0.02 < share < 0.085  # 5% with a Monte Carlo error of 1.1%, and a little more for the estimated variance
