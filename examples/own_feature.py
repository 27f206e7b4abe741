"""A feature of your own, and one that peeks and is caught: python examples/own_feature.py [FOLDER]."""

import sys
import tempfile
from pathlib import Path

import numpy as np

import edgeproof as ep
from edgeproof.features import FEATURE_SETS, FEATURES, Feature, Rows


def since_high(rows: Rows) -> np.ndarray:
    """The close below the highest close of the last 48 bars, ln; no value before there are so many."""
    out = np.full(len(rows), np.nan)
    if len(rows) >= 48:
        window = np.lib.stride_tricks.sliding_window_view(rows.log_close, 48)
        out[47:] = rows.log_close[47:] - window.max(axis=1)
    return out


def peeking(rows: Rows) -> np.ndarray:
    """The return of the next bar: what no feature may read."""
    return np.concatenate((np.diff(rows.log_close), [0.0]))


# a name, how many bars before t it reads, a group and a formula for reports, and the function; a package of yours
# declares the same object under the entry point `edgeproof.features`
FEATURES["since_high_48"] = Feature("since_high_48", 47, "user", "ln C - max48(ln C)", since_high)
FEATURES["peeking"] = Feature("peeking", 0, "user", "ln(C_(t+1) / C_t)", peeking)


def config(*more: str) -> dict[str, object]:
    """A config with further features after the 23 of the set."""
    costs = {"commission_bps": 4.0, "half_spread_bps": 1.0}
    return {"costs": costs, "features": [*FEATURE_SETS["hourly23"], *more], "model": "logistic", "train": {"epochs": 2}}


def main(folder: Path) -> tuple[ep.Run, ep.Run]:
    """Train with either feature; the checks say what each of them reads."""
    market = ep.make_market("linear", folder / "market", symbols=3, bars=2500, seed=3, strength=0.2)
    honest = ep.run(config("since_high_48"), market, out=folder / "honest")
    warned = config("peeking") | {"gates": {"mode": "warn"}}  # else the run stops here, before it trains
    cheat = ep.run(warned, market, out=folder / "cheat")
    for run in (honest, cheat):
        errors = [finding.claim for finding in run.data("").findings if finding.level == "error"]
        print(run, *(errors or ["no error found"]), sep="\n  ")
    return honest, cheat


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()))
