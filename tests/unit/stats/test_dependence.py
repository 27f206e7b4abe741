"""Dependence: closed forms of moving sums, Lo's table of time aggregation, a plain sum of weighted covariances."""

import numpy as np
import pytest

from edgeproof.stats.dependence import aggregation, autocorrelation, hac_standard_error, long_run_variance
from edgeproof.stats.sharpe import moments, standard_error

# Lo (2002), eta(q) of an AR(1) from its formula (Table 2): rho, then q = 2, 3, 4, 6, 12, 24, 36, 48, 125, 250
LO_TABLE_2 = [
    (
        0.9,
        1.0259783520851542,
        1.0463701596227337,
        1.0653228400734063,
        1.101717419563086,
        1.2070375285423405,
        1.408459533139852,
        1.5971550831961414,
        1.7727447787033133,
        2.6680423369859563,
        3.6981277420469034,
    ),
    (
        0.8,
        1.0540925533894598,
        1.096908636190696,
        1.136657232450789,
        1.2125354823387104,
        1.4266642258699342,
        1.808098043397544,
        2.1361581667885416,
        2.4243633485029306,
        3.7948546294931718,
        5.3179453726439645,
    ),
    (
        0.5,
        1.1547005383792517,
        1.2792042981336627,
        1.3926212476455828,
        1.6,
        2.12128797552083,
        2.91042749533379,
        3.5300904324863245,
        4.05674042269688,
        6.4896766456395625,
        9.153150324227656,
    ),
    (
        0.2,
        1.2909944487358056,
        1.5230192477004285,
        1.7251638983558857,
        2.0732792702865006,
        2.87884869052744,
        4.035180976408307,
        4.927578557969915,
        5.681567579252948,
        9.143961949493189,
        12.920716240994556,
    ),
    (
        0.1,
        1.348399724926484,
        1.6222142113076254,
        1.8565533056306238,
        2.2539164127833056,
        3.160110974295498,
        4.450062474523778,
        5.442496439535506,
        6.280025089999468,
        10.121179975452856,
        14.307720904349123,
    ),
    (
        0,
        1.414213562373095,
        1.7320508075688774,
        2.0,
        2.4494897427831783,
        3.464101615137755,
        4.898979485566357,
        6.0,
        6.92820323027551,
        11.180339887498947,
        15.811388300841896,
    ),
    (
        -0.1,
        1.4907119849998598,
        1.8534061896456464,
        2.157282672301912,
        2.663543273875348,
        3.7978732284797094,
        5.393373786539883,
        6.614715737332504,
        7.643349261259051,
        12.35035475627682,
        17.473089061191526,
    ),
    (
        -0.2,
        1.5811388300841895,
        1.9867985355975655,
        2.3312620206007844,
        2.9009686984845375,
        4.170848014103785,
        5.948585170358599,
        7.306308988110774,
        8.448690943423548,
        13.670299060809173,
        19.34879944424057,
    ),
    (
        -0.5,
        2.0,
        2.4494897427831783,
        3.0237157840738176,
        3.843075691322091,
        5.692169273215387,
        8.25896643229477,
        10.205040771251786,
        11.836727085985727,
        19.262456135156782,
        27.313389027346116,
    ),
]


@pytest.mark.parametrize("row", LO_TABLE_2)
def test_aggregation_is_lo_2002_table_2(row):
    rho = row[0] ** np.arange(1, 250)
    ours = [aggregation(periods, rho) for periods in (2, 3, 4, 6, 12, 24, 36, 48, 125, 250)]
    assert ours == pytest.approx(row[1:], abs=1e-11)


def test_aggregation_by_hand():
    assert aggregation(1, np.zeros(0)) == 1
    assert aggregation(2, np.array([1.0])) == 1  # the second period repeats the first: nothing is gained
    assert aggregation(2, np.array([-1.0])) is None  # the second undoes the first: no variance is left
    with pytest.raises(ValueError, match="2 autocorrelations for 4 periods"):
        aggregation(4, np.zeros(2))


def test_autocorrelation_by_hand():
    # deviations -1, 1, -1, 1: three products of -1, two of 1, over 4
    found = autocorrelation(np.array([0.0, 2, 0, 2]), 2)
    assert found is not None
    assert found.tolist() == [-0.75, 0.5]
    assert autocorrelation(np.ones(9), 2) is None
    assert autocorrelation(np.array([0.0, 2, 0, 2]), 4) is None


def plain_newey_west(x, lags):
    n, sharpe = len(x), x.mean() / x.std(ddof=1)
    z = (x - x.mean()) / x.std()
    u = [float(v - sharpe / 2 * (v * v - 1)) for v in z]
    total = sum(v * v for v in u)
    for k in range(1, lags + 1):
        total += 2 * (1 - k / (lags + 1)) * sum(u[t] * u[t - k] for t in range(k, n))
    return (total / n / n) ** 0.5


@pytest.mark.parametrize("lags", [0, 1, 7])
def test_plain_newey_west(lags):
    x = np.random.default_rng(lags).gamma(2, size=200) - 1.5
    assert hac_standard_error(x, lags=lags) == pytest.approx(plain_newey_west(x, lags), rel=1e-12)


def test_without_lags_it_is_the_formula_of_independent_returns():
    x = np.random.default_rng(0).gamma(2, size=5000) - 1.5
    known = moments(x)
    assert known is not None
    assert hac_standard_error(x, lags=0) == pytest.approx(
        standard_error(known.sharpe, 5000, known.independent), rel=1e-3
    )


@pytest.mark.parametrize("r", [-0.3, 0.2, 0.6])
def test_it_finds_the_error_of_an_autoregression(r):
    e = np.random.default_rng(5).standard_normal(200_000)
    x = np.empty_like(e)
    x[0] = e[0]
    for t in range(1, len(e)):
        x[t] = r * x[t - 1] + e[t]
    x = x / x.std() + 0.1
    known = moments(x)
    assert known is not None
    assert hac_standard_error(x) == pytest.approx(standard_error(known.sharpe, len(x), known.dependent), rel=0.01)


def test_it_is_not_fooled_by_overlap():
    # sums over 4 bars: the long-run variance is 4 times that of a bar; independence would claim half the error
    g = np.random.default_rng(6)
    found = [hac_standard_error(np.convolve(g.standard_normal(4003), np.ones(4), "valid")) for _ in range(40)]
    assert np.mean(np.array(found, dtype=float)) * 4000**0.5 >= 2.0


def test_scale_does_not_matter():
    x = np.random.default_rng(7).standard_t(4, 500)
    assert hac_standard_error(x * 1e-9) == pytest.approx(hac_standard_error(x), rel=1e-9)


@pytest.mark.parametrize("x", [[], [0.1, 0.2], [0.1] * 9, [0.0] * 9, [np.nan, 1, 2]])
def test_degenerate_returns_have_no_error(x):
    assert hac_standard_error(np.array(x)) is None


def test_as_many_lags_as_returns_are_too_many():
    assert hac_standard_error(np.arange(5.0), lags=5) is None
    assert hac_standard_error(np.array([1.0, 2, 4])) is not None


def test_long_run_variance_by_hand():
    # deviations -1, 1, 1, -1: root -1/4, left 3/4, 5/4, -3/4 with lag-1 sum 0, so no lags: (43/16) / 3 / (5/4)^2
    assert long_run_variance(np.array([2.0, 4, 4, 2])) == pytest.approx(43 / 75, rel=1e-12)
    for nothing in (np.full(9, 0.1), np.array([1.0, 2.0]), np.array([1.0, np.nan, 2.0])):
        assert long_run_variance(nothing) is None


@pytest.mark.parametrize("r", [-0.5, 0.0, 0.2, 0.6])
def test_long_run_variance_of_an_autoregression(r):
    e = np.random.default_rng(7).standard_normal(200_000)
    x = np.empty_like(e)
    x[0] = e[0]
    for t in range(1, len(e)):
        x[t] = r * x[t - 1] + e[t]
    assert long_run_variance(x + 5) == pytest.approx(1 / (1 - r) ** 2, rel=0.02)


def test_long_run_variance_is_the_hac_error_of_a_series_without_mean():
    x = np.random.default_rng(8).standard_normal(3000)
    x -= x.mean()
    assert hac_standard_error(x) == pytest.approx((long_run_variance(x / x.std()) or 0) ** 0.5 / 3000**0.5, rel=1e-9)
