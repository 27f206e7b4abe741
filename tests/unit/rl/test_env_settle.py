"""The environment keeps no accounts of its own: its equity is the simulator's on the same actions, bit by bit."""

import dataclasses

import numpy as np
import pytest
import torch

from edgeproof.core.rng import Rng
from edgeproof.rl.env import MarketEnv
from edgeproof.rl.market_settings import EnvConfig
from edgeproof.rl.tape import Tape
from edgeproof.simulator.account import EQUITY
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.engines import simulate
from edgeproof.simulator.feed import Outside
from edgeproof.simulator.options import Options
from tests.unit.rl.scene import tape_of


def walked(env: MarketEnv, actions: np.ndarray) -> np.ndarray:
    """Equity of every account at every close of one episode, f64[N, H + 1], and each account's starting row."""
    money, curve = env.state()["money"], []
    curve.append(money[:, EQUITY])
    for action in actions:
        step = env.step(torch.from_numpy(action))
        assert not step.terminated.any()
        curve.append(env.state()["money"][:, EQUITY])
    return np.array(curve).T


def simulated(tape: Tape, start: int, weights: np.ndarray, costs, options) -> np.ndarray:
    """What the simulator makes of the same targets, all of a tape's symbols in one account, from bar `start` on."""
    decided = np.arange(tape.present.shape[1]) >= start
    whole = np.zeros(tape.present.shape)
    whole[:, start : start + weights.shape[1]] = weights
    outside = dataclasses.replace(tape.outside, volatility=tape.volatility if options.in_volatilities else None)
    track = simulate(tape.prices, tape.present, whole, decided, costs, options=options, outside=outside)
    return track.equity[start + 1 : start + 2 + weights.shape[1]]


def only(tape: Tape, s: int) -> Tape:
    """One symbol of a tape."""
    series = {name: getattr(tape, name)[s : s + 1] for name in ("prices", "present", "table", "ready", "volatility")}
    funding = tape.outside.funding_rate
    assert funding is not None
    return Tape(**series, outside=Outside(funding_rate=funding[s : s + 1]))


OPTIONS = {
    "plain": (CostsConfig(), Options()),
    "always": (CostsConfig(), Options(rebalance="always", leverage=2.0)),
    "brackets": (CostsConfig(maker_bps=1.0), Options(stop_loss=0.02, take_profit=0.03, bracket_bars=7)),
    "volatilities": (CostsConfig(), Options(stop_volatilities=1.0, take_volatilities=2.0)),
    "margin": (CostsConfig(borrow_bps_per_bar=3.0), Options(leverage=3.0, maintenance_margin=0.3, liquidation_bps=50)),
    "delisting": (CostsConfig(interest_bps_per_bar=2.0), Options(delisting_bars=2, leverage=2.0)),
    "lots": (CostsConfig(impact=0.5, impact_bars=3), Options(lot=0.001, participation=0.2, carry_unfilled=True)),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_discrete_accounts_earn_what_the_simulator_says(name):
    costs, options = OPTIONS[name]
    tape, steps = tape_of(3, symbols=3, bars=80, gaps=0.0 if name == "lots" else 0.1, window=3), 40
    env = MarketEnv(tape, EnvConfig(episode_bars=steps + 1, sizes=(0.5, 1.0)), costs, options, accounts=40)
    index = env.reset(Rng(5)).index
    assert index is not None
    rows, actions = index.numpy().copy(), np.random.default_rng(0).integers(0, 5, (steps, 40))
    curves, levels = walked(env, actions), np.array(env.config.levels)
    for n, row in enumerate(rows):
        s, t = divmod(int(row), 80)
        one = only(tape, s)
        expected = simulated(one, t, levels[actions[:, n]][np.newaxis], costs, options)
        np.testing.assert_array_equal(curves[n], expected)
