"""What the checks cost: their share of the demo's processor time, in the profile `quick` that it walks.

Run: make bench NAME=gates        (ARGS="--seed 7")
Target: at most 15% of the demo, audits of bars and features included, which every profile makes.

PyTorch loads its compiler when a process makes its first optimiser (1.2 s). Any training pays that: it is done before.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from edgeproof.core.device import prepare_environment

prepare_environment()

import torch

import edgeproof.recipe.run as recipe
from edgeproof.core.progress import silent
from edgeproof.recipe.demo import run_demo
from harness import machine

MOST = 0.15


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    spent_s: list[float] = []
    walk = recipe.walk

    def timed(*arguments: Any, **named: Any) -> Any:
        began = time.process_time()
        found = walk(*arguments, **named)
        spent_s.append(time.process_time() - began)
        return found

    recipe.walk = timed
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        run_demo(Path(folder) / "demo", seed=options.seed, write=silent)
        whole_s = time.process_time() - began
    print(
        json.dumps(
            {
                "name": "gates",
                "ours": round(sum(spent_s), 2),
                "peer": round(whole_s, 2),
                "ratio": round(sum(spent_s) / whole_s, 3),
                "unit": f"CPU s of checks; peer is the whole demo, target at most {MOST:.0%}",
                "rounds": len(spent_s),
                "machine": machine(),
            }
        )
    )


if __name__ == "__main__":
    main()
