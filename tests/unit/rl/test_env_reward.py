"""Rewards and the account's numbers, beside a plain loop that reads the simulator's track instead of the account."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.core.config import from_mapping
from edgeproof.rl.env import MarketEnv
from edgeproof.rl.market_settings import EnvConfig
from edgeproof.rl.reward import PARTS, WeightedConfig
from edgeproof.rl.tape import Tape
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.options import Options
from edgeproof.simulator.track import REASONS, Track
from tests.unit.rl.scene import numbers, part_of, random_actions, simulated, tape_of, walked, weights_of

COSTS = CostsConfig(commission_bps=30.0, half_spread_bps=10.0, slippage_bps=5.0, borrow_bps_per_bar=1.0)
OPTIONS = Options(stop_loss=0.03, take_profit=0.04, bracket_bars=6, leverage=1.5)
STEPS, BARS = 30, 70
END = REASONS.index("end")
IN_BAR = tuple(REASONS.index(reason) for reason in ("stop", "target", "time"))


def open_trade(track: Track, bar: int) -> tuple[int, int, float]:
    """Side, bars held and money earned of the trade that is open at the close of `bar`; zeros without one."""
    if track.weights[bar, 0] == 0.0:
        return 0, 0, 0.0
    [trade] = [
        each for each in track.trades if each["entry_bar"] <= bar and (each["exit_bar"] > bar or each["reason"] == END)
    ]
    closed = track.trades["net"][(track.trades["exit_bar"] <= bar) & (track.trades["reason"] != END)].sum()
    return int(trade["side"]), int(bar - trade["entry_bar"] + 1), track.equity[bar + 1] - track.equity[0] - closed


def plain_numbers(track: Track, first: int, bar: int) -> list[float]:
    """The six numbers of an account of one asset at the close of `bar`."""
    equity, position = track.equity[bar + 1], track.weights[bar, 0]
    _, held, earned = open_trade(track, bar)
    peak = track.equity[first + 1 : bar + 2].max()
    return [position, earned / equity, held / (held + 24), 1 - equity / peak, abs(position) / 1.5, 1 - position]


def plain_parts(track: Track, tape: Tape, first: int, bar: int, visits: dict[tuple[int, int], int]) -> list[float]:
    """The parts of the weighted reward of the step that ends at the close of `bar`; exploration without its share."""
    ended = [each for each in track.trades if each["exit_bar"] == bar and each["reason"] in IN_BAR]
    now = open_trade(track, bar)[0]
    side = int(ended[-1]["side"]) if ended else now
    start, end = tape.prices[0, bar, 0], tape.prices[0, bar, 3]
    move, sigma = end / start - 1.0, numbers(tape, "volatility")[0, bar - 1]
    right = 0.0 if abs(move) <= 0.009 else math.copysign(side, side * move) * abs(side)
    growth = math.log(track.equity[bar + 1] / track.equity[bar])
    exits = sum({"target": 1, "stop": -1}.get(REASONS[each["reason"]], 0) for each in ended)
    cell = (now, int(numbers(tape, "regime")[0, bar]))
    novel = 1.0 / math.sqrt(1 + visits.get(cell, 0))
    visits[cell] = visits.get(cell, 0) + 1
    drawdown = 1.0 - track.equity[bar + 1] / track.equity[first + 1 : bar + 2].max()
    deep = -max(drawdown - 0.15, 0.0) / 0.85
    return [right, right * abs(move) / sigma, growth / sigma, exits, novel, deep]


def plain_sharpe(returns: np.ndarray, rate: float) -> list[float]:
    """Moody and Saffell's recursion, eq. 7 to 11."""
    a, b, out = 0.0, 0.0, []
    for gain in returns:
        spread = b - a**2
        out.append((b * (gain - a) - 0.5 * a * (gain**2 - b)) / spread**1.5 if spread > 0 else 0.0)
        a, b = a + rate * (gain - a), b + rate * (gain**2 - b)
    return out


def episodes(seed: int, reward: str, **settings_of):
    """(tape of one symbol, first bar, track, account's numbers f32[H, K], steps) of some accounts."""
    config = from_mapping(
        EnvConfig, {"episode_bars": STEPS, "sizes": [0.7, 1.4], "reward": {"name": reward, **settings_of}}
    )
    tape = tape_of(seed, 2, BARS, volatility=0.03)
    env = MarketEnv(tape, config, COSTS, OPTIONS, accounts=6)
    actions = random_actions(env, STEPS, seed)
    rows, _, steps = walked(env, actions, seed)
    for n, row in enumerate(rows):
        s, t = divmod(int(row), BARS)
        one = part_of(tape, slice(s, s + 1))
        track = simulated(one, t, weights_of(config, actions, n), COSTS, OPTIONS)
        own = [{name: value[n] for name, value in step.items()} for step in steps]
        yield one, t, track, own


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_the_account_is_shown_as_the_track_says(seed):
    for _, t, track, steps in episodes(seed, "log_growth", scale=100.0):
        for k, step in enumerate(steps):
            shown = step["final_dense"] if step["truncated"] else step["now_dense"]
            np.testing.assert_allclose(shown, plain_numbers(track, t, t + k + 1), atol=2e-6)
            growth = math.log(track.equity[t + k + 2] / track.equity[t + k + 1])
            np.testing.assert_allclose(step["reward"], np.clip(100.0 * growth, -10, 10), rtol=1e-5, atol=1e-7)
            np.testing.assert_allclose(step["net_growth"], growth, rtol=1e-5, atol=1e-9)
            np.testing.assert_allclose(step["turnover"], track.traded[t + k + 1], rtol=1e-5, atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_the_weighted_reward_and_its_parts_are_those_of_a_plain_loop(seed):
    weights = WeightedConfig()
    for tape, t, track, steps in episodes(seed, "weighted", exploration_steps=20):
        visits: dict[tuple[int, int], int] = {}
        for k, step in enumerate(steps):
            parts = plain_parts(track, tape, t, t + k + 1, visits)
            parts[4] *= max(1.0 - k / 20, 0.0)
            np.testing.assert_allclose([step[name] for name in PARTS], parts, rtol=1e-4, atol=1e-5, err_msg=str(k))
            total = sum(getattr(weights, name) * part for name, part in zip(PARTS, parts, strict=True))
            np.testing.assert_allclose(step["reward"], np.clip(total, -10, 10), rtol=1e-4, atol=1e-5)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_the_differential_sharpe_ratio_is_that_of_the_recursion(seed):
    for _, t, track, steps in episodes(seed, "differential_sharpe", rate=0.1, scale=0.5):
        equity = track.equity[t + 1 : t + 2 + STEPS]
        expected = 0.5 * np.array(plain_sharpe(equity[1:] / equity[:-1] - 1.0, 0.1))
        got = np.array([step["reward"] for step in steps])
        np.testing.assert_allclose(got, np.clip(expected, -10, 10), rtol=1e-4, atol=1e-5)


def test_the_differential_sharpe_ratio_is_the_derivative_of_an_averaged_one():
    """With A and B known, D is dS/d(rate) at 0 of S = A / sqrt(B - A^2), found here by a small rate."""
    a, b, gain, rate = 0.001, 0.0004, 0.013, 1e-7

    def ratio(mean, square):
        return mean / math.sqrt(square - mean**2)

    raised = ratio(a + rate * (gain - a), b + rate * (gain**2 - b))
    formula = (b * (gain - a) - 0.5 * a * (gain**2 - b)) / (b - a**2) ** 1.5
    assert (raised - ratio(a, b)) / rate == pytest.approx(formula, rel=1e-4)


def test_one_step_by_hand():
    """Long 1 at an open of 100, close 102, 10 bps: units 1 / 100, growth ln(1 + 0.02 - 0.001)."""
    prices = np.ones((1, 3, 5))
    prices[0, :, 0], prices[0, :, 3] = [100, 100, 102], [100, 102, 102]
    prices[0, :, 1], prices[0, :, 2] = [100, 102, 102], [100, 100, 102]
    flags, sigma = np.ones((1, 3), bool), np.full((1, 3), 0.01)
    tape = Tape(prices, flags, np.zeros((1, 3, 1), np.float32), flags, volatility=sigma)
    config = EnvConfig(episode_bars=2, starts="first", reward=WeightedConfig(exploration_steps=4))
    costs, options = CostsConfig(commission_bps=10, half_spread_bps=0), Options(leverage=2.0)
    env = MarketEnv(tape, config, costs, options, accounts=1)
    _, equity, [step] = walked(env, random_actions(env, 0) + [env_action(2)])
    assert equity[0, 1] == pytest.approx(1.019)
    growth = math.log(1.019)
    parts = {
        "direction": 1.0,
        "magnitude": 2.0,
        "pnl": growth / 0.01,
        "exits": 0.0,
        "exploration": 1.0,
        "drawdown": 0.0,
    }
    for name, value in parts.items():
        assert step[name][0] == pytest.approx(value), name
    assert step["reward"][0] == pytest.approx(0.35 + 0.1 * 2.0 + 0.25 * growth / 0.01 + 0.1)
    position = 1.02 / 1.019
    shown = [position, 0.019 / 1.019, 1 / 25, 0.0, position / 2.0, -0.001 / 1.019]
    np.testing.assert_allclose(step["now_dense"][0], shown, atol=1e-7)


def env_action(place: int):
    """One account's discrete action."""
    return torch.tensor([place])


def test_the_strict_preset_weighs_drawdowns_more_and_says_nothing_else():
    strict, usual = WeightedConfig.model_validate({"preset": "strict"}), WeightedConfig()
    assert (strict.drawdown, usual.drawdown) == (0.2, 0.05)
    assert strict.model_copy(update={"drawdown": 0.05, "preset": None}) == usual
    assert WeightedConfig.model_validate({"preset": "strict", "drawdown": 0.4}).drawdown == 0.4


def test_ruin_is_worth_the_lower_end():
    prices = np.ones((1, 4, 5))
    prices[0, 2:, [0, 1, 3]], prices[0, 2:, 1] = 3.0, 3.0
    flags = np.ones((1, 4), bool)
    tape = Tape(prices, flags, np.zeros((1, 4, 1), np.float32), flags)
    env = MarketEnv(tape, EnvConfig(episode_bars=3, starts="first"), CostsConfig.free(), accounts=1)
    _, equity, steps = walked(env, [env_action(0), env_action(0)])
    assert [bool(step["terminated"][0]) for step in steps] == [False, True]
    assert not steps[1]["truncated"][0]
    assert steps[1]["reward"][0] == -10.0 == steps[1]["net_growth"][0]
    np.testing.assert_array_equal(steps[1]["final_dense"][0], [0, 0, 0, 1, 0, 0])
    np.testing.assert_array_equal(steps[1]["now_dense"][0], [0, 0, 0, 0, 0, 1])
    assert equity[0, -1] == 1.0
