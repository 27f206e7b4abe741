"""Stationary bootstrap: the exact variance of the mean, arch's block lengths and interval ends."""

from pathlib import Path

import numpy as np
import pytest
from arch.bootstrap import optimal_block_length

from edgeproof.stats.bootstrap import automatic_block, resampled_moments, sharpe_interval

SERIES = dict(
    zip(
        ("ar06", "iid_ret", "ar_neg03"),
        np.loadtxt(Path(__file__).parent / "reference" / "bootstrap_series.csv", delimiter=",", skiprows=1).T,
        strict=True,
    )
)


@pytest.mark.parametrize(
    ("name", "length"), [("ar06", 11.864564630273792), ("iid_ret", 2.600873403282612), ("ar_neg03", 8.760514751702088)]
)
def test_automatic_block_length_is_archs(name, length):
    assert automatic_block(SERIES[name]) == pytest.approx(length, abs=1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_automatic_block_length_on_random_series(seed):
    # arch standardises autocorrelations by one bar less of overlap, which can move the cut-off lag in short series
    g = np.random.default_rng(seed)
    noise, x = g.standard_normal(1500), np.zeros(1500)
    for t in range(1, 1500):
        x[t] = 0.3 * x[t - 1] + noise[t]
    theirs = max(1.0, float(optimal_block_length(x)["stationary"].iloc[0]))
    assert automatic_block(x) == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize(
    ("name", "block", "variance"),
    [
        ("ar06", 1, 0.002889636687302852),
        ("ar06", 5, 0.008352993875910621),
        ("ar06", 12, 0.010377051156060694),
        ("ar06", 50, 0.007390076324742119),
        ("iid_ret", 5, 1.887589559370731e-07),
        ("ar_neg03", 12, 1.2214180071254788e-07),
    ],
)
def test_variance_of_the_resampled_mean_is_politis_and_romanos(name, block, variance):
    mean, _ = resampled_moments(SERIES[name], np.random.default_rng(1), block_bars=block, repetitions=20_000)
    assert mean.var() == pytest.approx(variance, rel=4 * (2 / 20_000) ** 0.5)
    assert mean.mean() == pytest.approx(SERIES[name].mean(), abs=4 * (variance / 20_000) ** 0.5)


def test_resamples_are_runs_of_the_series():
    # on the series 0..n-1 the moments of a resample by hand: mean and sd of the drawn values
    x = np.arange(50.0)
    mean, sharpe = resampled_moments(x, np.random.default_rng(3), block_bars=50 * 1e6, repetitions=200)
    np.testing.assert_allclose(mean, 24.5)  # one block of 50 bars, wrapped: always the whole series
    np.testing.assert_allclose(sharpe, 24.5 / x.std(ddof=1))


def test_interval_ends_are_archs():
    # arch 8.0.0, percentile, 5,000 repetitions, mean block 12: mean (-.2377, .1548), Sharpe (-.1876, .1152)
    found = sharpe_interval(SERIES["ar06"], np.random.default_rng(5), block_bars=12, repetitions=20_000)
    assert found is not None
    assert (found.mean_low, found.mean_high) == pytest.approx((-0.2377, 0.1548), abs=0.012)
    assert (found.sharpe_low, found.sharpe_high) == pytest.approx((-0.1876, 0.1152), abs=0.009)


def test_the_same_generator_gives_the_same_interval():
    x = SERIES["iid_ret"]
    a, b = (sharpe_interval(x, np.random.default_rng(9), repetitions=300) for _ in range(2))
    assert a == b


def test_coverage_on_independent_returns():
    g = np.random.default_rng(7)
    inside = 0
    for _ in range(400):
        found = sharpe_interval(g.standard_normal(800) + 0.05, g, repetitions=200)
        inside += found is not None and found.sharpe_low <= 0.05 <= found.sharpe_high
    assert inside / 400 == pytest.approx(0.95, abs=0.05)  # 200 repetitions and the block length cost a point or two


@pytest.mark.parametrize("x", [np.zeros(100), np.full(100, 0.1), np.arange(19.0), np.zeros(0)])
def test_degenerate_series_have_no_interval(x):
    assert automatic_block(x) is None
    assert sharpe_interval(x, np.random.default_rng(0)) is None


def test_a_series_that_moves_once_stays_finite():
    x = np.zeros(500)
    x[100] = 1.0
    found = sharpe_interval(x, np.random.default_rng(0), repetitions=500)
    assert found is not None
    assert 0 <= found.sharpe_low <= found.sharpe_high < 1
