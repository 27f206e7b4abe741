"""The maximum's bootstrap: equal to the published rule, exact in the dependence of the trials, blind to flat ones."""

import numpy as np
import pytest

from edgeproof.stats.compare import maximum_test, sidak


# --- second witness: `max_p` of the published reference (verdict_rule.py, 2026-11-21), copied ---
def rule_max_p(trials, Z=999, block=24, seed=0):
    n = len(trials) // block * block
    E = trials[:n].reshape(-1, block, trials.shape[1]).sum(1)
    m = len(E)

    def t(s, q):
        return s / np.sqrt(np.maximum(q - s * s / m, 1e-300) * m / (m - 1))

    best = t(E.sum(0), (E * E).sum(0)).max()
    C = E - E.mean(0)
    W = np.random.default_rng(seed).multinomial(m, np.ones(m) / m, Z)
    return (1 + (t(W @ C, W @ (C * C)).max(1) >= best).sum()) / (Z + 1)


def trials(seed, bars=2000, count=20, edge=0.0):
    g = np.random.default_rng(seed)
    return g.standard_normal((bars, count)) * 0.7 + g.standard_normal((bars, 1)) * 0.7 + edge


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("edge", [0.0, 0.03])
def test_equal_to_the_published_rule(seed, edge):
    returns = trials(seed, edge=edge)
    ours = maximum_test(returns, np.random.default_rng(seed))
    assert ours is not None
    assert ours.p == pytest.approx(rule_max_p(returns, seed=seed), abs=1e-12)
    alone = maximum_test(returns[:, [ours.best]], np.random.default_rng(seed))
    assert alone is not None
    assert ours.p_best == alone.p
    assert ours.statistic == pytest.approx(alone.statistic)


def test_size_is_nominal_under_the_null():
    g = np.random.default_rng(0)
    p = [maximum_test(trials(s, 1200, 30), g, repetitions=199) for s in range(400)]
    share = np.mean([q is not None and q.p <= 0.5 for q in p])
    assert share == pytest.approx(0.5, abs=4 * (0.25 / 400) ** 0.5)
    small = np.mean([q is not None and q.p <= 0.05 for q in p])
    assert small <= 0.05 + 3 * (0.05 * 0.95 / 400) ** 0.5


def test_copies_and_flat_trials_change_nothing():
    returns = trials(3, edge=0.02)
    p = maximum_test(returns, np.random.default_rng(1))
    copied = maximum_test(np.hstack([returns, returns, np.zeros((2000, 5))]), np.random.default_rng(1))
    assert p is not None
    assert copied is not None
    assert copied.p == p.p


def test_a_trial_that_lost_once_is_no_rival():
    # the resamples that miss its only loss vary by rounding alone: they must not look like a gain
    returns, losers = trials(4, edge=0.05), np.zeros((2000, 10))
    losers[np.arange(10) * 190, np.arange(10)] = -1.0
    without = maximum_test(returns, np.random.default_rng(1))
    beside = maximum_test(np.hstack([returns, losers]), np.random.default_rng(1))
    assert without is not None
    assert beside is not None
    assert beside.p == without.p < 0.05


def test_nothing_but_flat_trials_is_luck():
    p = maximum_test(np.zeros((2000, 4)), np.random.default_rng(1))
    assert p is not None
    assert (p.p, p.p_best, p.statistic) == (1.0, 1.0, 0.0)
    constant = maximum_test(np.full((2000, 2), 0.1), np.random.default_rng(1))
    assert constant is not None
    assert constant.p == 1.0


def test_too_little_to_say():
    assert maximum_test(np.zeros((2000, 0)), np.random.default_rng(1)) is None
    assert maximum_test(np.zeros((30, 3)), np.random.default_rng(1)) is None
    assert maximum_test(np.zeros(30), np.random.default_rng(1)) is None


def test_sidak():
    assert sidak(0.2, 0.1, 0) == pytest.approx(0.2)
    assert sidak(0.2, 0.1, 2) == pytest.approx(1 - 0.8 * 0.81)
    assert sidak(0.001, 0.001, 10_000) == pytest.approx(1, abs=1e-4)
    assert all(sidak(0.2, 0.1, m) <= sidak(0.2, 0.1, m + 1) for m in range(50))
