"""The best of N ratios against the papers' examples, exact integrals, closed forms and simulation."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from edgeproof.stats.deflated import (
    dsr,
    dsr_sidak,
    dsr_under_null,
    expected_maximum,
    maximum_mean,
    maximum_variance,
    minimum_backtest,
    minimum_backtest_bound,
    sidak_critical,
)
from edgeproof.stats.sharpe import Law, moments, psr_under_null

HERE = Path(__file__).parent / "reference"

# N, the approximation, exact mean and variance of the maximum (mpmath quadrature)
MAXIMUM = [
    (2, 0.5197553442805939, 0.5641895835477563, 0.6816901138162094),
    (3, 0.8528044961506946, 0.8462843753216345, 0.559467203797367),
    (5, 1.1925940010147893, 1.1629644736405196, 0.447534069020662),
    (10, 1.57459830134575, 1.538752730835173, 0.34434382326069024),
    (20, 1.9007079511811984, 1.8674750597983205, 0.27569661561853126),
    (45, 2.2356401777664057, 2.207719563998444, 0.22135432513639622),
    (46, 2.2441708308410098, 2.2163951680005023, 0.22015501238393942),
    (50, 2.2763030934203483, 2.24907362938985, 0.21571240996351426),
    (88, 2.485294787590924, 2.461556917421211, 0.18951517782613123),
    (100, 2.530602893201682, 2.507593636441684, 0.1844048135858254),
    (200, 2.7655239046335502, 2.7460424474511544, 0.16072442526763953),
    (500, 3.0525275745280833, 3.0366993459289313, 0.1372015928346107),
    (1000, 3.2551215136527256, 3.241435769133441, 0.12345541709394084),
    (10000, 3.8606648555102643, 3.851615817066675, 0.09251100119198773),
]
# Bailey & Lopez de Prado (2014), numerical example: N, skew, kurtosis, SR0, DSR, as printed
PAPER = [
    (100, -3, 10, 0.11317200186513203, 0.900396834449391, 0.9004),
    (46, -3, 10, 0.10036237061765359, 0.9505017068755786, 0.9505),
    (88, 0, 3, 0.11114576178358415, 0.9504908166760142, 0.9505),
]
# the same inputs by jsharpe 0.6.3: variance at SR0 and divisor T; times the variance of the maximum
PAPER_2025 = [
    (100, -3, 10, 0.9128229505631347, 0.9992197247053324),
    (46, -3, 10, 0.9620230265764792, 0.9999222935544085),
    (88, 0, 3, 0.9510853064329209, 0.9999284539054376),
    (100, 0, 3, 0.9433885770821384, 0.9998871503816562),
]
# closed forms, 1 - Phi(c)^N with c = Emax + 1.645 (times sd of the maximum): N, size of both, Sidak's critical z
COMPLETE_NULL = [
    (2, 0.03018633513957369, 0.05949345050785892, 1.9545083272139914),
    (3, 0.01863552986074988, 0.054827474107479124, 2.121201429680507),
    (5, 0.011317367866674864, 0.05344405118818437, 2.318679209826409),
    (10, 0.006403268651592705, 0.0540924101176224, 2.5678753685925684),
    (20, 0.003910492192611303, 0.055514176716009306, 2.799211472482397),
    (45, 0.0023428159517154246, 0.05721122972205179, 3.051316429825886),
    (46, 0.0023122842348370608, 0.057254251891852195, 3.057905260240795),
    (50, 0.0022007464090388847, 0.0574156267604612, 3.0827926681604003),
    (88, 0.001593871029522259, 0.058428663135996796, 3.2472116204287076),
    (100, 0.0014858513538722016, 0.05863769341760748, 3.2834075352738954),
    (200, 0.0010313759639636931, 0.05964705569137183, 3.4739444633577317),
    (500, 0.0006585793781084057, 0.060697656846941665, 3.712573252387846),
    (1000, 0.00047912920713568085, 0.06132060603697042, 3.8843975012078267),
    (10000, 0.0001840247364724318, 0.0626959230994976, 4.4116489904449185),
]
# pypbo asserts 4.998087 for N = 45; N, years, bound
BACKTEST = [
    (45, 4.998087004443406, 7.613324979540639),
    (7, 1.9231434066641204, 3.8918202981106265),
    (100, 6.403951003080723, 9.210340371976184),
    (1000, 10.595816068644812, 13.815510557964274),
]
DAILY, VARIANCE = 2.5 / 250**0.5, 0.5 / 250  # annual Sharpe 2.5 over 1,250 days, variance of trials 1/2 a year


@pytest.mark.parametrize(("trials", "approximate", "mean", "variance"), MAXIMUM)
def test_maximum_of_normals(trials, approximate, mean, variance):
    assert expected_maximum(trials) == pytest.approx(approximate, abs=1e-12)
    assert maximum_mean(trials) == pytest.approx(mean, abs=1e-12)
    assert maximum_variance(trials) == pytest.approx(variance, abs=1e-12)


def test_the_maximum_has_known_closed_forms():
    assert maximum_mean(2) == pytest.approx(np.pi**-0.5, abs=1e-14)
    assert maximum_mean(3) == pytest.approx(1.5 * np.pi**-0.5, abs=1e-14)
    assert maximum_variance(2) == pytest.approx(1 - 1 / np.pi, abs=1e-14)
    assert (maximum_mean(1), maximum_variance(1)) == pytest.approx((0, 1), abs=1e-13)


def test_a_second_quadrature_agrees_between_whole_numbers():
    def density(x):
        return x * 7.3 * stats.norm.pdf(x) * stats.norm.cdf(x) ** 6.3

    assert maximum_mean(7.3) == pytest.approx(integrate.quad(density, -10, 10)[0], abs=1e-9)


@given(st.floats(1, 1e6), st.floats(1, 100))
def test_more_trials_expect_more(trials, factor):
    assert 0 <= expected_maximum(trials) <= expected_maximum(trials * factor) + 1e-12
    assert maximum_mean(trials) <= maximum_mean(trials * factor) + 1e-12
    assert sidak_critical(trials) <= sidak_critical(trials * factor) + 1e-12


def test_one_trial_expects_nothing():
    assert expected_maximum(1) == 0
    assert dsr(0.1, 100, trials=1, trial_variance=1.0) == pytest.approx(stats.norm.cdf(0.1 * (99 / 1.005) ** 0.5))
    for count in (expected_maximum, maximum_mean, sidak_critical, minimum_backtest, minimum_backtest_bound):
        with pytest.raises(ValueError, match="0 trials"):
            count(0)


@pytest.mark.parametrize(("trials", "skew", "kurtosis", "benchmark", "value", "printed"), PAPER)
def test_dsr_is_bailey_and_lopez_de_prado_2014(trials, skew, kurtosis, benchmark, value, printed):
    ours = dsr(DAILY, 1250, Law(skew, kurtosis), trials=trials, trial_variance=VARIANCE)
    assert ours == pytest.approx(value, abs=1e-13)
    assert value == pytest.approx(printed, abs=5e-5)
    assert VARIANCE**0.5 * expected_maximum(trials) == pytest.approx(benchmark, abs=1e-14)


@pytest.mark.parametrize(("trials", "skew", "kurtosis", "at_null", "of_maximum"), PAPER_2025)
def test_dsr_under_the_null_is_lopez_de_prado_et_al_2025(trials, skew, kurtosis, at_null, of_maximum):
    law, benchmark = Law(skew, kurtosis), VARIANCE**0.5 * expected_maximum(trials)
    assert psr_under_null(DAILY, 1250, law, benchmark=benchmark) == pytest.approx(at_null, abs=1e-12)
    ours = dsr_under_null(DAILY, 1250, law, trials=trials, trial_variance=VARIANCE)
    assert ours == pytest.approx(of_maximum, abs=1e-10)  # their variance of the maximum is good to 4e-10


def test_dsr_from_returns():
    # purgedcv 0.1.11 on column s3 of pbo_matrix_skill.csv: std ddof 0, unbiased moments, T - 1
    noise = np.loadtxt(HERE / "pbo_matrix_noise.csv", delimiter=",", skiprows=1)
    table = noise + 0.0012 * (np.arange(12) == 3) + 0.0006 * (np.arange(12) == 7)
    ratios = np.array([known.sharpe for known in map(moments, table.T) if known is not None])
    assert ratios.var(ddof=1) == pytest.approx(0.00421035316859233, abs=1e-9)
    law = Law(-0.038118634236579664, 2.9895175892085217)
    ours = dsr(0.11533480063569283, 480, law, trials=12, trial_variance=0.00421035316859233)
    assert ours == pytest.approx(0.563208482600733, abs=1e-13)
    assert expected_maximum(12) == pytest.approx(1.6648113879749364, abs=1e-12)


@pytest.mark.parametrize(("trials", "classic", "of_maximum", "critical"), COMPLETE_NULL)
def test_sizes_on_pure_noise_in_closed_form(trials, classic, of_maximum, critical):
    mean, spread, z = expected_maximum(trials), maximum_variance(trials) ** 0.5, stats.norm.ppf(0.95)
    assert -np.expm1(trials * stats.norm.logcdf(mean + z)) == pytest.approx(classic, rel=1e-9)
    assert -np.expm1(trials * stats.norm.logcdf(mean + z * spread)) == pytest.approx(of_maximum, rel=1e-9)
    assert sidak_critical(trials) == pytest.approx(critical, abs=1e-11)
    assert dsr_sidak(critical / 1e4**0.5, 10_000, trials=trials) == pytest.approx(0.95, abs=1e-11)


def test_sidak_keeps_digits_where_powers_lose_them():
    # 1e9 trials: 1 - p = Phi(8)^1e9 = 1 - 6.22e-7
    ours = dsr_sidak(8 / 1e4**0.5, 10_000, trials=1e9)
    assert ours is not None
    assert 1 - ours == pytest.approx(1e9 * stats.norm.sf(8), rel=1e-6)


@pytest.mark.parametrize(("trials", "years", "bound"), BACKTEST)
def test_minimum_backtest_is_bailey_et_al_2014(trials, years, bound):
    assert minimum_backtest(trials) == pytest.approx(years, abs=1e-12)
    assert minimum_backtest_bound(trials) == pytest.approx(bound, abs=1e-12)
    assert minimum_backtest(trials, sharpe=2.0) == pytest.approx(years / 4)


def test_degenerate_input_has_no_value():
    impossible = Law(skew=5.0)
    assert dsr(1.0, 1, trials=9, trial_variance=1e-3) is None
    assert dsr(1.0, 100, impossible, trials=9, trial_variance=1e-3) is None
    assert dsr_under_null(1.0, 0, trials=9, trial_variance=1e-3) is None
    assert dsr_sidak(1.0, 0, trials=9) is None
    assert dsr_sidak(1.0, 100, Law(autocorrelation=1.0), trials=9) is None
    assert minimum_backtest(9, sharpe=0.0) is None
    assert minimum_backtest_bound(9, sharpe=-1.0) is None
    assert dsr(0.1, 100, trials=9, trial_variance=-1e-18) == dsr(0.1, 100, trials=9, trial_variance=0.0)
