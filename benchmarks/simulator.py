"""One account, 143 assets x 17,520 bars rebalanced at every bar: the simulator against vectorbt's from_orders, warm.

Same rules for both: targets decided at a close, sized by the equity there, filled together at the next open, 5 bps a
side; at most half the equity is invested, so no limit binds. Ours returns the whole track (equity, gross, each cost,
weights, trades); the peer is timed without its equity curve, then with it. One thread, CPU seconds.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("EDGEPROOF_THREADS", "1")

import numpy as np

from edgeproof.core.rng import Rng
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.engines import simulate
from edgeproof.simulator.options import Options
from harness import Peer, paired

COSTS = CostsConfig(commission_bps=4.0, half_spread_bps=1.0, slippage_bps=0.0)
ALWAYS = Options(rebalance="always")


def market(assets: int, bars: int) -> tuple[np.ndarray, np.ndarray]:
    """Random-walk prices [A, T, 5] and long targets [A, T] that add up to half the equity."""
    draw = Rng(0).child("benchmark").numpy()
    close = np.exp(np.cumsum(draw.normal(0.0, 0.005, (assets, bars)), axis=1))
    before = np.concatenate([close[:, :1], close[:, :-1]], axis=1)
    prices = np.ones((assets, bars, 5))
    prices[:, :, 3], prices[:, :, 0] = close, before * np.exp(draw.normal(0.0, 0.001, (assets, bars)))
    return prices, 0.5 * draw.dirichlet(np.ones(assets), bars).T


def write_orders(path: Path, prices: np.ndarray, weights: np.ndarray) -> None:
    """The same orders in the peer's terms: a row is the bar of the fill."""
    close = prices[:, :, 3].T
    size = np.full(close.shape, np.nan)
    size[1:] = weights.T[:-1]
    mark = np.concatenate([close[:1], close[:-1]])
    rate = sum(COSTS.rates())
    np.savez(path, open=prices[:, :, 0].T, close=close, size=size, mark=mark, fees=rate)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=int, default=143)
    parser.add_argument("--bars", type=int, default=17_520)
    parser.add_argument("--rounds", type=int, default=9)
    asked = parser.parse_args()
    prices, weights = market(asked.assets, asked.bars)
    present, decided = np.ones(weights.shape, bool), np.ones(asked.bars, bool)

    def ours() -> float:
        return float(simulate(prices, present, weights, decided, COSTS, options=ALWAYS).equity[-1])

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "orders.npz"
        write_orders(path, prices, weights)
        for mode, name in (("value", "simulator, peer with its equity curve"), ("orders", "simulator")):
            with Peer("vectorbt", "simulator", path, mode) as peer:
                gap = abs(peer.first / ours() - 1.0)
                print(f"final equity: ours {ours():.12g}, vectorbt {peer.first:.12g}, apart {gap:.1e}", file=sys.stderr)
                assert gap < 1e-6, "the two do not trade by the same rules"
                paired(name, ours, peer, rounds=asked.rounds, unit="CPU s")


if __name__ == "__main__":
    main()
