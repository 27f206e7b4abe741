"""Known-truth markets: bars and truth of 8 x 20,000 and 143 x 17,520 in memory, warm and in a new process.

A new process takes the compiled code from disk; the first one of all on a machine compiles it, which is shown without a
limit. CPU seconds of one thread, imports left out. Above them the oracle of a label that has to be simulated, on the
validation bars of 8 x 20,000.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

os.environ.setdefault("EDGEPROOF_THREADS", "1")

import numpy as np

from edgeproof.core.clock import HOUR_NS
from edgeproof.core.rng import Rng
from edgeproof.data.panel import Panel
from edgeproof.data.synthetic import generate
from edgeproof.labels.opportunity import OpportunityConfig
from edgeproof.truth import Asked, Stated, oracle_of
from harness import round_of, show

LIMITS = {(8, 20_000): 2.0, (143, 17_520): 8.0}


def process(kind: str, symbols: int, bars: int, *, compiled: bool) -> float:
    """CPU seconds of the first call in a new process."""
    program = (
        "import time\nfrom edgeproof.data.synthetic import generate\nbegan = time.process_time()\n"
        f"generate({kind!r}, {symbols}, {bars}, 1)\nprint(time.process_time() - began)"
    )
    with tempfile.TemporaryDirectory() as cache:
        variables = os.environ if compiled else {**os.environ, "NUMBA_CACHE_DIR": cache}
        done = subprocess.run(
            [sys.executable, "-c", program], env=variables, capture_output=True, text=True, check=True
        )
    return float(done.stdout)


def warm(kind: str, symbols: int, bars: int, rounds: int) -> float:
    generate(kind, symbols, bars, 1)
    return float(np.median([round_of(lambda: generate(kind, symbols, bars, 1))["cpu"] for _ in range(rounds)]))


def oracle_seconds() -> tuple[float, dict]:
    """CPU seconds and figures of `opportunity` on the validation bars, warm."""
    made, label = generate("linear", 8, 16_000, 1, 0.15), OpportunityConfig()
    present = np.ones(made.p_up.shape, dtype=bool)
    panel = Panel(made.ohlcv, present, made.open_time, made.close_time, made.symbols, HOUR_NS, "continuous", "bench")
    stated, labels = Stated(made.p_up, made.mean, made.volatility, present), label.label(panel)
    scored = labels.known & (np.arange(16_000) >= 12_000)
    asked = Asked(label, labels, scored, made.p_up, np.log(made.volatility))

    def once() -> dict | None:
        return oracle_of(made.parameters, panel, stated, asked, rng=Rng(1))

    once()
    timed = round_of(once)
    assert timed["value"] is not None
    return timed["cpu"], timed["value"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", default="linear")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    seconds, found = oracle_seconds()
    kept = {
        key: found[key] for key in ("auc", "auc_error", "model_auc", "volatility_auc", "bars", "bars_scored", "paths")
    }
    print(json.dumps(kept), file=sys.stderr)
    show("oracle of opportunity, 8 x 4,000 bars", seconds, 5.0, unit="CPU s", rounds=1)
    for (symbols, bars), limit in LIMITS.items():
        name = f"synthetic {symbols} x {bars:,}"
        show(name, warm(asked.kind, symbols, bars, asked.rounds), limit, unit="CPU s", rounds=asked.rounds)
        show(f"{name}, new process", process(asked.kind, symbols, bars, compiled=True), limit, unit="CPU s", rounds=1)
    show("first of all, compiling", process(asked.kind, 8, 20_000, compiled=False), None, unit="CPU s", rounds=1)


if __name__ == "__main__":
    main()
