"""Sharpe inference against the digits of its papers and of the packages that follow them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.stats.sharpe import (
    NORMAL,
    Law,
    minimum_track,
    minimum_track_under_null,
    moments,
    psr,
    psr_under_null,
    standard_error,
)

HERE = Path(__file__).parent / "reference"
HEDGE_FUND = Law(skew=-2.448, kurtosis=10.164)  # Bailey & Lopez de Prado (2012): 24 months

# Lo (2002), Table 1 regenerated from its formula: SR, then T = 12, 24, 36, 48, 60, 125, 250, 500
LO_TABLE_1 = [
    (0.5, 0.306186, 0.216506, 0.176777, 0.153093, 0.136931, 0.094868, 0.067082, 0.047434),
    (0.75, 0.326758, 0.231053, 0.188654, 0.163379, 0.146131, 0.101242, 0.071589, 0.050621),
    (1, 0.353553, 0.25, 0.204124, 0.176777, 0.158114, 0.109545, 0.07746, 0.054772),
    (1.25, 0.385276, 0.272431, 0.222439, 0.192638, 0.172301, 0.119373, 0.08441, 0.059687),
    (1.5, 0.420813, 0.29756, 0.242956, 0.210406, 0.188193, 0.130384, 0.092195, 0.065192),
    (1.75, 0.459279, 0.32476, 0.265165, 0.22964, 0.205396, 0.142302, 0.100623, 0.071151),
    (2, 0.5, 0.353553, 0.288675, 0.25, 0.223607, 0.154919, 0.109545, 0.07746),
    (2.25, 0.542467, 0.383582, 0.313194, 0.271234, 0.242599, 0.168077, 0.118849, 0.084039),
    (2.5, 0.586302, 0.414578, 0.338502, 0.293151, 0.262202, 0.181659, 0.128452, 0.09083),
    (2.75, 0.631219, 0.446339, 0.364434, 0.31561, 0.28229, 0.195576, 0.138293, 0.097788),
    (3, 0.677003, 0.478714, 0.390868, 0.338502, 0.302765, 0.209762, 0.148324, 0.104881),
]
# own Monte Carlo of linear AR(1), T = 1500, 6,000 series: r, SR, marginal skew and kurtosis, sd by the formula of Lopez
# de Prado, Lipton & Zoonekynd (2025), sd by the independent formula, simulated sd (relative s.e. 0.9%)
AR1 = [
    (0, 0.1, 0.0, 3.0, 0.02588435821108957, 0.02588435821108957, 0.026196950103398824),
    (0.3, 0.1, 0.0, 3.0, 0.035243267613657966, 0.02588435821108957, 0.0350249244401725),
    (-0.2, 0.3, 0.0, 3.0, 0.021839057773732923, 0.026394443859772205, 0.02171244274192485),
    (0.2, 0.3, 1.3409425606984855, 5.76923076923077, 0.02703867301637091, 0.021679866606264697, 0.02776682869055664),
    (0.3, 0.5, -1.2617236569929249, 5.5045871559633035, 0.045883855138291386, 0.03570619484761871, 0.04601496682451651),
]
# the same with T = 3000, 20,000 series (relative s.e. 0.5%)
AR1_LONG = [
    (0.2, 0.3, 1.3409425606984855, 5.76923076923077, 0.019119229044161593, 0.019103578663094926),
    (0.3, 0.5, -1.2617236569929249, 5.5045871559633035, 0.03244478511526706, 0.032459026641530414),
]
# returns_daily.csv: benchmark, PSR with ddof 1, biased moments and T - 1, PSR at the null (jsharpe 0.6.3)
FROM_RETURNS = [
    (0.0, 0.8491712233727575, 0.8487828956862612),
    (0.02, 0.7201087427645504, 0.7201035189332704),
    (0.05, 0.4635807908131395, 0.4635427442802613),
]
# Bailey & Lopez de Prado (2012), pypbo's tests: SR and benchmark a year, periods a year, skew, kurtosis, MinTRL, years
TRACK_2012 = [
    (2, 1, 250, 0, 3, 682.7969504320441, 2.7311878017281765),
    (2, 1, 52, 0, 3, 147.0993465211523, 2.828833586945237),
    (2, 1, 12, 0, 3, 38.87760835733578, 3.2398006964446484),
    (2, 1, 12, -0.72, 5.78, 59.895098686507545, 4.9912582238756285),
    (3, 2.5, 12, -0.72, 5.78, 328.23504235248356, 27.352920196040298),
]


@pytest.mark.parametrize("row", LO_TABLE_1)
def test_standard_error_is_lo_2002_table_1(row):
    ours = [standard_error(row[0], periods) for periods in (12, 24, 36, 48, 60, 125, 250, 500)]
    assert ours == pytest.approx(row[1:], abs=6e-7)


@pytest.mark.parametrize(("r", "sharpe", "skew", "kurtosis", "dependent", "independent", "simulated"), AR1)
def test_standard_error_of_a_linear_autoregression(r, sharpe, skew, kurtosis, dependent, independent, simulated):
    assert standard_error(sharpe, 1500, Law(skew, kurtosis, r)) == pytest.approx(dependent, abs=1e-15)
    assert standard_error(sharpe, 1500, Law(skew, kurtosis)) == pytest.approx(independent, abs=1e-15)
    assert dependent == pytest.approx(simulated, rel=3 * 0.0092)


@pytest.mark.parametrize(("r", "sharpe", "skew", "kurtosis", "formula", "simulated"), AR1_LONG)
def test_standard_error_of_a_long_autoregression(r, sharpe, skew, kurtosis, formula, simulated):
    assert standard_error(sharpe, 3000, Law(skew, kurtosis, r)) == pytest.approx(formula, abs=1e-15)
    assert formula == pytest.approx(simulated, rel=3 * 0.005)


def test_standard_error_is_what_independent_returns_show():
    g = np.random.default_rng(2)
    x = 0.6 - g.standard_exponential((20_000, 400))  # skew -2, kurtosis 9, Sharpe -0.4
    ratio = x.mean(axis=1) / x.std(axis=1, ddof=1)
    expected = standard_error(-0.4, 400, Law(skew=-2, kurtosis=9))
    assert ratio.std() == pytest.approx(expected, rel=4 / (2 * 20_000) ** 0.5 + 0.01)


def test_psr_is_bailey_and_lopez_de_prado_2012():
    # 24 months, monthly Sharpe 1.585/sqrt(12): .913 in the paper, .982 if normal
    monthly = 0.45755008833277844
    assert psr(monthly, 24, HEDGE_FUND) == pytest.approx(0.9132343068848602, abs=1e-14)
    assert psr(monthly, 24) == pytest.approx(0.9815912360834967, abs=1e-14)


@pytest.mark.parametrize(("benchmark", "classic", "at_null"), FROM_RETURNS)
def test_psr_of_returns(benchmark, classic, at_null):
    # the fourth digit depends on ddof, bias and T - 1: quantstats .8491705, purgedcv .8494107, here .8491712
    known = moments(np.loadtxt(HERE / "returns_daily.csv", skiprows=1))
    assert known is not None
    assert psr(known.sharpe, known.periods, known.independent, benchmark=benchmark) == pytest.approx(classic, abs=1e-13)
    ours = psr_under_null(known.sharpe, known.periods, known.independent, benchmark=benchmark)
    assert ours == pytest.approx(at_null, abs=1e-13)


def test_against_zero_the_law_of_independent_returns_drops_out_under_the_null():
    assert psr_under_null(0.1, 100, HEDGE_FUND) == psr_under_null(0.1, 100)
    assert psr_under_null(0.1, 100, Law(autocorrelation=0.2)) == pytest.approx(psr_under_null(0.1 / 1.5**0.5, 100))


@pytest.mark.parametrize(("annual", "benchmark", "year", "skew", "kurtosis", "periods", "years"), TRACK_2012)
def test_minimum_track_is_bailey_and_lopez_de_prado_2012(annual, benchmark, year, skew, kurtosis, periods, years):
    ours = minimum_track(annual / year**0.5, Law(skew, kurtosis), benchmark=benchmark / year**0.5)
    assert ours == pytest.approx(periods, abs=1e-9)
    assert ours is not None
    assert ours / year == pytest.approx(years, abs=1e-11)


@given(
    st.floats(0.02, 1.0),
    st.floats(-1.0, 0.9),
    st.floats(-0.5, 0.5),
    st.floats(1.5, 9.0),
    st.floats(-0.4, 0.6),
    st.floats(0.6, 0.999),
)
def test_at_its_minimum_track_a_ratio_reaches_the_confidence(sharpe, below, skew, kurtosis, r, confidence):
    law, benchmark = Law(skew, kurtosis, r), sharpe * below
    long = minimum_track(sharpe, law, benchmark=benchmark, confidence=confidence)
    short = minimum_track_under_null(sharpe, law, benchmark=benchmark, confidence=confidence)
    assert long is not None
    assert short is not None
    assert psr(sharpe, long, law, benchmark=benchmark) == pytest.approx(confidence, abs=1e-9)
    assert psr_under_null(sharpe, short, law, benchmark=benchmark) == pytest.approx(confidence, abs=1e-9)


@pytest.mark.parametrize("sharpe", [0.0, -0.1, 0.05])
def test_no_track_is_long_enough_for_a_ratio_at_or_below_its_benchmark(sharpe):
    assert minimum_track(sharpe, benchmark=0.05) is None
    assert minimum_track_under_null(sharpe, benchmark=0.05) is None


def test_a_ratio_a_hair_above_its_benchmark_needs_no_infinite_track():
    assert minimum_track(5e-324) is None
    assert minimum_track_under_null(5e-324) is None


@pytest.mark.parametrize("x", [[], [0.1], [0.1, 0.2], [0.1] * 9, [0.0] * 9, [np.nan, 1, 2], [1e300, -1e300, 0]])
def test_degenerate_returns_have_no_moments(x):
    assert moments(np.array(x)) is None


def test_moments_by_hand():
    known = moments(np.array([1.0, 0.0, 0.0, 0.0]))
    assert known is not None
    assert (known.sharpe, known.periods) == (0.5, 4)  # mean 1/4, sd 1/2
    assert (known.skew, known.kurtosis) == pytest.approx((1.1547005383792515, 2.3333333333333335))
    # deviations 3/4, -1/4, -1/4, -1/4: neighbours -3/16 + 1/16 + 1/16 over 12/16
    assert known.autocorrelation == pytest.approx(-1 / 12)
    assert known.independent.autocorrelation == 0
    assert known.dependent.autocorrelation == known.autocorrelation


def test_degenerate_laws_have_no_error():
    assert psr(1.0, 1) is None
    assert psr(1.0, 100, Law(skew=5.0)) is None  # no law has such moments: the variance would be negative
    assert standard_error(1.0, 0) is None
    assert psr_under_null(1.0, 0) is None
    assert psr_under_null(1.0, 100, scale=0.0) is None
    assert standard_error(0.1, 100, Law(autocorrelation=1.0)) is None
    assert minimum_track(1.0, Law(skew=5.0)) is None
    assert psr(0.3, 2, NORMAL) is not None
