"""Stationary bootstrap of mean and Sharpe ratio, 2,000 resamples of 17,520 bars at mean block 24: ours against arch.

Ours looks up prefix sums once a block, arch gathers every bar; the spread of the resamples must agree. Then the
studentised maximum bootstrap over 100 trials x 8,760 bars, 999 repetitions, against its limit of 0.1 s. One thread,
CPU seconds.
"""

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("EDGEPROOF_THREADS", "1")

from edgeproof.core.device import prepare_environment

prepare_environment()

import numpy as np

from edgeproof.stats.bootstrap import resampled_moments
from edgeproof.stats.compare import maximum_test
from harness import Peer, paired, round_of, show

LIMIT_CPU_S = 0.1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bars", type=int, default=17_520)
    parser.add_argument("--block", type=float, default=24)
    parser.add_argument("--repetitions", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=9)
    asked = parser.parse_args()
    returns = np.random.default_rng(0).standard_t(4, asked.bars) * 0.01 + 0.0002

    def ours() -> list[float]:
        generator = np.random.default_rng(1)
        drawn = resampled_moments(returns, generator, block_bars=asked.block, repetitions=asked.repetitions)
        return [float(values.std()) for values in drawn]

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "returns.npy"
        np.save(path, returns)
        with Peer("arch", "bootstrap", path, asked.block, asked.repetitions) as peer:
            print(f"sd of mean and Sharpe: ours {ours()}, arch {peer.first}", file=sys.stderr)
            assert np.allclose(ours(), peer.first, rtol=5 / asked.repetitions**0.5), "the two do not resample alike"
            paired("bootstrap", ours, peer, rounds=asked.rounds)

    trials = np.random.default_rng(2).standard_normal((8760, 100))

    def best() -> float:
        found = maximum_test(trials, np.random.default_rng(3))
        assert found is not None
        return found.p

    best()
    rounds = [round_of(best)["cpu"] for _ in range(asked.rounds)]
    show(
        "maximum bootstrap, peer: its limit", statistics.median(rounds), LIMIT_CPU_S, unit="CPU s", rounds=asked.rounds
    )


if __name__ == "__main__":
    main()
