"""Stationary bootstrap: the exact variance of the mean, arch's block lengths and interval ends."""

from pathlib import Path

import numpy as np
import pytest
from arch.bootstrap import optimal_block_length
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.stats.bootstrap import (
    automatic_block,
    draw_blocks,
    resampled_means,
    resampled_moments,
    sharpe_interval,
    variance_of_mean,
)

SERIES = dict(
    zip(
        ("ar06", "iid_ret", "ar_neg03"),
        np.loadtxt(Path(__file__).parent / "reference" / "bootstrap_series.csv", delimiter=",", skiprows=1).T,
        strict=True,
    )
)


@pytest.mark.parametrize(
    ("name", "stationary", "circular"),
    [
        ("ar06", 11.864564630273792, 13.581536113968916),
        ("iid_ret", 2.600873403282612, 2.9772568278157623),
        ("ar_neg03", 8.760514751702088, 10.028286008371948),
    ],
)
def test_automatic_block_length_is_archs(name, stationary, circular):
    assert automatic_block(SERIES[name]) == pytest.approx(stationary, rel=1e-12)
    assert automatic_block(SERIES[name], kind="circular") == pytest.approx(circular, rel=1e-12)


@pytest.mark.parametrize(("bars", "noise", "cap"), [(60, 1.0, 20), (500, 0.05, 68)])
def test_automatic_block_length_is_capped_as_archs(bars, noise, cap):
    # signs that alternate have almost no spectrum at zero: a third of a short series, or 3 sqrt T
    x = (-1.0) ** np.arange(bars) + noise * np.random.default_rng(1).standard_normal(bars)
    assert cap == np.ceil(min(3 * bars**0.5, bars / 3))
    assert automatic_block(x) == automatic_block(x, kind="circular") == cap
    assert optimal_block_length(x).to_numpy().ravel().tolist() == [cap, cap]


@pytest.mark.parametrize("seed", range(10))
def test_automatic_block_length_on_random_series(seed):
    # arch standardises autocorrelations by one bar less of overlap, which can move the cut-off lag in short series
    g = np.random.default_rng(seed)
    noise, x = g.standard_normal(1500), np.zeros(1500)
    for t in range(1, 1500):
        x[t] = 0.3 * x[t - 1] + noise[t]
    theirs = max(1.0, float(optimal_block_length(x)["stationary"].iloc[0]))
    assert automatic_block(x) == pytest.approx(theirs, rel=1e-9)


# Politis & Romano (1994), Lemma 1, evaluated in numpy
EXACT = {
    "ar06": {
        1: 0.002889636687302852,
        2: 0.005264144065688203,
        5: 0.008352993875910621,
        12: 0.010377051156060694,
        20: 0.010133332282123665,
        50: 0.007390076324742119,
    },
    "iid_ret": {
        1: 1.7730818759907552e-07,
        2: 1.9286752503617943e-07,
        5: 1.887589559370731e-07,
        12: 1.7896141810098172e-07,
        20: 1.7045163428688944e-07,
        50: 1.4087614158864322e-07,
    },
    "ar_neg03": {
        1: 2.2418519585174701e-07,
        2: 1.5644357435042651e-07,
        5: 1.2839434221899478e-07,
        12: 1.2214180071254788e-07,
        20: 1.1191034439526392e-07,
        50: 7.807800255958481e-08,
    },
}
CASES = [(name, block) for name, rows in EXACT.items() for block in rows]


@pytest.mark.parametrize(("name", "block"), CASES)
def test_exact_variance_of_the_resampled_mean(name, block):
    assert variance_of_mean(SERIES[name], block_bars=block) == pytest.approx(EXACT[name][block], rel=1e-12)


def test_exact_variance_of_several_series_at_once():
    both = np.column_stack([SERIES["ar06"], SERIES["iid_ret"]])
    found = variance_of_mean(both, block_bars=12)
    np.testing.assert_allclose(found, [EXACT["ar06"][12], EXACT["iid_ret"][12]], rtol=1e-12)
    assert variance_of_mean(SERIES["ar06"], block_bars=1) == pytest.approx(SERIES["ar06"].var() / 600, rel=1e-12)


@pytest.mark.parametrize(("name", "block"), [case for case in CASES if case[1] in (1, 5, 12, 50)])
def test_resamples_have_the_exact_variance(name, block):
    variance = EXACT[name][block]
    mean, _ = resampled_moments(SERIES[name], np.random.default_rng(1), block_bars=block, repetitions=10_000)
    assert mean.var() == pytest.approx(variance, rel=4 * (2 / 10_000) ** 0.5)
    assert mean.mean() == pytest.approx(SERIES[name].mean(), abs=4 * (variance / 10_000) ** 0.5)


def bar_by_bar(start, length, bars):
    """i64[Z, T]: the bars of each resample, one after the other."""
    rows = []
    for starts, lengths in zip(start, length, strict=True):
        bars_of = [(a + k) % bars for a, n in zip(starts, lengths, strict=True) for k in range(n)]
        rows.append(bars_of)
    return np.array(rows)


@given(
    seed=st.integers(0, 10_000),
    bars=st.integers(3, 120),
    block=st.floats(1, 60),
    scale=st.sampled_from([1e-6, 1.0, 1e6]),
)
@settings(max_examples=60)
def test_prefix_sums_equal_the_plain_resample_on_the_same_draws(seed, bars, block, scale):
    x = (np.random.default_rng(seed).standard_t(3, (bars, 2)) + 0.3) * scale
    drawn = {"block_bars": block, "repetitions": 7}
    chosen = bar_by_bar(*draw_blocks(np.random.default_rng(seed), bars, **drawn), bars)
    assert chosen.shape == (7, bars)
    plain = x[chosen]
    mean, sharpe = resampled_moments(x[:, 0], np.random.default_rng(seed), **drawn)
    np.testing.assert_allclose(mean, plain[:, :, 0].mean(1), rtol=1e-9, atol=1e-12 * scale)
    spread = plain[:, :, 0].std(1, ddof=1)
    varies = spread > 1e-5 * x[:, 0].std()
    np.testing.assert_allclose(sharpe[varies], plain[varies, :, 0].mean(1) / spread[varies], rtol=1e-6, atol=1e-9)
    together = resampled_means(x, np.random.default_rng(seed), **drawn)
    np.testing.assert_allclose(together, plain.mean(1), rtol=1e-9, atol=1e-12 * scale)


def test_long_runs_are_drawn_in_parts():
    x = np.random.default_rng(0).standard_normal((9000, 3)) + np.array([0.0, 1.0, 2.0])
    found = resampled_means(x, np.random.default_rng(1), block_bars=24, repetitions=400)
    assert found.shape == (400, 3)
    error = variance_of_mean(x, block_bars=24) ** 0.5
    assert (np.abs(found.mean(0) - x.mean(0)) < 4 * error / 20).all()
    np.testing.assert_allclose(found.std(0), error, rtol=4 / 800**0.5)


def test_resamples_are_runs_of_the_series():
    # on the series 0..n-1 the moments of a resample by hand: mean and sd of the drawn values
    x = np.arange(50.0)
    mean, sharpe = resampled_moments(x, np.random.default_rng(3), block_bars=50 * 1e6, repetitions=200)
    np.testing.assert_allclose(mean, 24.5)  # one block of 50 bars, wrapped: always the whole series
    np.testing.assert_allclose(sharpe, 24.5 / x.std(ddof=1))


# arch 8.0.0, 5,000 repetitions, seed 12345: mean block, then the ends for the mean and for the Sharpe ratio
ENDS = {
    ("iid_ret", 2, "percentile"): (-0.000399684, 0.001345323, -0.038770973, 0.130743392),
    ("iid_ret", 2, "basic"): (-0.000403419, 0.001341587, -0.039499425, 0.130014940),
    ("iid_ret", 2, "bca"): (-0.000398663, 0.001348823, -0.038796506, 0.130469599),
    ("iid_ret", 5, "percentile"): (-0.000419802, 0.001322134, -0.040378058, 0.129608100),
    ("iid_ret", 5, "basic"): (-0.000380231, 0.001361706, -0.038364133, 0.131622027),
    ("iid_ret", 5, "bca"): (-0.000423747, 0.001320022, -0.040835077, 0.128993787),
    ("iid_ret", 20, "percentile"): (-0.000330921, 0.001317404, -0.032261384, 0.129622127),
    ("iid_ret", 20, "basic"): (-0.000375500, 0.001272825, -0.038377260, 0.123505351),
    ("iid_ret", 20, "bca"): (-0.000314242, 0.001331852, -0.030247509, 0.130782269),
    ("ar06", 12, "percentile"): (-0.237705421, 0.154772085, -0.187618755, 0.115225287),
    ("ar06", 12, "basic"): (-0.252347531, 0.140129975, -0.189267789, 0.113576253),
    ("ar06", 12, "bca"): (-0.236258093, 0.156637894, -0.184493749, 0.117644845),
}


@pytest.mark.parametrize(("name", "block", "method"), ENDS)
def test_interval_ends_are_archs(name, block, method):
    # a 2.5% quantile of 5,000 draws has a standard error of 1.03 pt of a sd sqrt(p (1-p)/5000)/.0584 = .038 sd
    found = sharpe_interval(SERIES[name], np.random.default_rng(5), block_bars=block, repetitions=20_000, method=method)
    assert found is not None
    ends = ENDS[name, block, method]
    for low, high, theirs in (
        (found.mean_low, found.mean_high, ends[:2]),
        (found.sharpe_low, found.sharpe_high, ends[2:]),
    ):
        width = theirs[1] - theirs[0]
        assert (low, high) == pytest.approx(theirs, abs=0.04 * width)


@pytest.mark.parametrize(
    ("name", "block", "sd_mean", "sd_sharpe"),
    [
        ("iid_ret", 2, 0.00043884732341416743, 0.042780869727481116),
        ("iid_ret", 5, 0.00043942065870567577, 0.04291023895594408),
        ("iid_ret", 20, 0.00041854849950799, 0.04093228570776621),
        ("ar06", 12, 0.10165914467398991, 0.0778305766769892),
    ],
)
def test_spread_of_the_resamples_is_archs(name, block, sd_mean, sd_sharpe):
    mean, sharpe = resampled_moments(SERIES[name], np.random.default_rng(8), block_bars=block, repetitions=10_000)
    tolerance = 4 * (1 / 10_000 + 1 / 20_000) ** 0.5  # theirs are of 5,000
    assert mean.std() == pytest.approx(sd_mean, rel=tolerance)
    assert sharpe.std() == pytest.approx(sd_sharpe, rel=tolerance)


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
