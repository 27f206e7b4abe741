"""The bracket policy: events by hand and by a walk, exits that are the label's own, and refusals in one line."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.backtest.policies import BracketConfig
from edgeproof.backtest.run import Replay, run_policy
from edgeproof.core.errors import ConfigError
from edgeproof.labels import OpportunityConfig
from edgeproof.labels.label import Bracket
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.options import Options
from edgeproof.simulator.track import REASONS
from tests.unit.features.panels import random_panel

LABEL = Bracket(take_profit=3.0, stop_loss=1.5, bars=4, in_volatilities=True)


def sides_of(policy, p, *, horizon=3, theta=0.6):
    p = np.array([p])
    whole = np.ones(p.shape, bool)
    return policy.weights(p, whole, whole[0], theta, horizon)[0].tolist()


def test_an_event_lives_h_bars_after_its_fill_and_the_next_one_waits_a_bar():
    high, low = 0.7, 0.3
    assert sides_of(BracketConfig(), [0.5, high, low, low, low, low, low]) == [0, 1, 1, 1, 1, 0, 0]
    assert sides_of(BracketConfig(), [high] * 12) == [1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1]
    assert sides_of(BracketConfig(bars=1), [high] * 6) == [1, 1, 0, 1, 1, 0]
    assert sides_of(BracketConfig(short=True), [low, high, high, high, high, high]) == [-1, -1, -1, -1, 0, 1]


def walk(signal, alive):
    """One symbol in the words of the definition."""
    out, side, left, pause = [], 0, 0, False
    for now in signal:
        if left == 0 and not pause and now != 0:
            side, left = now, alive
        pause = False
        out.append(side if left else 0)
        if left:
            left -= 1
            pause = left == 0
    return out


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.booleans(), st.integers(1, 6))
def test_weights_are_the_walk_of_every_symbol(seed, short, horizon):
    rng = np.random.default_rng(seed)
    p, made, decide = rng.uniform(0.3, 0.7, (3, 60)), rng.random((3, 60)) > 0.3, rng.random(60) > 0.3
    weights = BracketConfig(short=short).weights(p, made, decide, 0.58, horizon)
    for s in range(3):
        can = made[s] & decide
        signal = (can & (p[s] >= 0.58)).astype(int) - (can & (p[s] <= 0.42) & short)
        np.testing.assert_allclose(weights[s] * 3, walk(signal, horizon + 1))


def test_candidates_reach_from_every_event_to_the_best_fiftieth_and_mirror_where_short():
    p = np.linspace(0.1, 0.3, 101)[np.newaxis]
    made = np.ones(p.shape, bool)
    thetas = BracketConfig().candidates(p, made)
    np.testing.assert_allclose(thetas, np.linspace(0.1, 0.1 + 0.98 * 0.2, 20))
    assert BracketConfig(short=True).candidates(p, made).min() > 0.5
    assert BracketConfig().candidates(p, made & False).tolist() == []


def test_every_exit_is_the_label_s_own():
    panel = random_panel(4, 1200, seed=5)
    label = OpportunityConfig(take_profit=1.5, stop_loss=1.0, horizon_bars=6)
    labels, volatility = label.label(panel), label.barrier_volatility(panel)
    policy = BracketConfig()
    options = policy.account(Options(delisting_bars=24), label.bracket(), label.horizon_bars)
    rng = np.random.default_rng(1)
    p, made = rng.uniform(0.3, 0.7, panel.present.shape), np.ones(panel.present.shape, bool)
    made[:, :72] = False  # an event that waits for its volatility would be entered late, and left by its signal
    scene = Replay(p, made, made[0], panel.prices, panel.present, labels.horizon_bars, volatility)
    track = run_policy(policy, scene, 0.5, CostsConfig(), options)
    trades = track.trades
    asset, decided = trades["asset"], trades["entry_bar"] - 1
    reason = np.array(REASONS)[trades["reason"]]
    known = labels.known[asset, decided]
    assert known.sum() > 300
    np.testing.assert_array_equal((reason == "target")[known], labels.y[asset, decided][known] == 1.0)
    assert set(reason[known]) == {"target", "stop", "time"}  # never by a signal: an event is left alone
    np.testing.assert_array_equal(
        np.where(reason == "time", trades["exit_bar"] - 1, trades["exit_bar"])[known],
        labels.resolved_at[asset, decided][known],
    )
    np.testing.assert_allclose(trades["net"].sum(), track.net.sum(), atol=1e-12)


def test_the_account_gets_the_label_s_exits_or_the_policy_s_own():
    plain = Options(delisting_bars=24)
    taken = BracketConfig().account(plain, LABEL, 4)
    assert (taken.take_volatilities, taken.stop_volatilities, taken.bracket_bars) == (3.0, 1.5, 4)
    assert BracketConfig(bars=9).account(plain, LABEL, 4).bracket_bars == 9
    own = BracketConfig(take_profit=0.02, stop_loss=0.01).account(plain, LABEL, 4)
    assert (own.take_profit, own.stop_loss, own.take_volatilities, own.bracket_bars) == (0.02, 0.01, 0.0, 4)
    scaled = BracketConfig(stop_loss=2.0, in_volatilities=True, bars=7).account(plain, None, 1)
    assert (scaled.stop_volatilities, scaled.take_volatilities, scaled.bracket_bars) == (2.0, 0.0, 7)
    assert scaled.delisting_bars == 24


def test_a_distance_that_no_account_takes_is_refused_with_its_unit():
    with pytest.raises(ConfigError, match=r"policy bracket: stop_loss: 5 .* a share: 0\.05 is 5%"):
        BracketConfig(stop_loss=5.0).account(Options(), None, 4)


def test_no_exits_and_two_of_them_are_refused():
    with pytest.raises(ConfigError, match="no barriers"):
        BracketConfig().account(Options(), None, 1)
    with pytest.raises(ConfigError, match="both have exits"):
        BracketConfig().account(Options(stop_loss=0.1), LABEL, 4)
