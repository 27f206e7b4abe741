"""Permutation by blocks: exact on exchangeable blocks, equal to the plain loop, blind to what blocks keep."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from edgeproof.stats.permute import permutation_test, product_permutation


def product(signal, outcome, **options):
    found = product_permutation(signal, outcome, np.random.default_rng(1), **options)
    assert found is not None
    return found


@given(seed=st.integers(0, 1000), block=st.integers(1, 9), symbols=st.sampled_from([0, 1, 3]))
@settings(max_examples=40)
def test_equal_to_moving_the_bars_themselves(seed, block, symbols):
    g = np.random.default_rng(seed)
    bars = block * 8 + int(g.integers(0, block))
    shape = (bars, symbols) if symbols else (bars,)
    signal, outcome = g.standard_normal(shape), g.standard_normal(shape)
    centred, whole = outcome - outcome.mean(), block * 8

    def studentised(moved, _):
        terms = (moved * centred[:whole]).reshape(8, -1).sum(1)
        return terms.mean() / terms.std(ddof=1) * 8**0.5

    fast = product_permutation(signal, outcome, np.random.default_rng(seed), block_bars=block, repetitions=40)
    slow = permutation_test(
        studentised, signal - signal.mean(), outcome, np.random.default_rng(seed), block_bars=block, repetitions=40
    )
    assert fast is not None
    assert slow is not None
    assert fast.statistic == pytest.approx(slow.statistic)
    assert (fast.p, fast.blocks, fast.repetitions) == (slow.p, 8, 40)


def test_p_is_the_share_of_all_orders():
    # seven blocks of one bar: all 5,040 orders can be listed
    signal, outcome = np.array([3.0, 1, 4, 1.5, 9, 2.6, 5]), np.array([2.0, 7, 1, 8, 2.8, 1.8, 0.4])
    observed = signal @ outcome
    share = np.mean([np.array(order) @ outcome >= observed - 1e-9 for order in itertools.permutations(signal)])
    found = permutation_test(
        lambda s, y: float(s @ y), signal, outcome, np.random.default_rng(0), block_bars=1, repetitions=20_000
    )
    assert found is not None
    assert found.p == pytest.approx(share, abs=4 * (0.25 / 20_000) ** 0.5)


def test_ranks_against_labels_are_the_auc():
    g = np.random.default_rng(3)
    label = (g.random(2400) < 0.4).astype(float)
    forecast = g.standard_normal(2400) + 0.2 * label

    def auc(s, y):
        positives = y.sum()
        return (rankdata(s)[y == 1].sum() - positives * (positives + 1) / 2) / (positives * (len(y) - positives))

    slow = permutation_test(auc, forecast, label, np.random.default_rng(0), block_bars=24, repetitions=199)
    fast = product(rankdata(forecast), label, block_bars=24, repetitions=999)
    assert slow is not None
    assert slow.statistic == pytest.approx(auc(forecast, label))
    assert slow.p == pytest.approx(1 / 200)
    assert fast.p < 0.01


def test_drift_and_level_are_not_timing():
    # always long in a rising market: means are taken out, so there is nothing left to find
    g = np.random.default_rng(5)
    signal, outcome = 1 + 0.1 * g.standard_normal(2000), 0.5 + g.standard_normal(2000)
    assert product(signal, outcome, block_bars=10).p > 0.1
    moved = product(signal * 4 + 8, outcome * 2 - 1, block_bars=10)
    assert moved.p == product(signal, outcome, block_bars=10).p
    assert moved.statistic == pytest.approx(product(signal, outcome, block_bars=10).statistic)


@pytest.mark.parametrize("phi", [0.8, 0.95])
def test_slow_forecasts_of_slow_outcomes_do_not_fool_blocks(phi):
    # both AR(1), independent of each other: single bars would claim far too often, blocks longer than the memory do not
    g = np.random.default_rng(7)
    repetitions, bars = 200, 1400
    noise = g.standard_normal((2, repetitions, bars))
    both = np.zeros_like(noise)
    for t in range(1, bars):
        both[..., t] = phi * both[..., t - 1] + noise[..., t]
    block = {0.8: 28, 0.95: 100}[phi]
    share = {
        length: np.mean(
            [product(s, y, block_bars=length, repetitions=99).p <= 0.05 for s, y in zip(*both, strict=True)]
        )
        for length in (1, block)
    }
    assert share[block] <= 0.05 + 3 * (0.05 * 0.95 / repetitions) ** 0.5
    assert share[1] > 0.12


def test_orders_and_ties():
    flat = product_permutation(np.ones(100), np.arange(100.0), np.random.default_rng(0), block_bars=5)
    assert flat is None
    assert product_permutation(np.arange(29.0), np.arange(29.0), np.random.default_rng(0), block_bars=5) is None
    tie = permutation_test(
        lambda s, y: 1.0, np.arange(50.0), np.arange(50.0), np.random.default_rng(0), block_bars=5, repetitions=9
    )
    assert tie is not None
    assert tie.p == 1
    best = product(np.arange(100.0), np.arange(100.0), block_bars=10, repetitions=99)
    assert best.p >= 1 / 100


def test_bars_that_do_not_belong_together_are_refused():
    g = np.random.default_rng(0)
    with pytest.raises(ValueError, match="same bars"):
        product_permutation(np.zeros(50), np.zeros(49), g, block_bars=5)
    with pytest.raises(ValueError, match="at least one bar"):
        product_permutation(np.zeros(50), np.zeros(50), g, block_bars=0)
