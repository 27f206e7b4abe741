"""The 14-block t test: equal to the published rule, with a level that the openings cannot exhaust."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from edgeproof.stats.blocks import alpha, block_sums, block_t, skewness, traded_blocks, units, upper_bound

# --- second witness: the published reference of the rule (verdict_rule.py, 2026-11-21), copied ---
Q = 14


def rule_units(x, traded, day=24):
    if traded.mean() < 0.5:
        edge = np.flatnonzero(np.diff(np.r_[0, traded.astype(int), 0]))
        a, b = edge[::2], edge[1::2]
        c = np.r_[0, np.cumsum(x)]
        return c[b] - c[a]
    n = len(x) // day * day
    return x[:n].reshape(-1, day).sum(1)


def rule_t_adj(x, traded):
    idx = np.arange(len(x)) * Q // len(x)
    b = np.bincount(idx, x, Q)
    s = b.std(ddof=1)
    if s == 0:
        return 0.0
    t = b.mean() / s * np.sqrt(Q)
    u = rule_units(x, traded)
    g = stats.skew(u) if len(u) > 2 and u.std() > 0 else 0.0
    return t + min(g, 0.0) / (6 * np.sqrt(max(len(u), 1))) * (2 * t * t + 1)


def random_track(seed):
    g = np.random.default_rng(seed)
    n = int(g.integers(200, 4000))
    held = np.repeat(g.choice([0, 1], n // 12 + 1, p=[share := g.uniform(0.1, 0.9), 1 - share]), 12)[:n].astype(bool)
    x = (g.standard_t(3, n) * 0.01 + g.uniform(-0.001, 0.003) - 0.1 * (g.random(n) < 0.005)) * held
    return x, held


@pytest.mark.parametrize("seed", range(60))
def test_equal_to_the_published_rule(seed):
    x, held = random_track(seed)
    ours = block_t(x, held, bars_per_day=24)
    assert ours.adjusted == pytest.approx(rule_t_adj(x, held), abs=1e-12)
    assert ours.p == pytest.approx(stats.t.sf(rule_t_adj(x, held), Q - 1), abs=1e-12)
    assert ours.units == len(rule_units(x, held))
    idx = np.arange(len(x)) * Q // len(x)
    b = np.bincount(idx, x, Q) / np.bincount(idx, minlength=Q)
    error = b.std(ddof=1) / np.sqrt(Q)
    assert upper_bound(x) == pytest.approx((x.mean() + stats.t.isf(0.05, Q - 1) * error) / x.std(), abs=1e-12)


def test_hand_worked_case():
    # 14 blocks of one bar: seven times 0 and seven times 2; mean 1, sd sqrt(14/13), t = sqrt(14)/sqrt(14/13) = sqrt(13)
    x = np.tile([0.0, 2.0], 7)
    result = block_t(x, np.ones(14, bool), bars_per_day=1)
    assert result.t == pytest.approx(13**0.5)
    assert result.skew == 0
    assert result.adjusted == result.t
    assert result.p == pytest.approx(stats.t.sf(13**0.5, 13))


def test_johnsons_term_lowers_t_where_losses_are_rare_and_large():
    g = np.random.default_rng(5)
    x = np.where(g.random(1400) < 0.05, -19.0, 1.0) + 0.5
    result = block_t(x, np.ones(1400, bool), bars_per_day=1)
    assert result.skew < -3
    expected = result.t + result.skew / (6 * 1400**0.5) * (2 * result.t**2 + 1)
    assert result.adjusted == pytest.approx(expected)
    mirrored = block_t(-x, np.ones(1400, bool), bars_per_day=1)
    assert mirrored.skew > 3
    assert mirrored.adjusted == mirrored.t  # a positive skew never raises t


def test_units_are_episodes_when_mostly_flat_and_days_otherwise():
    x = np.arange(8.0)
    held = np.array([0, 1, 1, 0, 0, 0, 0, 1], bool)
    assert units(x, held, bars_per_day=2).tolist() == [3.0, 7.0]
    assert units(x, np.ones(8, bool), bars_per_day=2).tolist() == [1, 5, 9, 13]
    assert units(x, np.ones(8, bool), bars_per_day=2, horizon_bars=3).tolist() == [3, 12]  # whole units only
    assert traded_blocks(np.r_[np.ones(7), np.zeros(21)]) == 4  # blocks of two bars


def test_alpha_never_adds_up_to_more_than_five_per_cent():
    assert [alpha(k) for k in (1, 2, 3, 4, 5)] == pytest.approx([0.04, 0.005, 0.01 / 6, 0.01 / 12, 0.0005])
    assert sum(alpha(k) for k in range(1, 100_000)) == pytest.approx(0.05, abs=1e-6)
    assert sum(alpha(k) for k in range(1, 1000)) < 0.05
    with pytest.raises(ValueError, match="number 1"):
        alpha(0)


@given(st.integers(14, 400))
def test_blocks_are_equal_to_one_bar_and_keep_every_bar(bars):
    sizes = block_sums(np.ones(bars))
    assert sizes.sum() == bars
    assert sizes.max() - sizes.min() <= 1


@pytest.mark.parametrize(
    ("x", "flag", "p"),
    [
        (np.zeros(100), "constant", 0.5),
        (np.full(140, 0.1), "constant", None),
        (np.zeros(13), "short", None),
        (np.zeros(0), "short", None),
    ],
)
def test_degenerate_series(x, flag, p):
    result = block_t(x, np.zeros(len(x), bool), bars_per_day=24)
    assert (result.flag, result.p, result.adjusted) == (flag, p, 0.0)
    assert upper_bound(x) is None


def test_skewness_is_scipys():
    g = np.random.default_rng(0)
    x = g.standard_gamma(2, 50)
    assert skewness(x) == pytest.approx(stats.skew(x))
    assert skewness(np.ones(5)) is None
    assert skewness(np.array([1.0, 2.0])) is None


def test_size_is_at_most_five_per_cent_under_dependence():
    # 24-bar overlap: a plain t test on bars has size 37.7% here
    g = np.random.default_rng(11)
    repetitions, bars = 2000, 2000
    noise = np.cumsum(g.standard_normal((repetitions, bars + 24)), axis=1)
    x = noise[:, 24:] - noise[:, :-24]
    held = np.ones(bars, bool)
    share = np.mean([float(block_t(row, held, bars_per_day=24).p or 1) <= 0.05 for row in x])
    error = (0.05 * 0.95 / repetitions) ** 0.5
    assert share <= 0.055 + 3 * error
    assert share >= 0.04 - 3 * error


@pytest.mark.parametrize("bars", [140, 141, 4000, 4004])
def test_equal_returns_prove_nothing_whatever_the_length_of_the_blocks(bars):
    constant = np.full(bars, 1e-4)
    test = block_t(constant, np.ones(bars, bool), bars_per_day=24)
    assert (test.p, test.flag) == (None, "constant")
    assert upper_bound(constant) is None
    zero = block_t(np.zeros(bars), np.zeros(bars, bool), bars_per_day=24)
    assert (zero.p, zero.flag) == (0.5, "constant")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_not_tested(bad):
    x = np.random.default_rng(0).standard_normal(200)
    x[17] = bad
    test = block_t(x, np.ones(200, bool), bars_per_day=24)
    assert (test.p, test.flag) == (None, "not_finite")
    assert upper_bound(x) is None
