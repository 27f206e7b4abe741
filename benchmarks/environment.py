"""The market environment's speed, alone and beside TorchTrade's vectorised one and FinRL's.

Parts (`--part`, default all):

- steps: 4,096 accounts of one asset, 32 symbols x 50,000 bars, 5 bps a side, stop and target, the account's six
  numbers, a new random action in every step, two threads: with indices only, and with 24 values written (9 bars x 2
  features and the account). Account-steps a second from the CPU time of both threads, half of which is what two free
  cores would take.
- assets: 64 accounts of 143 assets, continuous targets that move at every bar; asset-steps a second, likewise.
- busy: wall time beside one other busy process, as a share of the speed without it. A fair share of two cores among
  three threads is two thirds.
- torchtrade: the observation that both have: 12 bars x 2 features and six numbers. One thread each, CPU time.
- finrl: its StockTradingEnv with one ticker, from its own file (`--finrl FILE`), against ours with 4,096 accounts; both
  show the two features of the last bar (its state has 5 numbers, ours 8, written out).
"""

import argparse
import multiprocessing
import os
import statistics
import tempfile
import time
from pathlib import Path

os.environ.setdefault("EDGEPROOF_THREADS", "2")

import numpy as np
import torch

from edgeproof.core.rng import Rng
from edgeproof.rl.env import MarketEnv
from edgeproof.rl.market_settings import EnvConfig
from edgeproof.rl.tape import Tape
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.options import Options
from harness import Peer, paired, show

COSTS = CostsConfig(commission_bps=4.0, half_spread_bps=1.0)
BRACKET = Options(stop_loss=0.03, take_profit=0.05)
ACCOUNTS = 4_096


def tape_of(symbols: int, bars: int, window: int) -> Tape:
    """Random walks with two features: close location and body share."""
    draw = Rng(0).child("benchmark").numpy()
    close = 100.0 * np.exp(np.cumsum(draw.normal(0.0, 0.007, (symbols, bars)), axis=1))
    prices = np.ones((symbols, bars, 5))
    prices[:, :, 3] = close
    prices[:, :, 0] = np.concatenate([close[:, :1], close[:, :-1]], axis=1)
    prices[:, :, 1], prices[:, :, 2] = prices[:, :, [0, 3]].max(2) * 1.002, prices[:, :, [0, 3]].min(2) / 1.002
    spread = prices[:, :, 1] - prices[:, :, 2]
    table = np.stack([(close - prices[:, :, 2]) / spread, (close - prices[:, :, 0]) / spread], axis=2)
    flags = np.ones((symbols, bars), bool)
    return Tape(prices, flags, table.astype(np.float32), flags, window=window)


def ready(env: MarketEnv) -> list[torch.Tensor]:
    """Fifty steps' random actions, for an environment that is warm afterwards."""
    draw = Rng(1).numpy()
    if env.config.actions == "discrete":
        actions = [torch.from_numpy(draw.integers(0, 3, env.accounts)) for _ in range(50)]
    else:
        shape, most = (env.accounts, env.config.assets), env.config.largest
        actions = [torch.from_numpy(draw.uniform(-most, most, shape).astype(np.float32)) for _ in range(50)]
    env.reset(Rng(0))
    for action in actions:
        env.step(action)
    return actions


def walk(env: MarketEnv, actions: list[torch.Tensor], steps: int) -> tuple[float, float]:
    """CPU and wall seconds of many steps."""
    cpu, wall = time.process_time(), time.perf_counter()
    for k in range(steps):
        env.step(actions[k % len(actions)])
    return time.process_time() - cpu, time.perf_counter() - wall


def speed(name: str, env: MarketEnv, goal: float, rounds: int, steps: int) -> None:
    """Million asset-steps a second on two cores that nobody else uses, from the CPU time; and from the wall time."""
    actions = ready(env)
    figures = [walk(env, actions, steps) for _ in range(rounds)]
    done = env.accounts * env.config.assets * steps / 1e6
    threads = int(os.environ["EDGEPROOF_THREADS"])
    cpu, wall = (statistics.median(part) for part in zip(*figures, strict=True))
    show(f"environment: {name}", done / (cpu / threads), goal, unit="M/s", rounds=rounds, higher_is_better=True)
    name = f"environment: {name}, wall, load {os.getloadavg()[0]:.1f}"
    show(name, done / wall, goal, unit="M/s", rounds=rounds, higher_is_better=True)


def steps(rounds: int) -> None:
    tape = tape_of(32, 50_000, 9)
    for name, goal, gathered in (("indices only", 25.0, False), ("24 values written", 15.0, True)):
        env = MarketEnv(tape, EnvConfig(), COSTS, BRACKET, accounts=ACCOUNTS, gathered=gathered)
        speed(name, env, goal, rounds, 500)


def assets(rounds: int) -> None:
    config = EnvConfig(actions="continuous", assets=143, largest=0.005)
    env = MarketEnv(tape_of(143, 17_520, 9), config, COSTS, BRACKET, accounts=64)
    speed("143 assets an account", env, 15.0, rounds, 100)


def _spin() -> None:
    while True:
        pass


def busy(rounds: int) -> None:
    env = MarketEnv(tape_of(32, 50_000, 9), EnvConfig(), COSTS, BRACKET, accounts=ACCOUNTS)
    actions, figures = ready(env), ([], [])
    for index in range(2 * rounds):
        other = multiprocessing.Process(target=_spin, daemon=True) if index % 2 else None
        if other is not None:
            other.start()
        figures[index % 2].append(walk(env, actions, 1_000)[1])
        if other is not None:
            other.terminate()
            other.join()
    quiet, beside = (statistics.median(part) for part in figures)
    show("environment: beside a busy process", quiet / beside, 0.5, unit="x", rounds=rounds, higher_is_better=True)


def ours_alone(env: MarketEnv, steps: int):
    """One round on one thread: nanoseconds of CPU time an account-step."""
    actions = ready(env)
    return lambda: walk(env, actions, steps)[0] / (steps * env.accounts) * 1e9


def torchtrade(folder: Path, rounds: int) -> None:
    tape = tape_of(1, 50_000, 12)
    columns = dict(zip(("open", "high", "low", "close", "volume"), tape.prices[0].T, strict=True))
    np.savez(folder / "prices.npz", **columns)
    for accounts in (64, 1_024, ACCOUNTS):
        env = MarketEnv(tape, EnvConfig(), COSTS, BRACKET, accounts=accounts, gathered=True)
        with Peer("torchtrade", "environment", folder / "prices.npz", accounts, 100) as peer:
            name = f"environment beside TorchTrade 0.1.0, {accounts:,} accounts"
            paired(name, ours_alone(env, 100), peer, rounds=rounds, unit="CPU ns a step", measure="value")


def finrl(folder: Path, file: Path, rounds: int) -> None:
    tape = tape_of(1, 50_000, 1)
    np.savez(folder / "close.npz", close=tape.prices[0, :, 3])
    env = MarketEnv(tape, EnvConfig(), COSTS, BRACKET, accounts=ACCOUNTS, gathered=True)
    with Peer("finrl", "environment", file, folder / "close.npz", 1_000) as peer:
        paired(
            "environment beside FinRL's, one ticker",
            ours_alone(env, 100),
            peer,
            rounds=rounds,
            unit="CPU ns a step",
            measure="value",
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("steps", "assets", "busy", "torchtrade", "finrl"))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--finrl", type=Path, help="FinRL's env_stocktrading.py")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part, run in {"steps": steps, "assets": assets, "busy": busy}.items():
            if asked.part in (None, part):
                run(asked.rounds)
        os.environ["EDGEPROOF_THREADS"] = "1"
        if asked.part in (None, "torchtrade"):
            torchtrade(folder, asked.rounds)
        if asked.finrl and asked.part in (None, "finrl"):
            finrl(folder, asked.finrl, asked.rounds)


if __name__ == "__main__":
    main()
