"""Each ablation is the simulation that its name says."""

import numpy as np

from edgeproof.backtest.ablations import ablate, without_best
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.engines import simulate
from edgeproof.simulator.options import Options


def test_each_ablation_by_hand():
    prices = np.ones((1, 5, 5))
    prices[0, :, 0], prices[0, :, 3] = [1, 2, 4, 8, 16], [2, 4, 8, 16, 32]
    present, decided = np.ones((1, 5), bool), np.ones(5, bool)
    weights = np.array([[0.5, 0.0, 0.0, 0.0, 0.0]])
    costs = CostsConfig(commission_bps=10.0, half_spread_bps=0.0)
    tracks = ablate(prices, present, (weights, decided, costs, Options()))
    # decided at 2, 0.25 units: filled at 2 and 4, one bar later (decided at 4, 0.125 units) at 4 and 8
    np.testing.assert_allclose(tracks["one_bar_late"].gross, [0, 0, 0.125 * 4, 0, 0])
    np.testing.assert_allclose(tracks["same_close"].gross, [0, 0.25 * 2, 0, 0, 0])
    np.testing.assert_allclose(tracks["same_close"].traded[:1], [0.5])
    whole = simulate(prices, present, weights, decided, costs)
    np.testing.assert_allclose(tracks["costs_twice"].commission[1], 2 * whole.commission[1])
    np.testing.assert_allclose(tracks["costs_twice"].gross, whole.gross)
    assert [track.stamps for track in tracks.values()] == [(), (), ("fill_at_close",)]


def test_twice_the_costs_is_twice_the_penalty_of_a_liquidation_too():
    prices = np.ones((1, 4, 5))
    prices[0, 2:, :4] = 0.6
    prices[0, 2, [0, 1]] = 1.0
    present, decided, weights = np.ones((1, 4), bool), np.ones(4, bool), np.full((1, 4), 2.0)
    options = Options(leverage=2.0, maintenance_margin=0.2, liquidation_bps=100.0)
    tracks = ablate(prices, present, (weights, decided, CostsConfig.free(), options))
    # 2 units at 1; at 0.6 the equity of 0.2 is below 0.24, and 1.2 is sold with 2 x 1% on top
    np.testing.assert_allclose(tracks["costs_twice"].commission, [0, 0, 0.024, 0], atol=1e-12)
    np.testing.assert_allclose(tracks["costs_twice"].equity[-1], 0.176)


def market(seed=3, symbols=4, bars=400):
    rng = np.random.default_rng(seed)
    prices = np.empty((symbols, bars, 5))
    prices[:, :, 3] = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (symbols, bars)), axis=1))
    prices[:, :, 0] = np.roll(prices[:, :, 3], 1, axis=1)
    prices[:, 0, 0], prices[:, :, 4] = 100.0, 1.0
    prices[:, :, 1], prices[:, :, 2] = prices[:, :, [0, 3]].max(2) * 1.002, prices[:, :, [0, 3]].min(2) * 0.998
    weights = np.repeat(rng.integers(-1, 2, (symbols, bars // 8)), 8, axis=1) / symbols
    return prices, np.ones((symbols, bars), bool), weights


def test_without_its_best_trades_the_others_are_what_they_were():
    prices, present, weights = market()
    decided, free = np.ones(400, bool), CostsConfig.free()
    for options in (Options(), Options(stop_loss=0.02, take_profit=0.03)):
        whole = simulate(prices, present, weights, decided, free, options=options)
        rest = ablate(prices, present, (weights, decided, free, options), track=whole)["without_five_best"]

        def share(track):
            return track.trades["net"] / track.equity[track.trades["entry_bar"]]

        assert len(rest.trades) == len(whole.trades) - 5
        best = np.sort(share(whole))
        np.testing.assert_allclose(np.sort(share(rest)), best[:-5], rtol=0.02, atol=1e-5)
        assert rest.equity[-1] < whole.equity[-1]


def test_leaving_out_more_trades_than_there_are_leaves_nothing():
    prices, present, weights = market(bars=80)
    track = simulate(prices, present, weights, np.ones(80, bool), CostsConfig())
    assert not without_best(weights, track, 1000).any()
    assert without_best(weights, track, 0).tobytes() == weights.tobytes()
