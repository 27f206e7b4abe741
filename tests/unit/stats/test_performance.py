"""Figures of a return series against empyrical and quantstats, by hand, and at the edges."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from edgeproof.stats.performance import drawdowns, equity_of, performance

DAILY = np.loadtxt(Path(__file__).parent / "reference" / "returns_daily.csv", skiprows=1)
# empyrical-reloaded 0.7.1 and quantstats 0.0.86 on 504 business days
DAILY_VALUES = {
    "sharpe": 0.7291878660677965,
    "sortino": 1.0617653909999,
    "volatility": 0.18688743510623593,
    "max_drawdown": 0.12346517860671559,
    "annual_return": 0.12619659381771653,
    "total_return": 0.268318767926627,
    "calmar": 1.022122960026661,
    "profit_factor": 1.1425865425373056,
    "payoff": 0.990241670198998,
    "win_rate": 0.5357142857142857,
    "var": -0.018238714,
    "cvar": -0.02793204884615385,
    "tail_ratio": 0.9320263753244877,
    "skew": 0.19232265743536917,
    "kurtosis": 7.916972155420285 - 3,
}
# the same packages on eight returns, 252 a year
EIGHT = np.array([0.02, -0.01, 0.03, -0.02, 0.01, 0.0, -0.015, 0.025])
EIGHT_VALUES = {
    "sharpe": 4.1586196805020315,
    "sortino": 8.337700005355813,
    "max_drawdown": 0.02504700000000003,
    "profit_factor": 1.888888888888889,
    "var": -0.01825,
    "cvar": -0.02,
    "calmar": 94.91500855924784,
    "tail_ratio": 1.547945205479452,
}


@pytest.mark.parametrize(("returns", "values"), [(DAILY, DAILY_VALUES), (EIGHT, EIGHT_VALUES)])
def test_agrees_with_empyrical_and_quantstats(returns, values):
    ours = performance(returns, bars_per_year=252)
    assert {name: ours[name] for name in values} == pytest.approx(values, rel=1e-9)
    assert ours["flag"] is None


def test_annualisation_only_at_the_end():
    assert performance(DAILY, bars_per_year=365)["sharpe"] == pytest.approx(0.8775777326568279)
    assert performance(DAILY, bars_per_year=8760)["sharpe"] == pytest.approx(4.299235309275637)
    assert performance(DAILY, bars_per_year=365)["annual_return"] == pytest.approx(0.18784199817758696)


def test_the_start_is_a_peak():
    ours = performance(np.array([-0.1, 0.05, 0.02, -0.03, 0.04]), bars_per_year=252)
    assert ours["max_drawdown"] == pytest.approx(0.1)
    assert ours["max_drawdown_bars"] == 5


def test_length_of_a_drawdown():
    assert drawdowns(np.array([1, 2, 1, 1, 2, 3.0])) == (0.5, 2)
    assert drawdowns(np.array([1, 2, 3.0])) == (0.0, 0)
    assert drawdowns(np.array([3, 2, 1, 1.0])) == (pytest.approx(2 / 3), 3)


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=40))
def test_drawdown_and_its_length_by_a_plain_loop(steps):
    equity = np.exp(np.cumsum([0, *steps]) / 10)
    peak, since, depth, longest = equity[0], 0, 0.0, 0
    for value in equity:
        since = 0 if value >= peak else since + 1
        peak = max(peak, value)
        depth, longest = max(depth, 1 - value / peak), max(longest, since)
    assert drawdowns(equity) == (pytest.approx(depth), longest)


def test_gains_and_losses_by_hand():
    # gains .02 .03 .01 .025, losses .01 .02 .015, one bar of nothing
    ours = performance(EIGHT, bars_per_year=252)
    assert (ours["win_rate"], ours["expectancy"]) == pytest.approx((4 / 7, 0.04 / 7))
    assert ours["payoff"] == pytest.approx(0.02125 / 0.015)
    assert ours["max_drawdown_bars"] == 5  # from the third bar on the peak of 1.02 x .99 x 1.03 is not reached again


def test_tails_are_the_quantiles_of_the_returns_and_the_mean_up_to_them():
    r = np.linspace(-0.1, 0.1, 101)
    ours = performance(r, bars_per_year=252)
    assert (ours["var"], ours["cvar"]) == pytest.approx((-0.09, np.arange(-100, -89, 2).mean() / 1000))
    assert ours["tail_ratio"] == pytest.approx(1)


def test_consistency_is_the_share_of_whole_months_with_a_gain():
    months = np.repeat([0.01, -0.01, 0.01, 0.02], 21)
    assert performance(np.r_[months, -0.5], bars_per_year=252)["consistency"] == 0.75


@pytest.mark.parametrize(
    ("returns", "flag", "expected"),
    [
        ([], "short", {"sharpe": None, "total_return": None}),
        ([0.1], "short", {"sharpe": None}),
        ([0.1, 0.2], None, {"sortino": None, "calmar": None, "max_drawdown": 0.0, "max_drawdown_bars": 0.0}),
        ([0.0, -0.1], None, {"profit_factor": 0.0, "payoff": None, "win_rate": 0.0, "max_drawdown_bars": 1.0}),
        ([0.0] * 9, "flat", {"sharpe": 0.0, "volatility": 0.0, "total_return": 0.0, "win_rate": None, "sortino": None}),
        ([0.01] * 9, "constant", {"sharpe": None, "volatility": 0.0, "calmar": None, "profit_factor": None}),
        ([0.01, 0.02, 0.01, 0.03], None, {"sortino": None, "calmar": None, "profit_factor": None, "win_rate": 1.0}),
        ([-0.01, -0.02], None, {"payoff": None, "profit_factor": 0.0, "win_rate": 0.0}),
        ([0.1, -1.0, 0.5], "ruin", {"total_return": -1.0, "annual_return": -1.0, "max_drawdown": 1.0}),
        ([0.1, -1.5, 9.0], "ruin", {"total_return": -1.0}),
        ([np.nan, 0.1], "not_finite", {"sharpe": None}),
        ([np.inf, 0.1], "not_finite", {"sharpe": None}),
        ([1e300, -0.5, 1e300], "not_finite", {"sharpe": None}),
        ([3.0] * 8 + [2.0], None, {"annual_return": None}),
    ],
)
def test_semantics_of_degenerate_input(returns, flag, expected):
    ours = performance(np.array(returns), bars_per_year=8760)
    assert ours["flag"] == flag
    assert {name: ours[name] for name in expected} == expected
    json.dumps(ours, allow_nan=False)


@given(st.lists(st.floats(-1.2, 2.0), max_size=60))
def test_never_infinite_and_the_same_keys(returns):
    ours = performance(np.array(returns), bars_per_year=8760)
    assert ours.keys() == performance(DAILY, bars_per_year=252).keys()
    json.dumps(ours, allow_nan=False)


@given(st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=40))
def test_equity_ends_at_the_total_return(returns):
    x = np.array(returns)
    assert equity_of(x)[-1] - 1 == pytest.approx(performance(x, bars_per_year=252)["total_return"])
    assert 0 <= drawdowns(equity_of(x))[0] <= 1


def test_skew_and_kurtosis_are_scipys():
    x = np.random.default_rng(0).standard_t(5, 300)
    ours = performance(x * 0.01, bars_per_year=252)
    assert (ours["skew"], ours["kurtosis"]) == pytest.approx((stats.skew(x), stats.kurtosis(x)))
