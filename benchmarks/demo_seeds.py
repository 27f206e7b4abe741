"""Twenty other seed pairs of the demo, untuned: how often is the planted edge found and the noise refused?

Run: make bench NAME=demo_seeds        (ARGS="--pairs 5 --first 400" for a part)
Target: the right pair (edge on the planted market, anything but edge on the noise market) at least 18 times of 20.
"""

import argparse
import json
import platform
import tempfile
import time
from pathlib import Path

from edgeproof.core.device import prepare_environment

prepare_environment()

from edgeproof.core.progress import silent
from edgeproof.recipe.demo import run_demo, told_apart


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--first", type=int, default=1000)
    options = parser.parse_args()
    rows = []
    for seed in range(options.first, options.first + options.pairs):
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            demo = run_demo(Path(folder) / "demo", seed=seed, write=silent)
            row = {
                "seed": seed,
                "planted": demo.planted["verdict"],
                "noise": demo.noise["verdict"],
                "right": told_apart(demo),
                "planted_sharpe": round(demo.planted["net"]["sharpe"], 2),
                "planted_p": demo.planted["net"]["p_value"],
                "noise_p": demo.noise["net"]["p_value"],
                "auc_share": round(demo.planted["oracle"]["auc_share"], 3),
                "seconds": round(time.perf_counter() - started, 1),
            }
        rows.append(row)
        print(json.dumps(row), flush=True)
    right = sum(row["right"] for row in rows)
    print(
        json.dumps(
            {
                "name": "demo_seeds",
                "ours": right,
                "peer": round(0.9 * len(rows)),
                "ratio": right / len(rows),
                "unit": "right pairs; peer is the target",
                "rounds": len(rows),
                "machine": platform.machine(),
            }
        )
    )


if __name__ == "__main__":
    main()
