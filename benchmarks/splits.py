"""CPCV(8, 2) of 400,400 samples over 143 symbols with labels of 1 to 96 bars: our splits against purgedcv's.

The paired rounds purge by the rule that both know (labels alone, half-open, no embargo) and must agree on every row;
both build the splitter and every split's row numbers. The second figure is our own default rule, windows of 24 bars
and an embargo of 24 bars included, against the limit. The third proves all 28 folds. One thread, CPU seconds.
"""

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("EDGEPROOF_THREADS", "1")

import numpy as np

from edgeproof.core.rng import Rng
from edgeproof.samples.split.combinatorial import CombinatorialConfig
from edgeproof.samples.split.splitter import PurgedSplitter
from harness import Peer, paired, round_of, show

LIMIT = 0.1


def rows(symbols: int, bars: int) -> tuple[np.ndarray, np.ndarray]:
    """Decision bar and resolving bar of every row by time; a multiple of 8 bars, so both cut the same groups."""
    draw = Rng(0).child("benchmark").numpy()
    decided = np.repeat(np.arange(24, bars + 24), symbols)
    resolved = decided + draw.integers(1, 97, decided.size)
    return decided, resolved


def checksum(splitter: PurgedSplitter) -> list[int]:
    """Sum of all train rows plus the number of test rows."""
    return [sum(int(train.sum()) + len(test) for train, test in splitter.split())]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbols", type=int, default=143)
    parser.add_argument("--bars", type=int, default=2_800)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    decided, resolved = rows(asked.symbols, asked.bars)
    shared = CombinatorialConfig(n_groups=8, k_test=2, embargo_bars=0, closed=False)
    own = CombinatorialConfig(n_groups=8, k_test=2, embargo_bars=24)

    def ours() -> list[int]:
        return checksum(PurgedSplitter(shared, decided=decided, resolved=resolved))

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npz"
        np.savez(path, decided=decided, resolved=resolved)
        with Peer("purgedcv", "splits", path) as peer:
            print(f"{len(decided)} rows; sums of rows: ours {ours()}, purgedcv {peer.first}", file=sys.stderr)
            assert peer.first == ours(), "the two do not split alike"
            paired("splits, CPCV(8, 2) by the shared rule", ours, peer, rounds=asked.rounds)

    def whole() -> list[int]:
        return checksum(PurgedSplitter(own, decided=decided, resolved=resolved, first=decided - 23))

    seconds = statistics.median(round_of(whole)["cpu"] for _ in range(asked.rounds))
    show("splits, CPCV(8, 2) with windows and embargo", seconds, LIMIT, unit="CPU s", rounds=asked.rounds)
    samples = PurgedSplitter(own, decided=decided, resolved=resolved, first=decided - 23).samples
    facts: dict[str, Any] = {"bars": asked.bars + 200, "horizon_bars": 96, "window": 24, "reach_bars": 0}
    folds = own.split(samples, **facts)
    proof = round_of(lambda: [fold.prove(samples) for fold in folds])["cpu"]
    show("splits, proof of all 28 folds", proof, None, unit="CPU s", rounds=1)


if __name__ == "__main__":
    main()
