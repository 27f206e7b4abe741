"""PBO by CSCV over 1,000 trials x 2,000 bars, S = 16, all 12,870 splits: ours against a plain loop over splits.

The loop selects the rows of each half and takes mean and deviation of every trial; it is timed on the first few splits
and scaled up, and must agree with ours on each of them. Then the limit of 0.3 s, and what dominance and the effective
numbers of trials add. One thread, CPU seconds.
"""

import argparse
import os
import statistics
import time
from itertools import combinations, islice
from math import comb

os.environ.setdefault("EDGEPROOF_THREADS", "1")

from edgeproof.core.device import prepare_environment

prepare_environment()

import numpy as np

from edgeproof.stats.effective import effective_trials
from edgeproof.stats.overfit import Overfitting, cscv, dominance
from harness import paired, round_of, show

LIMIT_CPU_S = 0.3


def loop(returns: np.ndarray, blocks: int, splits: int) -> np.ndarray:
    """f64[splits, 3]: rank from below, in-sample and out-of-sample Sharpe ratio of the in-sample best."""
    rows = np.arange(len(returns)).reshape(blocks, -1)
    found = []
    for chosen in islice(combinations(range(blocks), blocks // 2), splits):
        inside, outside = returns[rows[list(chosen)].ravel()], returns[np.delete(rows, chosen, axis=0).ravel()]
        a = inside.mean(axis=0) / inside.std(axis=0, ddof=1)
        b = outside.mean(axis=0) / outside.std(axis=0, ddof=1)
        best = a.argmax()
        found.append((1 + np.count_nonzero(b < b[best]), a[best], b[best]))
    return np.array(found)


def check(ours: Overfitting, plain: np.ndarray) -> None:
    """Both must say the same of every split that the loop went through."""
    rank = (ours.trials + 1) / (1 + np.exp(-ours.logits))
    whole = np.stack([rank, ours.in_sample, ours.out_of_sample], axis=1)[: len(plain)]
    assert np.allclose(whole, plain, rtol=1e-9, atol=1e-12), "the two do not agree on the splits"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--bars", type=int, default=2000)
    parser.add_argument("--blocks", type=int, default=16)
    parser.add_argument("--splits", type=int, default=30, help="that the loop goes through")
    parser.add_argument("--rounds", type=int, default=9)
    asked = parser.parse_args()
    returns = np.random.default_rng(0).standard_normal((asked.bars, asked.trials))

    def ours() -> Overfitting:
        found = cscv(returns, blocks=asked.blocks)
        assert found is not None
        return found

    def timed() -> float:
        began = time.process_time()
        ours()
        return time.process_time() - began

    def scaled() -> float:
        began = time.process_time()
        loop(returns, asked.blocks, asked.splits)
        return (time.process_time() - began) * comb(asked.blocks, asked.blocks // 2) / asked.splits

    split = ours()
    check(split, loop(returns, asked.blocks, asked.splits))
    for name, run in (
        ("dominance", lambda: dominance(returns, split)),
        ("effective", lambda: effective_trials(returns)),
    ):
        seconds = [round_of(run)["cpu"] for _ in range(asked.rounds)]
        show(f"overfit, {name}", statistics.median(seconds), None, unit="CPU s", rounds=asked.rounds)
    seconds = [timed() for _ in range(asked.rounds)]
    show("overfit, peer is the limit", statistics.median(seconds), LIMIT_CPU_S, unit="CPU s", rounds=asked.rounds)
    paired("overfit", timed, scaled, rounds=asked.rounds, unit="CPU s", measure="value")


if __name__ == "__main__":
    main()
