"""Paths put blocks end to end, and their spread is told as quantiles of the paths alone."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.core.rng import Rng
from edgeproof.evaluate.figures import trading_figures
from edgeproof.evaluate.paths import Block, block_of, distribution, path_figures
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.engines import simulate
from edgeproof.stats.performance import performance

YEAR = 8760.0


def block(net, *, start: int = 0, fold: int = 0, gross=None, hold=None, trades: int = 1) -> Block:
    net = np.asarray(net, dtype=np.float64)
    still = np.zeros(len(net))
    return Block(
        fold=fold,
        start=start,
        stop=start + len(net),
        net=net,
        gross=net if gross is None else np.asarray(gross, dtype=np.float64),
        hold=still if hold is None else np.asarray(hold, dtype=np.float64),
        exposure=still + 0.5,
        traded=still + 0.1,
        active=net != 0,
        trades=trades,
    )


def test_two_blocks_by_hand():
    """+10% and -5%, then +20%: 1.1 x 0.95 x 1.2 = 1.254; gross pays nothing; 0.1 traded a bar."""
    figures = path_figures(
        [block([0.1, -0.05], gross=[0.2, 0.0]), block([0.2], start=2, trades=2)], bars_per_year=YEAR, rng=Rng(0)
    )
    assert figures["total_return"] == pytest.approx(0.254)
    assert figures["gross_total_return"] == pytest.approx(1.2 * 1.2 - 1)
    assert figures["max_drawdown"] == pytest.approx(0.05)
    assert (figures["bars"], figures["trades"]) == (3, 3)
    assert figures["turnover"] == pytest.approx(876.0)
    assert figures["exposure"] == pytest.approx(0.5)
    assert figures["time_in_market"] == 1.0
    assert figures["sharpe_low"] is None  # below 20 bars


def test_timing_is_what_is_left_beside_holding():
    drift = 0.001 * np.random.default_rng(0).standard_normal(400)
    figures = path_figures([block(drift + 0.0005, hold=drift)], bars_per_year=YEAR, rng=Rng(0))
    assert figures["timing_sharpe"] is None  # a constant beyond holding has no spread
    own = path_figures([block(2 * drift, hold=drift)], bars_per_year=YEAR, rng=Rng(0))
    assert own["timing_sharpe"] == pytest.approx(own["hold_sharpe"])
    assert own["sharpe_low"] < own["sharpe"] < own["sharpe_high"]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=5), st.integers(0, 99))
def test_how_a_series_is_cut_into_blocks_moves_nothing(lengths, seed):
    net = 0.01 * np.random.default_rng(seed).standard_normal(sum(lengths))
    ends = np.cumsum([0, *lengths])
    cut = [block(net[a:b], start=int(a), trades=0) for a, b in pairwise(ends)]
    figures = path_figures(cut, bars_per_year=YEAR, rng=Rng(0))
    for name, value in performance(net, bars_per_year=YEAR).items():
        assert figures[name] == value


def test_one_block_has_the_figures_of_its_track():
    draw = np.random.default_rng(3)
    close = np.exp(np.cumsum(0.01 * draw.standard_normal((2, 300)), axis=1))
    prices = np.stack([close, close * 1.01, close * 0.99, close, np.ones_like(close)], axis=2)
    weights = np.where(draw.random((2, 300)) < 0.5, 0.4, 0.0)
    every = np.ones(300, dtype=bool)
    track = simulate(prices, np.ones((2, 300), bool), weights, every, CostsConfig(commission_bps=4, half_spread_bps=1))
    hold = 0.001 * draw.standard_normal(300)
    figures = path_figures([block_of(4, (10, 310), track, hold)], bars_per_year=YEAR, rng=Rng(0))
    expected = trading_figures(track, bars_per_year=YEAR, hold_return=hold)["net"]
    for name in ("sharpe", "total_return", "turnover", "exposure", "trades", "time_in_market", "timing_sharpe"):
        assert figures[name] == pytest.approx(expected[name])


def test_distribution_by_hand():
    paths = [{"sharpe": value} for value in (-1.0, 0.0, 1.0, 3.0, None)]
    spread = distribution(paths, "sharpe")
    assert spread["count"] == 4
    assert spread["mean"] == 0.75
    assert spread["sd"] == pytest.approx(np.std([-1, 0, 1, 3], ddof=1))
    assert [spread[name] for name in ("min", "low", "median", "high", "max")] == [-1.0, -0.25, 0.5, 1.5, 3.0]
    assert spread["below_zero"] == 0.25


def test_one_path_has_no_spread_and_no_path_has_nothing():
    assert distribution([{"sharpe": 2.0}], "sharpe")["sd"] is None
    nothing = distribution([{"sharpe": None}], "sharpe")
    assert nothing["count"] == 0
    assert nothing["median"] is None
