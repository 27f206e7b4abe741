"""Random entries of equal turnover, 1,000 draws in the one account: 8 symbols x 4,000 bars and 143 x 3,500.

The model trades every fifth bar and pays 5 bps a side. Then the regimes of 8 x 20,000 bars by rules and by the hidden
Markov model, all its fits included. One thread, CPU seconds.
"""

import argparse
import os

os.environ.setdefault("EDGEPROOF_THREADS", "1")

from edgeproof.core.device import prepare_environment

prepare_environment()

import numpy as np

from edgeproof.backtest.baselines import DRAWS, random_entries
from edgeproof.backtest.run import Replay
from edgeproof.core.clock import HOUR_NS
from edgeproof.data.panel import Panel
from edgeproof.regimes import REGIMES
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.options import Options
from harness import round_of

LIMITS_CPU_S = {(8, 4000): 3.0, (143, 3500): 15.0}


def walk(symbols: int, bars: int) -> np.ndarray:
    close = 100 * np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.006, (symbols, bars)), axis=1))
    start = np.concatenate([close[:, :1], close[:, :-1]], axis=1)
    return np.stack([start, np.maximum(start, close), np.minimum(start, close), close, close], axis=2)


def entries(symbols: int, bars: int) -> None:
    every = np.ones((symbols, bars), bool)
    replay = Replay(np.full((symbols, bars), 0.5), every, every[0], walk(symbols, bars), every, 1)
    sides = np.random.default_rng(1).choice([-1.0, 0.0, 1.0], (symbols, bars // 5))
    weights = np.repeat(sides, 5, axis=1) / symbols

    def draw(draws: int) -> float:
        generator = np.random.default_rng(2)
        account = Options(delisting_bars=24)
        found = random_entries(weights, replay, CostsConfig(), account, generator, growth=0.0, draws=draws)
        assert found is not None
        return found.p_value

    draw(2)
    spent = round_of(lambda: draw(DRAWS))["cpu"]
    print(f"random entries {symbols} x {bars:,}: {spent:.2f} s, limit {LIMITS_CPU_S[symbols, bars]:g} s")
    assert spent <= LIMITS_CPU_S[symbols, bars]


def regimes(bars: int) -> None:
    prices = walk(8, bars)
    at = np.arange(bars) * HOUR_NS
    names = tuple(f"S{s}" for s in range(8))
    panel = Panel(prices, np.ones(prices.shape[:2], bool), at, at + HOUR_NS, names, HOUR_NS, "continuous", "")
    for name, rule in REGIMES.items():
        part = rule()
        part.regimes(panel)  # pyright: ignore[reportAttributeAccessIssue]
        spent = round_of(lambda part=part: part.regimes(panel))["cpu"]  # pyright: ignore[reportAttributeAccessIssue]
        print(f"regimes {name} 8 x {bars:,}: {spent:.3f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bars", type=int, default=20_000)
    asked = parser.parse_args()
    for size in LIMITS_CPU_S:
        entries(*size)
    regimes(asked.bars)


if __name__ == "__main__":
    main()
