"""The feature table `hourly23` of 143 symbols against NumPy and TA-Lib symbol by symbol: CPU seconds and peak memory.

Run: make bench NAME=panel        (needs ../shared/data; skips where it is not there)
Only the first 80% of the clock is read: the last part of a real market stays sealed. Both sides start from
the same dense arrays in memory and fill the same float32 table with a mask; one thread.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("EDGEPROOF_THREADS", "1")

from edgeproof.core.device import prepare_environment

prepare_environment()

import numpy as np
import polars as pl

from edgeproof.core.clock import HOUR_NS
from edgeproof.core.identity import sha_array
from edgeproof.data.panel import Panel
from edgeproof.features.table import build_features
from harness import Peer, paired, show

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
FILES = ("crypto_spot_1h_core24.parquet", "crypto_spot_1h_rest119.parquet")
OPEN_SHARE = 0.8
MEGABYTE = 1024**2


def write_panel(folder: Path) -> None:
    """prices.npy f64[S, T, 5] and present.npy bool[S, T] of the open part."""
    bars = pl.concat([pl.read_parquet(SHARED / name) for name in FILES])
    hour = bars["timestamp"].cast(pl.Datetime("ns")).cast(pl.Int64).to_numpy() // HOUR_NS
    slot = hour - hour.min()
    symbols, row = np.unique(bars["symbol"].to_numpy(), return_inverse=True)
    T = int(OPEN_SHARE * (slot.max() + 1))
    keep = slot < T
    prices, present = np.zeros((len(symbols), T, 5)), np.zeros((len(symbols), T), bool)
    columns = bars.select("open", "high", "low", "close", "volume").to_numpy()
    prices[row[keep], slot[keep]] = columns[keep]
    present[row[keep], slot[keep]] = True
    np.save(folder / "prices.npy", prices)
    np.save(folder / "present.npy", present)


def read_panel(folder: Path) -> Panel:
    prices, present = np.load(folder / "prices.npy"), np.load(folder / "present.npy")
    S, T = present.shape
    opens = np.arange(T) * HOUR_NS
    names = tuple(f"S{s}" for s in range(S))
    return Panel(prices, present, opens, opens + HOUR_NS, names, HOUR_NS, "continuous", sha_array(present))


def means(panel: Panel) -> list[float]:
    """Each feature's mean over the first symbol's ready bars."""
    table = build_features(panel)
    return table.x[0, table.ready[0]].mean(0, dtype=float).tolist()


def peak_bytes(folder: Path) -> tuple[int, int]:
    """Run in a process of its own: peak memory of the whole process, bytes of the panel."""
    panel = read_panel(folder)
    build_features(panel)
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    high = next(line for line in status.splitlines() if line.startswith("VmHWM"))  # getrusage inherits the parent's
    return int(high.split()[1]) * 1024, panel.prices.nbytes + panel.present.nbytes


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--folder", type=Path, help="of the panel, for the two steps below")
    parser.add_argument("--write", action="store_true", help="only write the panel")
    parser.add_argument("--peak", action="store_true", help="only measure the peak memory")
    options = parser.parse_args()
    if options.write or options.peak:
        write_panel(options.folder) if options.write else print(*peak_bytes(options.folder))
        return
    if not SHARED.is_dir():
        print(f"skipped: no real market data at {SHARED}")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        again = [sys.executable, __file__, "--folder", name]
        subprocess.run([*again, "--write"], check=True)  # in processes of their own: ours starts with fresh memory
        measured = subprocess.run([*again, "--peak"], check=True, capture_output=True, text=True).stdout.split()
        peak, size = (int(part) / MEGABYTE for part in measured)
        panel = read_panel(folder)
        ours = means(panel)
        print(f"{len(panel.symbols)} symbols, {panel.present.sum():,} bars, panel {size:.0f} MB", file=sys.stderr)
        show("panel_peak_memory", peak, 3 * size + 500, unit="MB, peer: the limit", rounds=1)
        with Peer("talib", "panel", folder) as peer:
            np.testing.assert_allclose(ours, peer.first, rtol=1e-3, atol=1e-4)
            paired("panel", lambda: len(build_features(panel).names), peer, rounds=options.rounds, unit="CPU s")


if __name__ == "__main__":
    main()
