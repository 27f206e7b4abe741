"""The simulator's speed beside vectorbt's and a bare kernel's; one thread and CPU seconds unless said.

Parts (`--part`, default all):

- rebalance: one account, 143 assets x 17,520 bars rebalanced at every bar, against vectorbt's from_orders, warm. Same
  rules for both: targets decided at a close, sized by the equity there, filled together at the next open, 5 bps a side;
  at most half the equity is invested, so no limit binds. Ours returns the whole track (equity, gross, each cost,
  weights, trades); the peer is timed with its equity curve, then without.
- sweep: 1,000 pairs of moving averages on one symbol-year (8,760 bars), likewise; ours returns equity and trades.
- off: the kernel with every option off against one that has none (`bare.py`), equal to the last bit.
- steps: 4,096 accounts x 1,000 bars with brackets and impact on, two threads; account-steps a second, from the CPU time
  of both threads (half of it is what two free cores would take).
- compile: CPU seconds of the first call in a fresh process, without a cache on disk and with it.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("EDGEPROOF_THREADS", "1")

import numpy as np

from bare import bare
from edgeproof.core.rng import Rng
from edgeproof.simulator import engines
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.engines import simulate, simulate_curves, simulate_many
from edgeproof.simulator.feed import Outside, feed_of
from edgeproof.simulator.opening import open_accounts, rules_of
from edgeproof.simulator.options import Options
from harness import Peer, paired, round_of, show

COSTS = CostsConfig(commission_bps=4.0, half_spread_bps=1.0, slippage_bps=0.0)
ALWAYS = Options(rebalance="always")
FIRST_CALL = """
import sys, time
import numpy as np
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.engines import simulate
started = time.process_time()
simulate(np.ones((2, 9, 5)), np.ones((2, 9), bool), np.full((2, 9), 0.4), np.ones(9, bool), CostsConfig())
print(time.process_time() - started)
"""


def market(assets: int, bars: int) -> tuple[np.ndarray, np.ndarray]:
    """Random-walk prices [A, T, 5] and long targets [A, T] that add up to half the equity."""
    draw = Rng(0).child("benchmark").numpy()
    close = np.exp(np.cumsum(draw.normal(0.0, 0.005, (assets, bars)), axis=1))
    before = np.concatenate([close[:, :1], close[:, :-1]], axis=1)
    prices = np.ones((assets, bars, 5))
    prices[:, :, 3], prices[:, :, 0] = close, before * np.exp(draw.normal(0.0, 0.001, (assets, bars)))
    prices[:, :, 1], prices[:, :, 2] = prices[:, :, [0, 3]].max(2) * 1.002, prices[:, :, [0, 3]].min(2) / 1.002
    return prices, 0.5 * draw.dirichlet(np.ones(assets), bars).T


def write_orders(path: Path, prices: np.ndarray, size: np.ndarray) -> None:
    """Orders in the peer's terms: a row is the bar of the fill; `size` [T, columns], NaN for none."""
    close = prices[:, :, 3].T.squeeze()
    mark = np.concatenate([close[:1], close[:-1]])
    np.savez(path, open=prices[:, :, 0].T.squeeze(), close=close, size=size, mark=mark, fees=sum(COSTS.rates()))


def rebalance(folder: Path, assets: int, bars: int, rounds: int) -> None:
    prices, weights = market(assets, bars)
    present, decided = np.ones(weights.shape, bool), np.ones(bars, bool)
    size = np.full(weights.T.shape, np.nan)
    size[1:] = weights.T[:-1]
    write_orders(folder / "orders.npz", prices, size)

    def ours() -> float:
        return float(simulate(prices, present, weights, decided, COSTS, options=ALWAYS).equity[-1])

    for mode, name in (("value", "simulator, peer with its equity curve"), ("orders", "simulator")):
        with Peer("vectorbt", "simulator", folder / "orders.npz", mode) as peer:
            agree(ours(), peer.first)
            paired(name, ours, peer, rounds=rounds, unit="CPU s")


def agree(ours: float, theirs: float) -> None:
    """The two trade by the same rules."""
    gap = abs(theirs / ours - 1.0)
    print(f"final equity: ours {ours:.12g}, vectorbt {theirs:.12g}, apart {gap:.1e}", file=sys.stderr)
    assert gap < 1e-6, "the two do not trade by the same rules"


def crossings(close: np.ndarray, sets: int) -> np.ndarray:
    """Long 0.9 where the fast mean is above the slow one, else flat: targets [sets, 1, T]."""
    total = np.concatenate([[0.0], np.cumsum(close)])
    means = {n: (total[n:] - total[:-n]) / n for n in (*range(5, 45), *range(50, 300, 10))}
    pairs = [(fast, slow) for fast in range(5, 45) for slow in range(50, 300, 10)][:sets]
    weights = np.zeros((sets, 1, len(close)))
    for row, (fast, slow) in enumerate(pairs):
        weights[row, 0, slow - 1 :] = 0.9 * (means[fast][slow - fast :] > means[slow])
    return weights


def sweep(folder: Path, rounds: int, sets: int = 1_000, bars: int = 8_760) -> None:
    prices, _ = market(1, bars)
    weights = crossings(prices[0, :, 3], sets)
    present, decided = np.ones((1, bars), bool), np.ones(bars, bool)
    size = np.full((bars, sets), np.nan)
    size[1:] = weights[:, 0, :-1].T
    size[2:][size[2:] == size[1:-1]] = np.nan  # orders where the target changes, as in edgeproof
    size[1][size[1] == 0.0] = np.nan
    write_orders(folder / "sweep.npz", prices, size)

    def ours() -> float:
        return float(simulate_curves(prices, present, weights, decided, COSTS).equity[-1, -1])

    for mode, name in (("value", "sweep, peer with its equity curves"), ("orders", "sweep")):
        with Peer("vectorbt", "sweep", folder / "sweep.npz", mode) as peer:
            agree(ours(), peer.first[-1])
            paired(name, ours, peer, rounds=rounds, unit="CPU s")


def off(rounds: int) -> None:
    every_day = np.repeat(Rng(1).numpy().random((20, 365)) < 0.5, 24, axis=1)
    prices, weights = market(143, 4_380)
    few, _ = market(20, 8_760)
    one, _ = market(1, 8_760)
    cases = (
        ("143 assets, always", prices, weights[np.newaxis], ALWAYS),
        ("143 assets, changes", prices, weights[np.newaxis], Options()),
        ("20 assets, changed daily", few, 0.05 * every_day[np.newaxis], Options()),
        ("100 accounts of one asset", one, np.repeat(0.9 * every_day[:1, np.newaxis], 100, axis=0), Options()),
    )
    for name, bars, targets, options in cases:
        beside_bare(f"off: {name}", bars, targets.astype(float), options, rounds)


def beside_bare(name: str, prices: np.ndarray, weights: np.ndarray, options: Options, rounds: int) -> None:
    present, decided = np.ones(prices.shape[:2], bool), np.ones(prices.shape[1], bool)
    feed, rules = feed_of(prices, present, COSTS, options, Outside()), rules_of(COSTS, options, funded=False)
    kernel, rates, always = engines.compiled(), tuple(COSTS.rates()), options.rebalance == "always"

    def with_options(accounts) -> None:
        kernel(0, len(weights), feed, accounts, rules)

    def without(accounts) -> None:
        for n in range(len(weights)):
            bare(feed.open, feed.close, feed.present, tuple(part[n % len(part)] for part in accounts), rates, always)

    figures: tuple[list[float], list[float]] = ([], [])
    for index in range(rounds + 1):
        ends = []
        for side in (0, 1) if index % 2 == 0 else (1, 0):
            accounts = open_accounts(weights, decided, options, kept=len(weights))
            for part in (accounts.rows, accounts.weights, accounts.equity[:, 1:]):
                part[:] = 0.0  # memory is found outside the timing
            spent = round_of(lambda side=side, accounts=accounts: (with_options, without)[side](accounts))["cpu"]
            figures[side].append(spent)
            ends.append(accounts)
        assert all(
            getattr(ends[0], k).tobytes() == getattr(ends[1], k).tobytes() for k in ("rows", "equity", "weights")
        )
    show(name, *(statistics.median(part[1:]) for part in figures), unit="CPU s", rounds=rounds)


def steps(rounds: int, accounts: int = 4_096, bars: int = 1_000) -> None:
    os.environ["EDGEPROOF_THREADS"] = "2"
    prices, _ = market(1, bars)
    prices[:, :, 4] = 1e6
    draw = Rng(2).numpy()
    options = Options(stop_loss=0.03, take_profit=0.05, start=1e5)
    present, decided, costs = np.ones((1, bars), bool), np.ones(bars, bool), CostsConfig(impact=1.0)
    for every in (24, 1):
        changes = draw.choice([-0.5, 0.0, 0.5], (accounts, 1, -(-bars // every)))
        weights = np.repeat(changes, every, axis=2)[:, :, :bars]
        for run in (simulate_curves, simulate_many):
            spent = []
            for _ in range(rounds + 1):
                started = time.process_time()
                run(prices, present, weights, decided, costs, options=options)
                spent.append(time.process_time() - started)
            speed = accounts * bars / (statistics.median(spent[1:]) / 2.0) / 1e6
            name = f"steps: {run.__name__}, a new target every {every} bars"
            show(name, speed, 20.0, unit="M/s", rounds=rounds, higher_is_better=True)
    os.environ["EDGEPROOF_THREADS"] = "1"


def compile_time(folder: Path) -> None:
    for name in ("compile, cold", "compile, from the cache on disk"):
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder / "cache")}
        command = [sys.executable, "-c", FIRST_CALL]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        show(name, float(done.stdout), 15.0, unit="CPU s", rounds=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("rebalance", "sweep", "off", "steps", "compile"))
    parser.add_argument("--assets", type=int, default=143)
    parser.add_argument("--bars", type=int, default=17_520)
    parser.add_argument("--rounds", type=int, default=9)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts = {
            "compile": lambda: compile_time(folder),
            "off": lambda: off(asked.rounds),
            "steps": lambda: steps(asked.rounds),
            "sweep": lambda: sweep(folder, asked.rounds),
            "rebalance": lambda: rebalance(folder, asked.assets, asked.bars, asked.rounds),
        }
        for part, run in parts.items():
            if asked.part in (None, part):
                run()


if __name__ == "__main__":
    main()
