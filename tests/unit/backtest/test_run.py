"""Trading a policy over a span: the threshold that is kept, and what holding would have brought."""

import dataclasses

import numpy as np
import pytest

from edgeproof.backtest import run
from edgeproof.backtest.baselines import baselines
from edgeproof.backtest.policies import POLICIES, ThresholdConfig, TopKConfig
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


S, T = 8, 300


def halting(seed, every=6):
    """Forecasts of symbols that vanish for half a day up to two and a half days, several times each."""
    draw = np.random.default_rng(seed)
    present = np.ones((S, T), bool)
    for s in range(S):
        for first in draw.integers(5, T, 3):
            present[s, first : first + int(draw.integers(10, 60))] = False
    p = 0.5 + draw.normal(0.0, 0.05, present.shape).clip(-0.4, 0.4)
    made = present & (draw.random(present.shape) > 0.2)
    return Replay(p, made, np.arange(T) % every == 0, np.ones((S, T, 5)), present, 30)


def closed(present, bars=24):
    """bool[S, T] where a symbol that had a bar has had none for `bars` bars or more."""
    gone = np.zeros(present.shape, bool)
    for s in range(len(present)):
        for t in range(bars, T):
            gone[s, t] = present[s, :t].any() and not present[s, t - bars + 1 : t + 1].any()
    return gone


def variants(name):
    kind = POLICIES[name]
    few = {"k": 2} if "k" in kind.model_fields else {}
    own = [{"exit": "opposite"}, {"exit": "horizon"}] if "exit" in kind.model_fields else [{}]
    sides = [{"short": False}, {"short": True}] if "short" in kind.model_fields else [{}]
    return [kind.model_validate({**side, **few, **other}) for side in sides for other in own]


class Outside:
    """A policy of another package that was written before there was anything to forget."""

    def candidates(self, p, made):
        return ThresholdConfig().candidates(p, made)

    def weights(self, p, made, decide, theta, horizon_bars):
        return TopKConfig(k=2, short=True).weights(p, made, decide, theta, horizon_bars)


EVERY = [*(policy for name in POLICIES for policy in variants(name)), Outside()]


@pytest.mark.parametrize("policy", EVERY, ids=lambda policy: type(policy).__name__)
def test_delisted_symbols_are_forgotten_without_looking_ahead(policy):
    options = Options(delisting_bars=24)
    for seed in range(12):
        scene, another = halting(seed, every=1 + seed % 7), halting(seed + 100)
        was = targets(policy, scene, 0.52, options)
        gone = closed(scene.present)
        assert gone.any()
        assert not was[gone].any(), "nothing is asked for of a symbol that has been closed"
        assert np.abs(was).sum(axis=0).max() <= 1.0 + 1e-12
        for cut in range(20 + seed, T, 37):
            p, made, present = scene.p.copy(), scene.made.copy(), scene.present.copy()
            p[:, cut:], made[:, cut:], present[:, cut:] = (
                x[:, cut:] for x in (another.p, another.made, another.present)
            )
            other = Replay(p, made, scene.decide, scene.prices, present, scene.horizon_bars)
            now = targets(policy, other, 0.52, options)
            assert was[:, :cut].tobytes() == now[:, :cut].tobytes()


@pytest.mark.parametrize("policy", EVERY[:-1], ids=lambda policy: type(policy).__name__)
def test_a_delisting_touches_no_symbol_that_competes_for_no_place(policy):
    scene, options = dataclasses.replace(halting(3), horizon_bars=60), Options(delisting_bars=24)
    was, never = targets(policy, scene, 0.52, options), targets(policy, scene, 0.52, Options())
    first = closed(scene.present).any(axis=0).argmax()
    assert was[:, :first].tobytes() == never[:, :first].tobytes()
    if not isinstance(policy, TopKConfig):
        assert (was != never).any()
        one = dataclasses.replace(scene, present=np.vstack([scene.present[:1], np.ones((S - 1, T), bool)]))
        assert targets(policy, one, 0.52, options)[1:].tobytes() == never[1:].tobytes()


def test_an_exposure_scales_what_is_asked_for_and_what_it_is_compared_with():
    scene = replay(skill=2.0)
    twice = dataclasses.replace(scene, exposure=2.0)
    options = Options(leverage=2.0)
    np.testing.assert_array_equal(targets(SHORT, twice, 0.51, options), 2 * targets(SHORT, scene, 0.51, options))
    assert twice.cut(slice(10, 90)).exposure == 2.0
    one, two = (run_policy(SHORT, some, 0.51, CostsConfig.free(), options) for some in (scene, twice))
    assert np.abs(two.weights).sum(axis=1).max() > 1.5 > np.abs(one.weights).sum(axis=1).max()
    held = baselines(twice, CostsConfig.free(), options, short=False)["buy_and_hold"]
    assert np.abs(held.weights[5]).sum() == pytest.approx(2.0, abs=0.05)
    choice = choose_theta(SHORT, twice, CostsConfig.free(), options)
    assert choice.growth.max() > choose_theta(SHORT, scene, CostsConfig.free(), options).growth.max()


def test_a_symbol_that_is_listed_late_or_ends_early_is_no_timing():
    bars, first, last = 300, 100, 250
    close = 1.001 ** np.arange(bars)[np.newaxis] * np.array([[1.0], [2.0]])
    prices = np.repeat(close[:, :, np.newaxis], 5, axis=2)
    present = np.ones((2, bars), bool)
    present[0, :first], present[0, last:] = False, False
    weights = np.where(present, 0.5, 0.0)
    options = Options(delisting_bars=1, rebalance="always")
    track = simulate(prices, present, weights, np.ones(bars, bool), CostsConfig.free(), options=options)
    timing = track.net_return - hold_return(track, prices, present)
    assert abs(timing.sum()) < 0.02 * track.net_return.sum()  # always long: drift and nothing else
    held = hold_return(track, prices, present)
    assert held[: first + 1] == pytest.approx(held[1 : first + 2].min(), abs=6e-4)  # the listed one alone
