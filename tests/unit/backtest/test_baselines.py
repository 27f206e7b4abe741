"""Baselines: rules worked by hand, one's own trades turned in time, and a p-value that is uniform without skill."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from edgeproof.backtest import baselines as module
from edgeproof.backtest.baselines import BASELINES, baselines, random_entries, rotated
from edgeproof.backtest.run import Replay
from edgeproof.core.rng import Rng
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.engines import simulate
from edgeproof.simulator.options import Options
from tests.unit.simulator.cases import market

COSTS, OPTIONS = CostsConfig(), Options(delisting_bars=24)
DRAWN = 4  # symbols


def scene(prices: np.ndarray, present: np.ndarray | None = None, horizon: int = 1, every: int = 1) -> Replay:
    shape = prices.shape[:2]
    present = np.ones(shape, bool) if present is None else present
    decide = np.arange(shape[1]) % every == 0
    return Replay(np.full(shape, 0.5), np.zeros(shape, bool), decide, prices, present, horizon)


def hand(close: list[float]) -> np.ndarray:
    return np.repeat(np.array([close], float)[:, :, np.newaxis], 5, axis=2)


def test_persistence_by_hand():
    replay = scene(hand([10, 11, 11, 9, 12, 8]))
    assert BASELINES["persistence"](replay, True).tolist() == [[0, 1, 0, -1, 1, -1]]
    assert BASELINES["persistence"](replay, False).tolist() == [[0, 1, 0, 0, 1, 0]]
    seldom = scene(hand([10, 11, 11, 9, 12, 8]), every=2)
    assert BASELINES["persistence"](seldom, True).tolist() == [[0, 0, 0, 0, 1, 1]]
    gone = np.array([[1, 1, 0, 0, 1, 1]], bool)  # the last valid close stands in for a bar that is missing
    assert BASELINES["persistence"](scene(hand([10, 11, 99, 1, 12, 8]), gone), True).tolist() == [[0, 1, 0, 0, 1, -1]]


def test_momentum_looks_a_day_or_the_horizon_back():
    rising = np.r_[np.full(30, 10.0), np.full(40, 11.0)].tolist()
    found = BASELINES["momentum"](scene(hand(rising)), True)[0]
    assert found.tolist() == [0.0] * 30 + [1.0] * 24 + [0.0] * 16
    found = BASELINES["momentum"](scene(hand(rising), horizon=30), True)[0]
    assert found.tolist() == [0.0] * 30 + [1.0] * 30 + [0.0] * 10


def test_every_baseline_is_in_the_same_account():
    prices = market(np.random.default_rng(1), 3, 200)
    replay = scene(prices)
    tracks = baselines(replay, COSTS, OPTIONS, short=True)
    assert set(tracks) == {"flat", "buy_and_hold", "momentum", "persistence"}
    assert not tracks["flat"].net.any()
    assert tracks["buy_and_hold"].traded.sum() == pytest.approx(1.0, rel=1e-2)
    for name, track in tracks.items():
        assert track.commission.sum() * 1e-4 == pytest.approx(track.spread.sum() * 4e-4), name
    shy = baselines(replay, COSTS, OPTIONS, short=False)
    assert all((track.weights >= 0).all() for track in shy.values())
    exits = baselines(replay, COSTS, Options(delisting_bars=24, stop_loss=0.01), short=True)
    assert exits["buy_and_hold"].net.tobytes() == tracks["buy_and_hold"].net.tobytes()


def test_no_rule_knows_a_later_bar():
    prices, g = market(np.random.default_rng(2), 3, 120), np.random.default_rng(3)
    present = g.random((3, 120)) < 0.9
    for name, rule in BASELINES.items():
        was = rule(scene(prices, present), True)
        for at in g.integers(10, 119, 10):
            later, shown = prices.copy(), present.copy()
            later[:, at + 1 :] *= np.exp(g.standard_normal(later[:, at + 1 :].shape))
            shown[:, at + 1 :] = g.random((3, 119 - at)) < 0.5
            now = rule(scene(later, shown), True)
            np.testing.assert_array_equal(was[:, : at + 1], now[:, : at + 1], err_msg=name)


def test_rotation_by_hand():
    weights = np.array([[0, 1, 1, 0, 0, -1, 0, 0], [0, 2, 2, 2, 0, 0, 0, 0]], float)
    every = np.ones((2, 8), bool)
    assert rotated(weights, every, 0.2).tolist() == [[0, 0, 0, 1, 1, 0, 0, -1], [0, 0, 0, 2, 2, 2, 0, 0]]
    listed = every.copy()
    listed[1, :4] = False  # from bar 4 on: its own four bars are turned by one, and nothing is asked before
    late = np.array([[0, 1, 1, 0, 0, -1, 0, 0], [0, 0, 0, 0, 3, 3, 0, 0]], float)
    assert rotated(late, listed, 0.2).tolist() == [[0, 0, 0, 1, 1, 0, 0, -1], [0, 0, 0, 0, 0, 3, 3, 0]]


@given(st.integers(0, 2**31), st.floats(0, 0.999))
def test_a_rotation_keeps_every_target_and_its_order(seed, share):
    g = np.random.default_rng(seed)
    present = g.random((3, 50)) < g.choice([0.5, 0.9, 1.0])
    weights = np.repeat(g.choice([-0.3, 0.0, 0.3], (3, 10)), 5, axis=1)
    found = rotated(weights, present, share)
    for s in range(3):
        mine, theirs = weights[s, present[s]], found[s, present[s]]
        np.testing.assert_array_equal(theirs, np.roll(mine, 1 + int(share * (len(mine) - 1))))
        ends = (np.diff(theirs) != 0).sum() - (np.diff(mine) != 0).sum()
        assert abs(int(ends)) <= 1


def model(g, bars: int = 240, symbols: int = DRAWN) -> np.ndarray:
    """Runs of six bars on one side, half of what is held common to all symbols: no knowledge of any price."""
    common = np.repeat(g.choice([-1.0, 0.0, 1.0], (1, bars // 6)), 6, axis=1)
    own = np.repeat(g.choice([-1.0, 0.0, 1.0], (symbols, bars // 6)), 6, axis=1)
    return np.where(g.random((symbols, 1)) < 0.5, common, own) / symbols


def grown(weights: np.ndarray, replay: Replay, costs: CostsConfig = COSTS) -> float:
    every = np.ones(weights.shape[1], bool)
    return float(simulate(replay.prices, replay.present, weights, every, costs, options=OPTIONS).equity[-1] - 1.0)


def test_draws_trade_as_often_and_as_much_as_the_model(monkeypatch):
    g = np.random.default_rng(5)
    replay, weights = scene(market(g, DRAWN, 600, 0.005)), model(g, 600)
    every = np.ones(600, bool)
    mine = simulate(replay.prices, replay.present, weights, every, COSTS, options=OPTIONS)
    for share in g.random(5):
        track = simulate(
            replay.prices, replay.present, rotated(weights, replay.present, share), every, COSTS, options=OPTIONS
        )
        assert abs(len(track.trades) - len(mine.trades)) <= DRAWN
        assert track.traded.sum() == pytest.approx(mine.traded.sum(), abs=2.2)  # at most two sides a symbol of 1/S
    one = random_entries(weights, replay, COSTS, OPTIONS, Rng(1).numpy(), growth=0.0, draws=50)
    monkeypatch.setattr(module, "CELLS_AT_ONCE", 3 * weights.size)
    other = random_entries(weights, replay, COSTS, OPTIONS, Rng(1).numpy(), growth=0.0, draws=50)
    assert one is not None
    assert other is not None
    assert one.growth.tobytes() == other.growth.tobytes()
    shares = Rng(1).numpy().random(50)
    assert one.growth[7] == grown(rotated(weights, replay.present, shares[7]), replay)
    assert one.p_value == (1 + (one.growth >= 0).sum()) / 51


def test_a_model_that_never_trades_has_no_random_entries():
    replay = scene(market(np.random.default_rng(0), 2, 50))
    assert random_entries(np.zeros((2, 50)), replay, COSTS, OPTIONS, Rng(0).numpy(), growth=0.0) is None


def one_p(seed: int, symbols: int = DRAWN) -> float:
    g = np.random.default_rng(seed)
    shared = np.exp(np.cumsum(g.normal(0, 0.01, (1, 240)), axis=1))[:, :, np.newaxis]
    prices = market(g, symbols, 240, 0.005)
    prices[:, :, :4] *= shared
    replay, weights = scene(prices), model(g, 240, symbols)
    growth = grown(weights, replay)
    found = random_entries(weights, replay, COSTS, OPTIONS, g, growth=growth, draws=99)
    assert found is not None
    return found.p_value


def test_without_skill_the_p_value_is_uniform():
    p = np.array([one_p(seed) for seed in range(250)])
    assert stats.kstest(p - 0.005, "uniform").pvalue > 0.01
    assert abs((p <= 0.05).mean() - 0.05) <= 3 * np.sqrt(0.05 * 0.95 / 250)
    assert abs(p.mean() - 0.505) <= 3 * np.sqrt(1 / 12 / 250)


def test_a_model_that_knows_the_next_bar_beats_every_draw():
    g = np.random.default_rng(9)
    prices = market(g, DRAWN, 240)
    ahead = np.zeros((DRAWN, 240))
    ahead[:, :-2] = np.sign(prices[:, 2:, 0] - prices[:, 1:-1, 0]) / DRAWN
    replay = scene(prices)
    found = random_entries(ahead, replay, COSTS, OPTIONS, g, growth=grown(ahead, replay), draws=199)
    assert found is not None
    assert found.p_value == 1 / 200
