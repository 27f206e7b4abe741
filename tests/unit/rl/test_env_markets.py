"""What markets without an edge take and what knowledge of the next bar would bring, in the environment."""

import dataclasses

import numpy as np
import pytest
import torch

from edgeproof.core.rng import Rng
from edgeproof.rl.env import MarketEnv
from edgeproof.rl.market_settings import EnvConfig
from edgeproof.rl.tape import Tape
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.options import Options

FREE = CostsConfig.free()
COSTS = CostsConfig(commission_bps=8.0, half_spread_bps=2.0)


def fair_tape(seed: int, symbols: int, bars: int, sigma: float = 0.01) -> Tape:
    """Opens at the close before, closes a fair coin away: the expected return of every bar is zero, also in logs."""
    rng = np.random.default_rng(seed)
    steps = np.exp(sigma * rng.choice([-1.0, 1.0], (symbols, bars)))
    steps *= 2.0 / (np.exp(sigma) + np.exp(-sigma))  # a martingale: the mean of the price's factor is 1
    close = np.cumprod(steps, axis=1)
    prices = np.ones((symbols, bars, 5))
    prices[:, :, 3] = close
    prices[:, :, 0] = np.concatenate([np.ones((symbols, 1)), close[:, :-1]], axis=1)
    prices[:, :, 1], prices[:, :, 2] = prices[:, :, [0, 3]].max(2), prices[:, :, [0, 3]].min(2)
    flags = np.ones((symbols, bars), bool)
    return Tape(prices, flags, np.zeros((symbols, bars, 1), np.float32), flags)


def random_run(tape: Tape, costs: CostsConfig, options: Options, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Growth of the money, and notional traded in start money, of accounts that act by chance, f64[N] each."""
    config = EnvConfig(episode_bars=0, starts="first", sizes=(0.5,))
    env = MarketEnv(tape, config, costs, options, accounts=len(tape.present))
    env.reset(Rng(0))
    draw = torch.Generator().manual_seed(1)
    growth, traded = np.zeros(env.accounts), np.zeros(env.accounts)
    for _ in range(steps):
        step = env.step(torch.randint(0, 3, (env.accounts,), generator=draw))
        traded += np.exp(growth) * step.figures["turnover"].numpy()
        growth += step.figures["net_growth"].numpy()
    return np.exp(growth) - 1.0, traded


@pytest.mark.parametrize("options", [Options(), Options(stop_loss=0.015, take_profit=0.015)])  # as far either way
def test_a_random_policy_without_an_edge_earns_minus_its_costs(options):
    accounts, steps = 6_000, 20
    tape = fair_tape(0, accounts, steps + 1)
    gain, traded = random_run(tape, COSTS, options, steps)
    lost = gain + 0.001 * traded  # equity stays near 1 within 20 bars: costs are 10 bps of what was traded
    error = lost.std() / np.sqrt(accounts)
    assert abs(lost.mean()) < 3.3 * error + 2e-4 * traded.mean() * 0.1
    assert 0.001 * traded.mean() > 5 * error  # the costs themselves would be seen
    assert gain.mean() < -3 * error


def test_a_random_policy_without_costs_earns_nothing():
    gain, _ = random_run(fair_tape(1, 6_000, 21), FREE, Options(), 20)
    assert abs(gain.mean()) < 3.3 * gain.std() / np.sqrt(len(gain))


def knowing_run(tape: Tape, late: int) -> float:
    """Mean log growth a bar of accounts that take the side of the bar behind the decision, `late` bars too late."""
    bars = tape.present.shape[1]
    env = MarketEnv(tape, EnvConfig(episode_bars=0, starts="first"), FREE, accounts=len(tape.present))
    env.reset(Rng(0))
    up = (tape.prices[:, :, 3] > tape.prices[:, :, 0]).astype(np.int64)
    total = 0.0
    for t in range(bars - 1):
        step = env.step(torch.from_numpy(2 * up[:, t + 1 - late]))
        total += float(step.figures["net_growth"].mean())
    return total / (bars - 1)


def test_one_bar_late_takes_what_knowledge_of_the_bar_itself_would_earn():
    tape = fair_tape(2, 300, 201)
    knows, late = knowing_run(tape, 0), knowing_run(tape, 1)
    assert knows == pytest.approx(0.01, rel=0.02)  # every bar's whole move
    assert abs(late) < 3.3 * 0.01 / np.sqrt(300 * 200)


def test_what_is_seen_at_a_close_cannot_be_traded_at_it():
    """A feature that shows the bar just closed earns nothing, though it knew all of that bar's move."""
    tape = fair_tape(3, 300, 201)
    shown = np.sign(tape.prices[:, :, 3] - tape.prices[:, :, 0]).astype(np.float32)[:, :, np.newaxis]
    env = MarketEnv(
        dataclasses.replace(tape, table=shown), EnvConfig(episode_bars=0, starts="first"), FREE, accounts=300
    )
    seen, table, total = env.reset(Rng(0)), env.layout.table, 0.0
    assert table is not None
    for _ in range(200):
        assert seen.index is not None
        step = env.step((table[seen.index, 0] + 1).long())
        total, seen = total + float(step.reward.mean()) / 200, step.observation
    assert abs(total) < 3.3 * 0.01 / np.sqrt(300 * 200)
