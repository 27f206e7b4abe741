"""Each ablation is the simulation that its name says."""

import numpy as np

from edgeproof.backtest.ablations import ablate
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
