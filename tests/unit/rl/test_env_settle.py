"""The environment keeps no accounts of its own: its equity is the simulator's on the same actions, bit by bit."""

import numpy as np
import pytest

from edgeproof.rl.env import MarketEnv
from edgeproof.rl.market_settings import EnvConfig
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.options import Options
from tests.unit.rl.scene import part_of, random_actions, simulated, tape_of, walked, weights_of

OPTIONS = {
    "plain": (CostsConfig(), Options()),
    "always": (CostsConfig(), Options(rebalance="always", leverage=2.0)),
    "brackets": (CostsConfig(maker_bps=1.0), Options(stop_loss=0.02, take_profit=0.03, bracket_bars=7)),
    "volatilities": (CostsConfig(), Options(stop_volatilities=1.0, take_volatilities=2.0)),
    "margin": (CostsConfig(borrow_bps_per_bar=3.0), Options(leverage=3.0, maintenance_margin=0.3, liquidation_bps=50)),
    "delisting": (CostsConfig(interest_bps_per_bar=2.0), Options(delisting_bars=2, leverage=2.0)),
    "lots": (CostsConfig(impact=0.5, impact_bars=3), Options(lot=1e-6, participation=0.2, carry_unfilled=True)),
}
GAPLESS = {"lots"}  # impact is known from bars before the episode, so are last prices in the simulator's longer run


@pytest.mark.parametrize("name", OPTIONS)
def test_accounts_of_one_asset_earn_what_the_simulator_says(name):
    costs, options = OPTIONS[name]
    tape = tape_of(3, symbols=3, bars=80, gaps=0.0 if name in GAPLESS else 0.1, window=3)
    env = MarketEnv(tape, EnvConfig(episode_bars=41, sizes=(0.5, 1.0)), costs, options, accounts=40)
    actions = random_actions(env, 40)
    rows, curves, _ = walked(env, actions)
    for n, row in enumerate(rows):
        s, t = divmod(int(row), 80)
        track = simulated(part_of(tape, slice(s, s + 1)), t, weights_of(env.config, actions, n), costs, options)
        np.testing.assert_array_equal(curves[n], track.equity[t + 1 : t + 42])
    assert (curves.std(axis=1) > 0.0).mean() > 0.9


@pytest.mark.parametrize("name", OPTIONS)
def test_accounts_of_many_assets_earn_what_the_simulator_says(name):
    costs, options = OPTIONS[name]
    tape = tape_of(4, symbols=10, bars=70, window=2)
    tape.present[:, 30:][np.random.default_rng(1).random((10, 40)) < (0.0 if name in GAPLESS else 0.15)] = False
    config = EnvConfig(actions="continuous", assets=5, largest=0.6, episode_bars=41)
    env = MarketEnv(tape, config, costs, options, accounts=12)
    actions = random_actions(env, 40)
    rows, curves, _ = walked(env, actions)
    for n, row in enumerate(rows):
        g, t = divmod(int(row), 70)
        one = part_of(tape, slice(5 * g, 5 * g + 5))
        track = simulated(one, t, weights_of(config, actions, n), costs, options)
        np.testing.assert_array_equal(curves[n], track.equity[t + 1 : t + 42])


@pytest.mark.parametrize("reward", ["log_growth", "differential_sharpe", {"name": "weighted", "exploration_steps": 25}])
@pytest.mark.parametrize("assets", [1, 3])
def test_interpreted_and_compiled_are_equal_to_the_last_bit(reward, assets):
    options = Options(stop_loss=0.4, take_volatilities=1.5, leverage=8.0, maintenance_margin=0.02, delisting_bars=2)
    costs = CostsConfig(impact=1e-3, impact_bars=3, borrow_bps_per_bar=1.0)
    kind = "discrete" if assets == 1 else "continuous"
    config = EnvConfig(actions=kind, assets=assets, episode_bars=9, reward=reward, sizes=(8.0,), largest=8.0)
    tape = tape_of(5, symbols=3, bars=50, gaps=0.1, volatility=0.4, window=2)
    runs = []
    for engine in ("njit", "python"):
        env = MarketEnv(tape, config, costs, options, accounts=8, members=(3, 5), engine=engine)
        runs.append((*walked(env, random_actions(env, 30))[1:], env.state()))
    assert runs[0][0].tobytes() == runs[1][0].tobytes()
    for one, other in zip(runs[0][1], runs[1][1], strict=True):
        assert {name: value.tobytes() for name, value in one.items()} == {k: v.tobytes() for k, v in other.items()}
    assert all(runs[0][2][name].tobytes() == runs[1][2][name].tobytes() for name in runs[0][2])
    assert any(step["terminated"].any() for step in runs[0][1])
    assert any(step["truncated"].any() for step in runs[0][1])
