"""The peer's side of a paired benchmark: warm up once, then one timed round for each line on stdin.

A peer script runs in an environment of its own and imports nothing of edgeproof, but for a model that both train:

    from serve import serve
    prices = numpy.load(sys.argv[1])           # input made by the benchmark, outside the timing
    serve(lambda: run(prices))                  # whatever it returns (JSON-ready) travels with the round
"""

import json
import sys
import time
from collections.abc import Callable

__all__ = ["serve"]


def serve(run: Callable[[], object]) -> None:
    """Answer rounds until stdin closes; stray prints of the peer go to stderr, so the answers stay clean."""
    answers, sys.stdout = sys.stdout, sys.stderr
    value = run()
    print(json.dumps({"ready": True, "value": value}), file=answers, flush=True)
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        value = run()
        times = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        print(json.dumps({**times, "value": value}), file=answers, flush=True)
