"""The size and power tables of the verdict's rule, simulated in full with the shipped functions and compared.

One line a cell: published share, ours, standard error of ours, and how far apart they are in units of what Monte Carlo
allows (three standard errors of both; at most 1 is agreement). Minutes on one thread; `--only "2 openings"` for one.
"""

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("EDGEPROOF_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from edgeproof.core.device import prepare_environment

prepare_environment()

import numpy as np
from tests.honest.verdict_tables import TABLES, beyond

from harness import show


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=4000)
    parser.add_argument("--only", choices=list(TABLES), default=None)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    started, cells, apart = time.process_time(), 0, 0
    for number, (name, table) in enumerate(TABLES.items()):
        if asked.only not in (None, name):
            continue
        found = table.simulate(np.random.default_rng([asked.seed, number]), asked.repetitions)
        print(f"\n{name} (R = {asked.repetitions}, published with {table.repetitions})")
        for cell, ours in found.items():
            error = (max(ours * (1 - ours), 1 / asked.repetitions) / asked.repetitions) ** 0.5
            known = table.published.get(cell)
            far = None if known is None else beyond(known, ours, table, asked.repetitions)
            words = "not printed" if known is None else f"published {known:6.1%}  apart {far:.2f}"
            print(f"  {cell:42s} ours {ours:6.2%} +- {error:.2%}  {words}", flush=True)
            cells, apart = cells + (far is not None), apart + (far is not None and far > 1)
    seconds = time.process_time() - started
    print(f"\n{apart} of {cells} published cells lie outside Monte Carlo error; {seconds:.0f} CPU s")
    show("verdict_tables, cells outside", float(apart), None, unit=f"of {cells}", rounds=asked.repetitions)


if __name__ == "__main__":
    main()
