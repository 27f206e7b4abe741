"""What a busy machine costs a training: `mlp` alone, and beside as many spinning processes as there are cores.

Four ways to run it, each in a process of its own: `ours` (edgeproof imported first: all cores, threads that sleep while
they wait), `torch_first` (torch imported first, nothing asked for: one thread), `one` (EDGEPROOF_THREADS=1), and
`spinning` (torch as it comes: all cores, threads that spin). With n busy processes on n cores a fair scheduler leaves
half: `busy / quiet` of 0.5 means that being busy costs nothing but that share. Also per CPU second, in which waiting
threads that spin show and a fair share does not. Look at the load: a machine that others use is not quiet.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator

__all__ = ["busy"]

WAYS = ("ours", "torch_first", "one", "spinning")
SPIN = "while True: pass"
OPENMP = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "EDGEPROOF_THREADS")


def child(way: str, seconds: float, precision: str) -> None:
    """Train for about this long and print samples a second, of wall and of CPU time."""
    if way in {"torch_first", "spinning"}:
        import torch  # noqa: F401 - the order of imports is what is looked at
    import warnings

    warnings.simplefilter("ignore")
    from edgeproof.core.device import kept_memory, set_threads
    from edgeproof.train.epoch import train_epoch
    from training import descent_of, panel

    if way in {"ours", "torch_first"}:
        del os.environ["EDGEPROOF_THREADS"]  # the benchmark of one thread has just asked for it
    threads = set_threads(os.cpu_count() if way == "spinning" else None)
    session = descent_of(panel(8, 4000, 2560), "mlp", precision=precision).session
    with kept_memory():
        train_epoch(session, 0, {})
        epoch, began, cpu = 0, time.perf_counter(), time.process_time()
        while time.perf_counter() - began < seconds:
            epoch += 1
            train_epoch(session, epoch, {})
        wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    print(json.dumps({"threads": threads, "wall": epoch * 2560 / wall, "cpu": epoch * 2560 / cpu}))


@contextlib.contextmanager
def busy(count: int) -> Iterator[None]:
    """Processes that do nothing but spin."""
    beside = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(count)]
    try:
        yield
    finally:
        for process in beside:
            process.kill()
            process.wait()


def measured(way: str, seconds: float, precision: str) -> dict[str, float]:
    """One training in a new process, whose environment says nothing of threads but what the way asks for."""
    around = {name: value for name, value in os.environ.items() if name not in OPENMP}
    around |= {"EDGEPROOF_THREADS": "1"} if way == "one" else {}
    command = [sys.executable, __file__, "--child", way, str(seconds), precision]
    return json.loads(subprocess.run(command, env=around, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=WAYS)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", nargs=3, metavar=("WAY", "SECONDS", "PRECISION"), help="used by this script")
    asked = parser.parse_args()
    if asked.child:
        child(asked.child[0], float(asked.child[1]), asked.child[2])
        return
    cores = os.cpu_count() or 1
    for way in asked.ways:
        found: dict[str, list[dict[str, float]]] = {"quiet": [], "busy": []}
        load = os.getloadavg()[0]
        for _ in range(asked.rounds):
            found["quiet"].append(measured(way, asked.seconds, asked.precision))
            with busy(cores):
                found["busy"].append(measured(way, asked.seconds, asked.precision))
        row: dict[str, object] = {"name": f"threads, mlp {asked.precision}, {way}", "load_before": round(load, 1)}
        for unit in ("wall", "cpu"):
            quiet, hard = (sorted(entry[unit] for entry in found[kind])[asked.rounds // 2] for kind in found)
            row |= {f"quiet_{unit}": round(quiet), f"busy_{unit}": round(hard), f"ratio_{unit}": round(hard / quiet, 3)}
        print(json.dumps(row | {"threads": found["quiet"][0]["threads"], "unit": "samples / s"}), flush=True)


if __name__ == "__main__":
    main()
