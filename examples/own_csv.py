"""Your own bars from a CSV file to a verdict and a page: python examples/own_csv.py [FOLDER]."""

import csv
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

import edgeproof as ep

CONFIG = {
    "costs": {"commission_bps": 4.0, "half_spread_bps": 1.0},  # a side; there is no default
    "model": "logistic",
    "train": {"epochs": 3},
    "policy": {"name": "threshold", "short": True},
}


def write_bars(path: Path, bars: int = 3000) -> None:
    """A CSV as many tools export it: UTC times and open, high, low, close, volume; here a random walk."""
    random = np.random.default_rng(1)
    close = 100 * np.exp(np.cumsum(0.01 * random.standard_normal(bars)))
    opens = np.concatenate([[100.0], close[:-1]])
    high = np.maximum(opens, close) * (1 + 0.002 * random.random(bars))
    low = np.minimum(opens, close) * (1 - 0.002 * random.random(bars))
    start = datetime(2022, 1, 1, tzinfo=UTC)
    with path.open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["timestamp", "open", "high", "low", "close", "volume"])
        for k in range(bars):
            time = (start + timedelta(hours=k)).isoformat()
            rows.writerow([time, opens[k], high[k], low[k], close[k], round(1000 * random.random() + 1, 2)])


def main(folder: Path) -> ep.Run:
    """Import, train, judge; the last fifth of the bars stays sealed."""
    import pandas as pd

    write_bars(folder / "MYCOIN.csv")
    frame = pd.read_csv(folder / "MYCOIN.csv")
    # on the command line: edgeproof market import MYCOIN.csv --out market --universe fixed
    market = ep.from_pandas(frame, folder / "market", symbol="MYCOIN", universe="fixed")
    run = ep.run(CONFIG, market, out=folder / "run")
    print(market, run, f"page: {run.report()}", sep="\n")
    return run


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()))
