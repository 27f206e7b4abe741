"""Figures of a span: a track worked by hand, costs by kind, and what the forecasts add to trailing volatility."""

import json
from typing import Any

import numpy as np
import pytest

from edgeproof.evaluate.figures import forecast_figures, in_market, trading_figures
from edgeproof.simulator.track import COST_KINDS, TRADE_FIELDS, Track
from edgeproof.stats.performance import performance


def make_track(gross, cost, weights, traded, trades=()):
    """A track of one asset that starts with equity 100; `cost` is commission."""
    gross, cost = np.array(gross, float), np.array(cost, float)
    zero, net = np.zeros_like(gross), gross - cost
    kinds: dict[str, Any] = dict.fromkeys(COST_KINDS, zero) | {"commission": cost}
    return Track(
        **kinds,
        gross=gross,
        net=net,
        equity=100 + np.r_[0.0, np.cumsum(net)],
        weights=np.array(weights, float)[:, None],
        traded=np.array(traded, float),
        trades=np.array([(*trade, trade[6], 0, 0, 0, 0, 0) for trade in trades], TRADE_FIELDS),
    )


HAND = make_track(
    gross=[0, 2, 1, -1, 0, 3],
    cost=[0, 0.5, 0, 0.5, 0, 0.5],
    weights=[0, 1, 1, 0, 0, 0],
    traded=[0, 1, 0, 1, 0, 2],
    trades=[(0, 1, 3, 1, 0, 2.0, 1.0, 1.0), (0, 5, 5, 1, 0, 3.0, 0.5, 2.5)],
)


def test_hand_worked_track():
    figures = trading_figures(HAND, bars_per_year=6)
    net, gross = figures["net"], figures["gross"]
    assert net["total_return"] == pytest.approx(0.035)
    assert net["bars"] == 6
    assert net["turnover"] == 4  # traded notional of 4 equities in a year of six bars
    assert net["exposure"] == pytest.approx(2 / 6)
    assert net["time_in_market"] == pytest.approx(4 / 6)  # the bars of exit and of the one-bar trade count
    assert (net["trades"], net["trade_win_rate"]) == (2, 1.0)
    assert net["trade_payoff"] is None
    assert net["trade_profit_factor"] is None
    returns = HAND.gross_return
    assert net["cost_share"] == pytest.approx((HAND.costs / HAND.equity[:-1]).sum() / returns.sum())
    assert net["cost_commission"] == net["costs"]
    assert net["break_even_bps"] == pytest.approx(returns.sum() / 4 * 1e4)
    assert net["cost_bps"] == pytest.approx(float(net["costs"] or 0) / 4 * 1e4)
    assert gross == performance(returns, bars_per_year=6)


def test_episodes_hold_their_exit_and_one_bar_trades():
    assert in_market(HAND).tolist() == [False, True, True, True, False, True]


def test_at_the_break_even_cost_nothing_is_left():
    g = np.random.default_rng(0)
    traded, gross = g.random(500), g.standard_normal(500) * 0.01 + 0.002
    before = make_track(gross * 100, np.zeros(500), np.ones(500), traded)
    most = float(trading_figures(before, bars_per_year=500)["net"]["break_even_bps"] or 0)
    left = before.gross_return - traded * most / 1e4
    assert left.sum() == pytest.approx(0, abs=1e-12)


def test_a_span_is_a_slice_of_the_track():
    part = trading_figures(HAND, bars_per_year=6, span=slice(4, 6))["net"]
    assert part["bars"] == 2
    assert part["trades"] == 1
    assert part["total_return"] == pytest.approx(2.5 / 101)
    whole = trading_figures(HAND, bars_per_year=6, span=slice(0, 6))
    assert whole == trading_figures(HAND, bars_per_year=6)


def test_loss_before_costs_has_no_cost_share_and_no_break_even():
    losing = make_track([-1.0, 0.5], [0.1, 0.1], [1, 0], [1, 1])
    net = trading_figures(losing, bars_per_year=2)["net"]
    assert net["cost_share"] is None
    assert net["break_even_bps"] is None
    assert net["cost_bps"] == pytest.approx(10, rel=0.02)


def test_holding_and_timing_stand_beside_the_net_return():
    hold = np.array([0, 0.01, 0.0, -0.01, 0.002, 0.0])
    net = trading_figures(HAND, bars_per_year=6, hold_return=hold)["net"]
    assert net["hold_total_return"] == pytest.approx(np.prod(1 + hold) - 1)
    expected = performance(HAND.net_return - hold, bars_per_year=6)["sharpe"]
    assert net["timing_sharpe"] == expected


@pytest.mark.parametrize("bars", [0, 1, 50])
def test_a_model_that_never_trades_and_short_spans_give_json(bars):
    still = make_track(np.zeros(bars), np.zeros(bars), np.zeros(bars), np.zeros(bars))
    figures = trading_figures(still, bars_per_year=8760, hold_return=np.zeros(bars))
    json.dumps(figures, allow_nan=False)
    assert figures["net"]["trades"] == 0
    assert figures["net"]["cost_share"] is None
    if bars == 50:
        assert figures["net"]["sharpe"] == 0
        assert figures["net"]["turnover"] == 0


def test_ruin_gives_json():
    track = make_track([-150.0, 3.0], [0, 0], [1, 1], [1, 1])
    json.dumps(trading_figures(track, bars_per_year=8760), allow_nan=False)


def forecasts(seed=0, symbols=6, bars=2400, strength=0.1, common=0.0):
    g = np.random.default_rng(seed)
    signal = common * g.standard_normal((1, bars // 24)).repeat(24, axis=1) + g.standard_normal((symbols, bars))
    truth = 1 / (1 + np.exp(-strength * 4 * signal))
    label = (g.random((symbols, bars)) < truth).astype(np.float32)
    scored = g.random((symbols, bars)) < 0.9
    return truth.astype(np.float32), label, scored, np.exp(g.standard_normal((symbols, bars))).astype(np.float32)


def test_forecast_figures_look_only_at_scored_samples():
    p, y, scored, _ = forecasts()
    a = forecast_figures(p, y, scored, np.random.default_rng(1), block_bars=24)
    b = forecast_figures(
        np.where(scored, p, np.nan), np.where(scored, y, np.nan), scored, np.random.default_rng(1), block_bars=24
    )
    assert a == b
    assert a["count"] == scored.sum()
    for name in ("auc", "f1_plus", "log_loss", "brier"):
        assert a[f"{name}_low"] <= a[name] <= a[f"{name}_high"]  # pyright: ignore[reportOperatorIssue]


def test_volatility_alone_stands_beside_the_model():
    p, y, scored, volatility = forecasts()
    generator = np.random.default_rng(1)
    useless = forecast_figures(p, y, scored, generator, block_bars=24, volatility=volatility, truth=p)
    assert useless["volatility_auc"] == pytest.approx(0.5, abs=0.02)
    assert useless["auc_over_volatility"] == pytest.approx(float(useless["auc"] or 0) - 0.5, abs=0.02)
    assert useless["soft_auc"] == pytest.approx(float(useless["auc"] or 0), abs=0.02)
    same = forecast_figures(p, y, scored, generator, block_bars=24, volatility=-p)
    assert same["auc_over_volatility"] == pytest.approx(0, abs=1e-9)


def test_auc_within_volatility_takes_out_what_is_only_size():
    g = np.random.default_rng(2)
    size = g.standard_normal((6, 4000))
    label = (g.random(size.shape) < 1 / (1 + np.exp(-0.5 * size))).astype(float)
    p, scored = 1 / (1 + np.exp(-size)), np.ones_like(size, bool)
    only = forecast_figures(p, label, scored, g, block_bars=24, volatility=size)
    assert only["auc"] == pytest.approx(0.64, abs=0.01)
    assert only["auc_within_volatility"] == pytest.approx(0.51, abs=0.015)
    signal = g.standard_normal(size.shape)
    label = (g.random(size.shape) < 1 / (1 + np.exp(-signal))).astype(float)
    p = 1 / (1 + np.exp(-signal))
    real = forecast_figures(p, label, scored, g, block_bars=24, volatility=size)
    assert real["auc_within_volatility"] == pytest.approx(float(real["auc"] or 0), abs=0.005)


def test_intervals_by_blocks_are_wider_where_bars_share_their_fate():
    # all symbols of a day have the same label: single samples would give an interval five times too narrow
    g = np.random.default_rng(3)
    p = np.repeat(g.random((1, 100)), 24, axis=1).repeat(20, axis=0)
    y = np.repeat(g.random((1, 100)) < 0.5, 24, axis=1).repeat(20, axis=0).astype(float)
    scored = np.ones_like(y, bool)
    wide = forecast_figures(p, y, scored, np.random.default_rng(1), block_bars=24)
    shuffled = g.permutation(y.ravel()).reshape(y.shape)
    narrow = forecast_figures(p, shuffled, scored, np.random.default_rng(1), block_bars=24)

    def width(figures):
        return figures["auc_high"] - figures["auc_low"]

    assert width(wide) > 4 * width(narrow)
    assert width(wide) == pytest.approx(4 * 0.058, rel=0.3)  # sd of an AUC of 50 against 50: sqrt(101/12)/50


@pytest.mark.parametrize("kept", [0, 5, 30])
def test_few_samples_give_json_without_an_interval(kept):
    p, y, scored, volatility = forecasts(bars=48)
    scored = np.zeros_like(scored)
    scored[0, :kept] = True
    figures = forecast_figures(p, y, scored, np.random.default_rng(1), block_bars=24, volatility=volatility, truth=p)
    json.dumps(figures, allow_nan=False)
    assert figures["auc_low"] is None


def test_one_class_in_a_resample_gives_no_interval():
    p, y = np.full((1, 480), 0.5), np.zeros((1, 480))
    y[0, 0] = 1
    figures = forecast_figures(p, y, np.ones_like(y, bool), np.random.default_rng(1), block_bars=24)
    assert figures["auc"] == 0.5
    assert figures["auc_low"] is None
    assert figures["brier_low"] is not None
