"""Holm and Benjamini-Hochberg: hand-worked adjusted p-values, and what both promise."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.stats.multiple import benjamini_hochberg, holm

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=8)


def test_hand_worked_holm():
    # ascending .01 .03 .04 .06: x4 = .04, x3 = .09, x2 = .08 -> kept at .09, x1 = .06 -> kept at .09
    assert holm([0.04, 0.01, 0.06, 0.03]) == pytest.approx([0.09, 0.04, 0.09, 0.09])


def test_hand_worked_benjamini_hochberg():
    # ascending .01 .03 .04 .06: x4/1 = .04, x4/2 = .06, x4/3 = .0533, x4/4 = .06 -> from the end .06, .0533, .0533, .04
    assert benjamini_hochberg([0.04, 0.01, 0.06, 0.03]) == pytest.approx([0.16 / 3, 0.04, 0.06, 0.16 / 3])


def test_the_fifteen_p_values_of_benjamini_and_hochberg():
    # their section 3.1: at q = .05 the four smallest are rejected, by Bonferroni and Holm three
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528]
    p += [0.7590, 1.0]
    assert sum(q is not None and q <= 0.05 for q in benjamini_hochberg(p)) == 4
    assert sum(q is not None and q <= 0.05 for q in holm(p)) == 3


def test_none_stays_none_and_counts():
    assert holm([0.02, None, 0.01]) == [pytest.approx(0.04), None, pytest.approx(0.03)]
    assert benjamini_hochberg([0.02, None, 0.01]) == [pytest.approx(0.03), None, pytest.approx(0.03)]
    assert holm([None, None]) == [None, None]
    assert holm([]) == benjamini_hochberg([]) == []
    assert holm([0.3]) == benjamini_hochberg([0.3]) == [0.3]


@pytest.mark.parametrize("bad", [-0.1, 1.5, float("nan"), float("inf")])
def test_what_is_no_p_value_is_refused(bad):
    with pytest.raises(ValueError, match="p-value 2 is"):
        holm([0.1, bad])


@given(P_VALUES)
def test_adjusted_values_decide_as_the_procedures_step_by_step(p):
    for level in (0.01, 0.05, 0.2):
        order = np.argsort(p, kind="stable")
        count, rejected = len(p), set()
        for step, index in enumerate(order):  # Holm: go up until one fails
            if p[index] * (count - step) > level:
                break
            rejected.add(int(index))
        assert {i for i, q in enumerate(holm(p)) if q is not None and q <= level} == rejected
        passing = [j for j, index in enumerate(order, 1) if count * p[index] / j <= level]
        last = max(passing, default=0)  # BH: the last that passes takes all before it along
        expected = {int(index) for index in order[:last]}
        assert {i for i, q in enumerate(benjamini_hochberg(p)) if q is not None and q <= level} == expected


@given(P_VALUES)
def test_raw_below_bh_below_holm_below_bonferroni_and_order_is_kept(p):
    first, second = holm(p), benjamini_hochberg(p)
    for raw, wide, narrow in zip(p, first, second, strict=True):
        assert wide is not None
        assert narrow is not None
        assert raw - 1e-15 <= narrow <= wide + 1e-12
        assert wide <= min(1.0, raw * len(p)) + 1e-12
    for a, b in itertools.combinations(range(len(p)), 2):
        if p[a] <= p[b]:
            assert (first[a] or 0) <= (first[b] or 0)
            assert (second[a] or 0) <= (second[b] or 0)


def test_holm_keeps_any_false_claim_at_its_level_under_dependence():
    g = np.random.default_rng(0)
    z = 0.7**0.5 * g.standard_normal((2000, 1)) + 0.3**0.5 * g.standard_normal((2000, 6))
    from scipy.stats import norm

    p = norm.sf(z)
    p[:, :2] = norm.sf(z[:, :2] + 4)  # two true effects must not spoil the level of the other four
    false = np.mean([any(q is not None and q <= 0.05 for q in holm(row.tolist())[2:]) for row in p])
    assert false <= 0.05 + 3 * (0.05 * 0.95 / 2000) ** 0.5
