"""What must hold of any account, each on the domain where it holds (SPEC section 5)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.core.rng import Rng
from edgeproof.simulator.account import BY_STOP, BY_TARGET
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.engines import simulate, simulate_many
from edgeproof.simulator.feed import Outside
from edgeproof.simulator.options import Options
from edgeproof.simulator.track import COST_KINDS
from tests.unit.simulator.cases import MONEY, four, full_scenes, market, scenes

COSTS = CostsConfig(commission_bps=10.0, half_spread_bps=3.0, slippage_bps=2.0)
ALWAYS = Options(rebalance="always")
OPTIONS = st.sampled_from([Options(), ALWAYS, Options(delisting_bars=2)])


def one_entry(rng, assets=4, bars=40, side=1.0):
    """Targets whose orders in units do not depend on the later equity: all enter at bar 0, each leaves once."""
    sides = rng.choice([-1.0, 1.0], assets) * side
    leave = rng.integers(1, bars, assets)
    return np.where(np.arange(bars) < leave[:, np.newaxis], (0.9 / assets * sides)[:, np.newaxis], 0.0)


@settings(max_examples=100, deadline=None)
@given(scenes(), OPTIONS)
def test_money_is_neither_made_nor_lost(scene, options):
    track = simulate(*four(scene), COSTS, options=options)
    scale = max(track.equity.max(), np.abs(track.gross).max())
    np.testing.assert_allclose(track.net, track.gross - track.costs, atol=1e-12 * scale)
    np.testing.assert_allclose(np.diff(track.equity), track.net, atol=1e-9 * scale)
    assert track.equity[-1] == pytest.approx(track.equity[0] + track.gross.sum() - track.costs.sum(), abs=1e-9 * scale)
    assert (track.equity >= 0.0).all()


@settings(max_examples=100, deadline=None)
@given(scenes(), OPTIONS)
def test_trades_sum_to_the_track(scene, options):
    track = simulate(*four(scene), COSTS, options=options)
    scale = max(1.0, np.abs(track.trades["gross"]).sum(), np.abs(track.gross).sum())
    for name, whole in (("gross", track.gross), ("cost", track.costs), ("net", track.net)):
        assert track.trades[name].sum() == pytest.approx(whole.sum(), abs=1e-9 * scale)
    assert (track.trades["exit_bar"] >= track.trades["entry_bar"]).all()
    assert (np.diff(track.trades["exit_bar"]) >= 0).all()


@settings(max_examples=100, deadline=None)
@given(scenes())
def test_gross_exposure_is_within_the_equity_after_the_costs_of_a_fill(scene):
    prices, present, weights, decided = scene
    prices = prices.copy()
    prices[:, :, 3] = prices[:, :, 0]  # marked where it was filled, so the weights show the moment after the fill
    decided = np.zeros_like(decided)
    decided[:, 0] = True
    track = simulate(prices, present, weights, decided, COSTS)
    assert np.abs(track.weights[1:2]).sum() <= 1.0 + 1e-12


@settings(max_examples=60, deadline=None)
@given(scenes(), OPTIONS, st.randoms(use_true_random=False))
def test_the_order_of_assets_does_not_matter(scene, options, random):
    prices, present, weights, decided = scene
    order = list(range(len(present)))
    random.shuffle(order)
    track = simulate(*four(scene), COSTS, options=options)
    other = simulate(prices[order], present[order], weights[order], decided[order], COSTS, options=options)
    scale = max(track.equity.max(), np.abs(track.gross).max())
    np.testing.assert_allclose(other.equity, track.equity, atol=1e-12 * scale)
    np.testing.assert_allclose(
        other.weights, track.weights[:, order], atol=1e-11 * max(1.0, np.abs(track.weights).max())
    )


@settings(max_examples=60, deadline=None)
@given(scenes(), OPTIONS, st.data())
def test_nothing_after_a_bar_moves_anything_up_to_it(scene, options, data):
    prices, present, weights, decided = (part.copy() for part in scene)
    cut = data.draw(st.integers(0, present.shape[1] - 1))
    track = simulate(prices, present, weights, decided, COSTS, options=options)
    rng = np.random.default_rng(cut)
    later = np.s_[:, cut + 1 :]
    prices[later] *= rng.uniform(0.5, 2.0, prices[later].shape)
    present[later], decided[later] = rng.random(present[later].shape) > 0.5, rng.random(decided[later].shape) > 0.5
    weights[later] = rng.uniform(-1, 1, weights[later].shape)
    other = simulate(prices, present, weights, decided, COSTS, options=options)
    for name in MONEY:
        end = cut + 2 if name == "equity" else cut + 1
        assert getattr(track, name)[:end].tobytes() == getattr(other, name)[:end].tobytes(), name


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_the_same_orders_at_more_cost_never_end_higher(seed):
    rng = np.random.default_rng(seed)
    prices = market(rng, 4, 40)
    scene = prices, np.ones((4, 40), bool), one_entry(rng), np.ones(40, bool)
    ends = []
    for name in ("commission_bps", "half_spread_bps", "slippage_bps"):
        levels = [CostsConfig.free().model_copy(update={name: value}) for value in (0.0, 5.0, 50.0)]
        tracks = [simulate(*four(scene), costs) for costs in levels]
        for track in tracks[1:]:
            np.testing.assert_allclose(track.gross, tracks[0].gross, atol=1e-12)  # the orders are the same
        ends.append([track.equity[-1] for track in tracks])
    assert all(free > low > high for free, low, high in ends)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([Options(), ALWAYS]))
def test_the_same_targets_at_more_cost_never_end_higher(seed, options):
    rng = np.random.default_rng(seed)
    scene = market(rng, 3, 50), np.ones((3, 50), bool), rng.choice([-0.2, 0.0, 0.1, 0.25], (3, 50)), np.ones(50, bool)
    ends = [simulate(*four(scene), COSTS.times(factor), options=options).equity[-1] for factor in (0.0, 0.5, 1.0, 2.0)]
    assert ends == sorted(ends, reverse=True)


EVERY_COST = [
    COSTS,
    COSTS.model_copy(update={"commission_minimum": 1e-4, "commission_per_unit": 1e-7}),
    COSTS.model_copy(update={"impact": 1.0, "impact_bars": 4}),
]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(EVERY_COST))
def test_opposite_orders_have_opposite_gross(seed, costs):
    rng = np.random.default_rng(seed)
    prices, weights, every = market(rng, 4, 40), np.zeros((4, 40)), np.ones(40, bool)
    prices[:, :, 4] = 1e3 / prices[:, :, 0]
    weights[:, 6:] = 0.5 * one_entry(rng, bars=34)  # the impact's horizon is known by then
    present = np.ones((4, 40), bool)
    long, short = (simulate(prices, present, side * weights, every, costs) for side in (1.0, -1.0))
    np.testing.assert_allclose(long.gross, -short.gross, atol=1e-9)
    np.testing.assert_allclose(long.costs, short.costs, atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(scenes(), OPTIONS)
def test_at_constant_prices_only_costs_are_lost(scene, options):
    prices, present, weights, decided = scene
    flat = np.broadcast_to(prices[:, :1, :1], prices.shape)
    track = simulate(flat, present, weights, decided, COSTS, options=options)
    assert np.abs(track.gross).max() <= 1e-12
    assert track.equity[-1] == pytest.approx(1.0 - track.costs.sum(), abs=1e-12)
    rate, before = sum(COSTS.rates()), track.equity[:-1]
    np.testing.assert_allclose(track.costs, rate * track.traded * before, atol=1e-12)


def test_without_an_edge_the_expected_result_is_not_above_minus_the_costs():
    draw = Rng(1).child("no edge").numpy()
    gross, net, costs = [], [], []
    for _ in range(40):
        step = 1.0 + draw.choice([-0.02, 0.02], (3, 2, 400))  # simple returns of mean zero: a martingale
        close = np.cumprod(step[:, 0] * step[:, 1], axis=1)
        prices = np.repeat(close[:, :, np.newaxis], 5, axis=2)
        prices[:, :, 0] = close / step[:, 1]
        weights = draw.choice([-0.3, 0.0, 0.3], (10, 3, 400))
        tracks = simulate_many(prices, np.ones((3, 400), bool), weights, np.ones(400, bool), COSTS)
        gross.append(np.mean([track.gross.sum() for track in tracks]))
        net.append(np.mean([track.net.sum() for track in tracks]))
        costs.append(np.mean([track.costs.sum() for track in tracks]))
    error = np.std(gross, ddof=1) / np.sqrt(len(gross))  # of the mean over 40 independent markets: about 0.006
    assert abs(np.mean(gross)) <= 4 * error
    assert np.mean(net) <= -np.mean(costs) + 4 * error


def grid_market(draw, assets, bars, *, ticks):
    """A martingale that moves by one tick of 0.2% at a time, `ticks` of them a bar: nothing is ever jumped over."""
    up = 1.002
    rises = draw.random((assets, bars, ticks)) < (1.0 - 1.0 / up) / (up - 1.0 / up)  # E[next] = now
    level = np.cumsum(np.where(rises, 1, -1).reshape(assets, -1), axis=1).reshape(assets, bars, ticks)
    before = np.concatenate([np.zeros((assets, 1), int), level[:, :-1, -1]], axis=1)
    prices = np.ones((assets, bars, 5))
    prices[:, :, 0], prices[:, :, 3] = up**before, up ** level[:, :, -1]
    prices[:, :, 1] = up ** np.maximum(level.max(axis=2), before)
    prices[:, :, 2] = up ** np.minimum(level.min(axis=2), before)
    return prices


def test_without_an_edge_brackets_gain_nothing_either():
    # stop and target on the grid, so each is touched exactly; both touched counts as the stop, which can only cost
    draw = Rng(3).child("no edge").numpy()
    options = Options(stop_loss=(1 - 1.002**-8) * (1 - 1e-12), take_profit=(1.002**12 - 1) * (1 - 1e-12))
    gross, net, costs, stops, targets = [], [], [], 0, 0
    for _ in range(40):
        prices = grid_market(draw, 3, 300, ticks=16)
        weights = np.repeat(draw.choice([-0.3, 0.0, 0.3], (10, 3, 60)), 5, axis=2)
        tracks = simulate_many(prices, np.ones((3, 300), bool), weights, np.ones(300, bool), COSTS, options=options)
        gross.append(np.mean([track.gross.sum() for track in tracks]))
        net.append(np.mean([track.net.sum() for track in tracks]))
        costs.append(np.mean([track.costs.sum() for track in tracks]))
        reasons = np.concatenate([track.trades["reason"] for track in tracks])
        stops, targets = stops + (reasons == BY_STOP).sum(), targets + (reasons == BY_TARGET).sum()
    error = np.std(gross, ddof=1) / np.sqrt(len(gross))
    assert min(stops, targets) > 1_000
    assert np.mean(gross) <= 4 * error
    assert np.mean(net) <= -np.mean(costs) + 4 * error


@settings(max_examples=200, deadline=None)
@given(full_scenes(), st.randoms(use_true_random=False), st.data())
def test_whatever_is_on_money_adds_up_and_neither_order_nor_future_matters(case, random, data):
    scene, costs, options, outside = case
    track = simulate(*four(scene), costs, options=options, outside=outside)
    scale = max(track.equity.max(), np.abs(track.gross).max())
    assert (track.equity >= 0.0).all()
    np.testing.assert_allclose(np.diff(track.equity), track.net, atol=1e-9 * scale)
    for name in ("gross", "net", *COST_KINDS):
        whole = scale + np.abs(track.trades["gross"]).sum()
        assert track.trades[name].sum() == pytest.approx(getattr(track, name).sum(), abs=1e-9 * whole)
    assert all((getattr(track, kind) >= 0.0).all() for kind in COST_KINDS if kind != "funding")

    order = list(range(len(scene[1])))
    random.shuffle(order)
    given_series = (outside.volatility, outside.funding_rate, outside.impact_volatility)
    series = Outside(*(None if part is None else part[order] for part in given_series))
    shuffled = [part[order] for part in scene]
    other = simulate(*four(shuffled), costs, options=options, outside=series)
    np.testing.assert_allclose(other.equity, track.equity, atol=1e-9 * scale)

    cut = data.draw(st.integers(0, scene[1].shape[1] - 1))
    prices, present, weights, decided = (part.copy() for part in scene)
    prices[:, cut + 1 :] *= 1.3
    weights[:, cut + 1 :], present[:, cut + 1 :] = -0.2, present[:, cut + 1 :][:, ::-1]
    later = simulate(prices, present, weights, decided, costs, options=options, outside=outside)
    for name in MONEY:
        end = cut + 2 if name == "equity" else cut + 1
        assert getattr(track, name)[:end].tobytes() == getattr(later, name)[:end].tobytes(), name


@settings(max_examples=60, deadline=None)
@given(full_scenes())
def test_a_fill_leaves_gross_exposure_within_the_limit_whatever_it_costs(case):
    (prices, present, weights, decided), costs, options, outside = case
    costs = costs.model_copy(update={"borrow_bps_per_bar": 0.0, "interest_bps_per_bar": 0.0})  # due after the fill
    prices = prices.copy()
    prices[:, :, 1:4] = prices[:, :, :1]  # marked where it was filled
    decided = np.zeros_like(decided)
    decided[:, min(6, decided.shape[1] - 1)] = True  # one decision, from flat
    track = simulate(prices, present, weights, decided, costs, options=options, outside=outside)
    first = np.flatnonzero(track.traded)[:1]
    limit = options.leverage or 1.0
    assert np.abs(track.weights[first]).sum() <= limit * (1 + 1e-9)


@settings(max_examples=100, deadline=None)
@given(full_scenes())
def test_at_constant_prices_only_costs_are_lost_whatever_is_on(case):
    (prices, present, weights, decided), costs, options, outside = case
    flat = prices.copy()
    flat[:, :, :4] = prices[:, :1, :1]
    track = simulate(flat, present, weights, decided, costs, options=options, outside=outside)
    alive = track.equity[1:] > 0.0
    assert np.abs(track.gross[alive]).max(initial=0.0) <= 1e-12 * options.start
    lost = np.cumsum(track.costs)[alive]
    np.testing.assert_allclose(track.equity[1:][alive], options.start - lost, atol=1e-9 * options.start)
    assert (
        np.abs(track.trades["gross"][track.trades["exit_bar"] < alive.sum()]).max(initial=0.0) <= 1e-9 * options.start
    )


HOLDING = {
    "borrow_bps_per_bar": ({}, 10.0, -1.0),
    "interest_bps_per_bar": ({"leverage": 3.0}, 10.0, 2.0),
    "maker_bps": ({"take_profit": 0.02}, 50.0, 1.0),
}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(sorted(HOLDING)))
def test_more_of_what_holding_and_resting_cost_never_ends_higher_on_the_same_orders(seed, name):
    options, level, scale = HOLDING[name]
    rng = np.random.default_rng(seed)
    prices = market(rng, 4, 40)
    weights = scale * np.abs(one_entry(rng))
    every, present = np.ones(40, bool), np.ones((4, 40), bool)
    costs = [CostsConfig.free().model_copy(update={name: x}) for x in (0.0, level, 3 * level)]
    tracks = [simulate(prices, present, weights, every, cost, options=Options(**options)) for cost in costs]
    if min(track.equity.min() for track in tracks) > 0.0:  # else the account is closed, and the orders differ
        for track in tracks[1:]:
            np.testing.assert_allclose(track.gross, tracks[0].gross, atol=1e-12)
        free, low, high = (track.equity[-1] for track in tracks)
        charged = tracks[1].costs.sum() > 0.0
        assert (free > low > high) if charged else (free == low == high)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["commission_per_unit", "commission_minimum", "impact"]))
def test_more_of_a_new_cost_never_ends_higher_on_the_same_orders(seed, name):
    rng = np.random.default_rng(seed)
    prices = market(rng, 4, 40)
    prices[:, :, 4] = 1e3 / prices[:, :, 0]
    weights = np.zeros((4, 40))
    weights[:, 6:] = 0.5 * one_entry(rng, bars=34)
    every, present = np.ones(40, bool), np.ones((4, 40), bool)
    level = 1e-4 / prices[:, 0, 0].max() if name == "commission_per_unit" else 1e-4 if "minimum" in name else 0.1
    costs = [CostsConfig.free().model_copy(update={name: x, "impact_bars": 4}) for x in (0.0, level, 10 * level)]
    free, low, high = (simulate(prices, present, weights, every, cost) for cost in costs)
    np.testing.assert_allclose(high.gross, free.gross, atol=1e-12)
    assert free.equity[-1] > low.equity[-1] > high.equity[-1]
