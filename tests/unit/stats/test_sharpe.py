"""Sharpe inference against the digits of its papers."""

from pathlib import Path

import numpy as np
import pytest
from scipy import integrate, stats

from edgeproof.stats.sharpe import dsr, expected_maximum, moments, psr, standard_error

HERE = Path(__file__).parent / "reference"


@pytest.mark.parametrize(
    ("sharpe", "periods", "printed"), [(0.5, 12, 0.306), (3, 500, 0.105), (1, 60, 0.158), (2, 24, 0.354)]
)
def test_standard_error_is_lo_2002_table_1(sharpe, periods, printed):
    assert standard_error(sharpe, periods) == pytest.approx(printed, abs=5e-4)


def test_standard_error_is_what_independent_returns_show():
    g = np.random.default_rng(2)
    x = 0.6 - g.standard_exponential((20_000, 400))  # skew -2, kurtosis 9, Sharpe -0.4
    ratio = x.mean(axis=1) / x.std(axis=1, ddof=1)
    expected = standard_error(-0.4, 400, skew=-2, kurtosis=9)
    assert ratio.std() == pytest.approx(expected, rel=4 / (2 * 20_000) ** 0.5 + 0.01)


def test_psr_is_bailey_and_lopez_de_prado_2012():
    # 24 months, monthly Sharpe 1.585/sqrt(12), skew -2.448, kurtosis 10.164: .913 in the paper, .982 if normal
    monthly = 0.45755008833277844
    assert psr(monthly, 24, skew=-2.448, kurtosis=10.164) == pytest.approx(0.9132343068848602, abs=1e-14)
    assert psr(monthly, 24) == pytest.approx(0.9815912360834967, abs=1e-14)


def test_psr_of_returns():
    # ddof 1, biased moments, T - 1: .8491712 (quantstats: unbiased moments .8491705, purgedcv ddof 0 .8494107)
    known = moments(np.loadtxt(HERE / "returns_daily.csv", skiprows=1))
    assert known is not None
    law = {"skew": known.skew, "kurtosis": known.kurtosis}
    assert psr(known.sharpe, known.periods, **law) == pytest.approx(0.8491712233727575, abs=1e-13)
    assert psr(known.sharpe, known.periods, benchmark=0.05, **law) == pytest.approx(0.4635807908131395, abs=1e-13)


@pytest.mark.parametrize(
    ("trials", "value", "exact"),
    [
        (2, 0.5197553442805939, 0.5641895835477563),
        (10, 1.57459830134575, 1.538752730835173),
        (46, 2.2441708308410098, 2.2163951680005023),
        (100, 2.530602893201682, 2.507593636441684),
        (1000, 3.2551215136527256, 3.241435769133441),
    ],
)
def test_expected_maximum(trials, value, exact):
    assert expected_maximum(trials) == pytest.approx(value, abs=1e-12)

    def density(x):
        return x * trials * stats.norm.pdf(x) * stats.norm.cdf(x) ** (trials - 1)

    assert integrate.quad(density, -10, 10)[0] == pytest.approx(exact, abs=1e-8)
    assert abs(value / exact - 1) < 0.08


def test_one_trial_expects_nothing():
    assert expected_maximum(1) == 0
    with pytest.raises(ValueError, match="0 trials"):
        expected_maximum(0)


@pytest.mark.parametrize(
    ("trials", "skew", "kurtosis", "value"),
    [(100, -3, 10, 0.900396834449391), (46, -3, 10, 0.9505017068755786), (88, 0, 3, 0.9504908166760142)],
)
def test_dsr_is_bailey_and_lopez_de_prado_2014(trials, skew, kurtosis, value):
    # annual Sharpe 2.5 over 1,250 days, variance of trials 1/2 a year; the paper prints .9004, .9505, .9505
    daily, variance = 2.5 / 250**0.5, 0.5 / 250
    ours = dsr(daily, 1250, trials=trials, trial_variance=variance, skew=skew, kurtosis=kurtosis)
    assert ours == pytest.approx(value, abs=1e-13)


def test_dsr_is_not_a_calibrated_p_value():
    # closed form: with 100 independent trials on noise "DSR > .95" happens in 0.15% of cases, not in 5%
    g = np.random.default_rng(3)
    z = g.standard_normal((20_000, 100)).max(axis=1)
    claimed = np.mean([float(dsr(v / 1000**0.5, 1000, trials=100, trial_variance=1e-3) or 0) > 0.95 for v in z])
    assert claimed == pytest.approx(0.0015, abs=0.001)


@pytest.mark.parametrize("x", [[], [0.1, 0.2], [0.1] * 9, [0.0] * 9, [np.nan, 1, 2], [1e300, -1e300, 0]])
def test_degenerate_returns_have_no_moments(x):
    assert moments(np.array(x)) is None


def test_degenerate_moments_have_no_psr():
    assert psr(1.0, 1) is None
    assert psr(1.0, 100, skew=5.0, kurtosis=3.0) is None  # no law has such moments: the variance would be negative
    assert standard_error(1.0, 0) is None
