"""Trading a policy over a span: the threshold that is kept, and what holding would have brought."""

import numpy as np
import pytest

from edgeproof.backtest import run
from edgeproof.backtest.policies import POLICIES, ThresholdConfig
from edgeproof.backtest.run import Replay, choose_theta, hold_return, run_policy, targets
from edgeproof.core.rng import Rng
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.engines import simulate
from edgeproof.simulator.options import Options

SHORT = ThresholdConfig(short=True)


def replay(symbols=3, bars=300, skill=0.0, seed=0):
    """Forecasts of the return from open to open, right more often the larger `skill` is."""
    draw = Rng(seed).child("replay").numpy()
    steps = draw.normal(0.0, 0.01, (symbols, bars))
    opens = 100 * np.exp(np.cumsum(steps, axis=1))
    prices = np.repeat(opens[:, :, np.newaxis], 5, axis=2)
    prices[:, :-1, 3] = opens[:, 1:]
    ahead = np.zeros_like(steps)
    ahead[:, :-2] = steps[:, 2:]  # decided at t, bought at the open of t+1, worth it until the open of t+2
    p = 0.5 + np.clip(skill * ahead + draw.normal(0, 0.02, ahead.shape), -0.4, 0.4)
    made = np.ones(p.shape, bool)
    return Replay(p, made, np.ones(bars, bool), prices, made.copy(), 1)


def test_the_threshold_kept_is_the_one_whose_account_grew_most():
    scene, costs = replay(skill=2.0), CostsConfig()
    choice = choose_theta(SHORT, scene, costs)
    assert len(choice.thetas) == 20
    for k, theta in enumerate(choice.thetas):
        track = run_policy(SHORT, scene, theta, costs)
        assert choice.growth[k] == pytest.approx(track.equity[-1] - 1.0)
        np.testing.assert_array_equal(choice.returns[:, k], track.net_return)
    assert choice.theta == choice.thetas[np.argmax(choice.growth)]
    assert choice.growth.max() > 0.0


def test_without_growth_the_model_never_trades():
    scene = replay()
    choice = choose_theta(SHORT, scene, CostsConfig(commission_bps=50.0))
    assert choice.theta is None
    assert (choice.growth <= 0.0).all()
    track = run_policy(SHORT, scene, choice.theta, CostsConfig())
    assert not track.traded.any()
    assert track.equity.tolist() == [1.0] * 301


def test_without_a_forecast_there_is_no_candidate():
    scene = replay(bars=30)
    nothing = Replay(scene.p, np.zeros_like(scene.made), scene.decide, scene.prices, scene.present, 1)
    choice = choose_theta(SHORT, nothing, CostsConfig())
    assert (choice.theta, len(choice.thetas), choice.returns.shape) == (None, 0, (30, 0))


def test_the_choice_does_not_depend_on_how_many_run_at_once(monkeypatch):
    scene = replay(skill=1.0)
    whole = choose_theta(SHORT, scene, CostsConfig())
    monkeypatch.setattr(run, "PARALLEL_CELLS", 3 * scene.p.size)
    parts = choose_theta(SHORT, scene, CostsConfig())
    assert whole.returns.tobytes() == parts.returns.tobytes()
    assert whole.theta == parts.theta


def test_nothing_outside_a_cut_is_traded_or_read():
    scene, span = replay(skill=2.0), slice(100, 200)
    track = run_policy(SHORT, scene.cut(span), 0.51, CostsConfig())
    p, prices = scene.p.copy(), scene.prices.copy()
    for outside in (slice(0, 100), slice(200, 300)):
        p[:, outside], prices[:, outside] = 0.9, 1.0
    other = Replay(p, scene.made, scene.decide, prices, scene.present, 1)
    assert run_policy(SHORT, other.cut(span), 0.51, CostsConfig()).equity.tobytes() == track.equity.tobytes()
    assert len(track.net) == 100
    assert track.traded[0] == 0.0  # the first decision in the span is filled one bar later


def test_a_forecast_of_the_traded_return_earns_it_and_one_bar_too_late_does_not():
    scene = replay(skill=40.0, bars=2000)
    right = run_policy(SHORT, scene, 0.5, CostsConfig.free())
    late = Replay(np.roll(scene.p, 1, axis=1), scene.made, scene.decide, scene.prices, scene.present, 1)
    # always on the right side of a 1% volatility: E|r| = 0.8% a bar, less the rare wrong forecasts
    assert right.net_return.mean() > 0.005
    assert abs(run_policy(SHORT, late, 0.5, CostsConfig.free()).net_return.mean()) < 0.001


def test_hold_return_by_hand():
    prices = np.ones((2, 4, 5))
    prices[0, :, 3] = [10, 11, 22, 22]
    prices[1, :, 3] = [5, 4, 999, 2]
    present = np.array([[1, 1, 1, 1], [1, 1, 0, 1]], bool)
    every = np.ones(4, bool)
    track = simulate(prices, present, np.array([[0.5] * 4, [0.0] * 4]), every, CostsConfig.free())
    average = track.weights.mean(axis=0)
    assert average[1] == 0.0
    expected = average[0] * np.array([0.0, 0.1, 1.0, 0.0])
    np.testing.assert_allclose(hold_return(track, prices, present), expected)


def test_hold_return_uses_the_last_valid_close_and_knows_nothing_before_the_first():
    prices = np.ones((1, 5, 5))
    prices[0, :, 3] = [777, 10, 888, 5, 10]
    present = np.array([[0, 1, 0, 1, 1]], bool)

    class Half:
        weights = np.full((5, 1), 0.5)

    np.testing.assert_allclose(hold_return(Half(), prices, present), [0, 0, 0, -0.25, 0.5])  # type: ignore[arg-type]


def test_holding_all_the_time_is_all_drift():
    scene = replay(bars=400)
    always = Replay(np.full(scene.p.shape, 0.9), scene.made, scene.decide, scene.prices, scene.present, 1)
    track = run_policy(ThresholdConfig(), always, 0.6, CostsConfig.free())
    timing = track.net_return - hold_return(track, scene.prices, scene.present)
    # what is left is the drift of the weights themselves: a tenth of the volatility that was held
    assert timing.std() < 0.15 * track.net_return.std()


def test_a_symbol_closed_as_delisted_comes_back_only_on_a_new_forecast():
    bars, gap = 80, slice(10, 45)
    present = np.ones((1, bars), bool)
    present[0, gap] = False
    prices = np.full((1, bars, 5), 100.0)
    made = np.zeros((1, bars), bool)
    made[0, 3] = True
    p = np.full((1, bars), 0.9)
    scene = Replay(p, made, np.ones(bars, bool), prices, present, 1)
    track = run_policy(ThresholdConfig(), scene, 0.6, CostsConfig.free(), Options(delisting_bars=24))
    assert (track.weights[4:33] != 0).all(), "held from the fill through the first bars of the halt"
    assert (track.weights[34:] == 0).all(), "not bought back on a forecast that is 42 bars old"

    made[0, 60] = True
    track = run_policy(ThresholdConfig(), scene, 0.6, CostsConfig.free(), Options(delisting_bars=24))
    assert (track.weights[34:61] == 0).all()
    assert (track.weights[61:] != 0).all()


def test_the_median_threshold_trades_whatever_it_earned():
    losing = CostsConfig(commission_bps=50.0)
    scene = replay()
    best, median = choose_theta(SHORT, scene, losing), choose_theta(SHORT, scene, losing, keep="median")
    assert best.theta is None
    assert median.theta == best.thetas[len(best.thetas) // 2]
    np.testing.assert_array_equal(median.growth, best.growth)  # every one is tried and counted all the same


def halting(seed, symbols=4, bars=240):
    """Forecasts of symbols that vanish for a day or two now and then."""
    draw = np.random.default_rng(seed)
    present = np.ones((symbols, bars), bool)
    for s in range(symbols):
        for first in draw.integers(5, bars, 2):
            present[s, first : first + int(draw.integers(10, 60))] = False
    p = 0.5 + draw.normal(0.0, 0.05, present.shape).clip(-0.4, 0.4)
    made = present & (draw.random(present.shape) > 0.2)
    return Replay(p, made, np.arange(bars) % 3 == 0, np.ones((symbols, bars, 5)), present, 30)


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("seed", range(4))
def test_delisted_symbols_are_forgotten_without_looking_ahead(name, seed):
    policy, scene, options = POLICIES[name](), halting(seed), Options(delisting_bars=24)
    was = targets(policy, scene, 0.52, options)  # pyright: ignore[reportArgumentType] - every entry is a policy
    gone = np.array([[not scene.present[s, max(0, t - 23) : t + 1].any() for t in range(240)] for s in range(4)])
    gone[:, :24] = False
    assert gone.any()
    assert not was[gone].any(), "nothing is asked for of a symbol that has been closed"
    assert np.abs(was).sum(axis=0).max() <= 1.0 + 1e-12
    for cut in range(20, 240, 11):
        p, made, present = scene.p.copy(), scene.made.copy(), scene.present.copy()
        p[:, cut:], present[:, cut:] = 1.0 - p[:, cut:], ~present[:, cut:]
        made[:, cut:] = present[:, cut:]
        other = Replay(p, made, scene.decide, scene.prices, present, scene.horizon_bars)
        now = targets(policy, other, 0.52, options)  # pyright: ignore[reportArgumentType]
        assert was[:, :cut].tobytes() == now[:, :cut].tobytes()
