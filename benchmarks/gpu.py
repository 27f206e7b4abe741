"""Training and simulator on a CUDA machine, in at most eight minutes; where there is none it says so and ends with 0.

    pip install "numba-cuda[cu12]"  # or cu13, as PyTorch's CUDA is: Numba compiles accounts with it
    python benchmarks/gpu.py

Every part prints a JSON line: the simulator's accounts beside those of the CPU, agents eager and graph-captured
(`gpu_agents`), throughput of every model and precision, forward and backward alone, the batch size that is found, a
training that is stopped and resumed beside one that is not, capture on known truth. A part that fails says why and the
others go on: parts run in a process of their own, which is begun anew after one that broke the device or took longer
than some minutes; parts for which no time is left say that. `--device cpu --small` runs the same code without a GPU: it
tests this file and measures nothing of a GPU.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any

os.environ.setdefault("EDGEPROOF_THREADS", "1")

from edgeproof.core.device import prepare_environment

prepare_environment()

import numba
import numpy as np
import torch

import capture
from edgeproof.core.rng import Rng
from edgeproof.models import MODELS
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.engines import simulate_many
from edgeproof.train import LOSSES
from edgeproof.train.epoch import train_epoch
from edgeproof.train.loop import Trained, fit
from edgeproof.train.settings import TrainConfig
from gpu_agents import agents
from harness import machine
from training import descent_of, panel

LIMIT_SECONDS = 480  # of everything
PART_SECONDS, START_SECONDS = 150, 90  # of a part; of a start, and between two parts
NAMES = ("logistic", "mlp", "lstm_attention", "gru_attention", "cnn_lstm")
MONEY = ("equity", "weights")
Part = tuple[str, Callable[[], Any]]


def wait(device: str) -> None:
    """Until the device has done what it was asked for."""
    if device == "cuda":
        torch.cuda.synchronize()


def a_second(run: Callable[[int], int], device: str, rounds: int) -> float:
    """Samples a wall second: the best of these rounds, after one to warm up."""
    run(0)
    found = []
    for number in range(1, rounds + 1):
        wait(device)
        began, samples = time.perf_counter(), run(number)
        wait(device)
        found.append(samples / (time.perf_counter() - began))
    return round(max(found))


def throughput(asked: argparse.Namespace, model: str, precision: str) -> dict[str, float]:
    """Epochs, and forward and backward passes of one batch, by batch size."""
    dataset = panel(asked.symbols, asked.bars, asked.samples)
    found: dict[str, float] = {}
    for batch in (512, asked.large):
        session = descent_of(dataset, model, precision=precision, device=asked.device, batch_size=batch).session

        def epoch(number: int, session=session) -> int:
            train_epoch(session, number, {})
            return len(session.train.index)

        first = session.train.taken(slice(0, batch))
        x = session.windows(first)

        def passes(_number: int, session=session, first=first, x=x) -> int:
            session.optimiser.zero_grad(set_to_none=True)
            for _ in range(4):
                with session.mixed.forward():
                    logit_B = session.model(x, first.asset)
                session.mixed.backward(session.loss(logit_B.float(), first.y).mean())
            return 4 * len(x)

        found[f"epoch_{batch}"] = a_second(epoch, asked.device, asked.rounds)
        found[f"passes_{batch}"] = a_second(passes, asked.device, asked.rounds)
    return found


def found_batch(asked: argparse.Namespace, model: str) -> int:
    """What `train.batch_size=auto` comes to."""
    dataset = panel(asked.symbols, asked.bars, asked.samples)
    return descent_of(dataset, model, device=asked.device, batch_size="auto").batch_size


class _StopError(Exception):
    pass


def resumed(asked: argparse.Namespace, model: str, precision: str) -> bool:
    """Whether a training that ended after two epochs and was taken up has the bytes of one in a piece."""
    dataset = panel(asked.symbols, asked.bars, min(8192, asked.samples))
    written = {"epochs": 4, "lr": 1e-3, "precision": precision, "device": asked.device, "deterministic": True}
    config = TrainConfig.model_validate(written)

    def run(folder: str, stop_after: int) -> Trained:
        def watch(row: Any) -> None:
            if row["epoch"] == stop_after:
                raise _StopError

        parts = (MODELS[model](), LOSSES["bce"](), config)
        return fit(dataset, *parts, rng=Rng(0), folder=Path(folder), watch=watch)

    with tempfile.TemporaryDirectory() as whole, tempfile.TemporaryDirectory() as cut:
        with contextlib.suppress(_StopError):
            run(cut, 2)
        return run(cut, 0).sha == run(whole, 0).sha


def captured(asked: argparse.Namespace, kind: str, strength: float, template: str) -> float:
    """Share of what could be known of a known-truth market that the template learns on this device."""
    more = (f"train.device={asked.device}", *(("train.epochs=1",) if asked.small else ()))
    row = capture.Row(kind, strength, 8, 2_000 if asked.small else 20_000, template, 1, more)
    with tempfile.TemporaryDirectory() as folder:
        return round(capture.measure(row, Path(folder))["capture"], 4)


def simulated(asked: argparse.Namespace) -> dict[str, float]:
    """The largest relative difference of any equity or weight between the device's accounts and the CPU's."""
    draw = np.random.default_rng(0)
    A, T, N = 4, 60 if asked.small else 2_000, 8 if asked.small else 256
    close = 100 * np.exp(np.cumsum(draw.normal(0, 0.01, (A, T)), axis=1))
    before = np.concatenate([close[:, :1], close[:, :-1]], axis=1)
    high, low = np.maximum(close, before) * 1.001, np.minimum(close, before) * 0.999
    prices = np.stack([before, high, low, close, np.ones((A, T))], axis=2)
    weights = draw.choice([0.0, 0.2, -0.2], (N, A, T))
    market = (prices, np.ones((A, T), bool), weights, np.ones((A, T), bool))
    costs = CostsConfig(commission_bps=4.0, half_spread_bps=1.0)
    ours, theirs = (
        simulate_many(*market, costs, engine=engine)
        for engine in ("cuda" if asked.device == "cuda" else "njit", "python")
    )
    gaps = [
        float(np.max(np.abs(getattr(one, name) - getattr(other, name)) / (1 + np.abs(getattr(other, name)))))
        for one, other in zip(ours, theirs, strict=True)
        for name in MONEY
    ]
    return {"accounts": N, "largest_gap": max(gaps)}


def parts(asked: argparse.Namespace) -> Iterator[Part]:
    """Everything, what takes little time first."""
    precisions = ("fp32", "bf16", "fp16") if asked.device == "cuda" else ("fp32", "bf16")
    yield "simulator against the CPU", lambda: simulated(asked)
    yield from agents(asked)
    for model in NAMES:
        yield f"found batch, {model}", lambda model=model: found_batch(asked, model)
        for kind in precisions:
            yield f"throughput, {model} {kind}", lambda model=model, kind=kind: throughput(asked, model, kind)
    for model, kind in (("mlp", "fp32"), ("mlp", precisions[-1]), ("gru_attention", "fp32"), ("cnn_lstm", "bf16")):
        yield f"resume is exact, {model} {kind}", lambda model=model, kind=kind: resumed(asked, model, kind)
    yield "capture, mlp on nonlinear 0.17", lambda: captured(asked, "nonlinear", 0.17, "mlp")
    yield "capture, gru on temporal 0.20", lambda: captured(asked, "temporal", 0.20, "gru")


def say(row: dict[str, Any]) -> None:
    """A line that is read at once."""
    print(json.dumps(row), flush=True)


def work(asked: argparse.Namespace) -> None:
    """The parts from `--first` on, one after the other; a device that no longer answers ends the process."""
    small = (4, 600, 1024, 256, 1) if asked.small else (143, 17_520, 204_800, 8192, 3)
    asked.symbols, asked.bars, asked.samples, asked.large, asked.rounds = small
    for number, (name, run) in enumerate(parts(asked)):
        if number < asked.first or asked.only not in name:
            continue
        say({"part": number, "name": name})
        row, began = {"name": name}, time.perf_counter()
        try:
            row["value"] = run()
        except Exception as error:  # the other parts go on
            row["error"] = " ".join(f"{type(error).__name__}: {error}".split())[:500]
        say(row | {"seconds": round(time.perf_counter() - began, 1)})
        if asked.device == "cuda":
            torch.cuda.synchronize()
            torch.cuda.empty_cache()


class Watched:
    """A process that works through the parts from `first` on, and what it has said.

    Attributes:
        part: number of the last one that it began, -1 before.
        name: of it, while it is not done.
        failed: parts that failed.
    """

    def __init__(self, first: int) -> None:
        self.part, self.name, self.failed = -1, "", 0
        command = [sys.executable, __file__, *sys.argv[1:], "--first", str(first)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self._lines: Queue[str | None] = Queue()
        Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def go(self, until: float) -> str:
        """Print what it says up to this time; answers why it ended: nothing, where it has done all parts."""
        left = min(until - time.monotonic(), START_SECONDS)
        while True:
            try:
                line = self._lines.get(timeout=max(left, 0.1))
            except Empty:
                self._process.kill()
                return "took too long"
            if line is None:
                status = self._process.wait()
                return "" if status == 0 and not self.name else f"the process ended with {status}"
            row = json.loads(line)
            if "part" in row:
                self.part, self.name = row["part"], row["name"]
                left = min(until - time.monotonic(), PART_SECONDS)
            else:
                say(row)
                self.name, self.failed = "", self.failed + ("error" in row)
                left = min(until - time.monotonic(), START_SECONDS)


def watch() -> int:
    """Begin the work, and again after a part that took its process along; answers how many parts failed."""
    until, first, failed = time.monotonic() + LIMIT_SECONDS, 0, 0
    while True:
        process = Watched(first)
        ended = process.go(until)
        failed += process.failed
        if not ended:
            return failed
        if process.name or process.part < first:
            say({"name": process.name or "start", "error": ended})
            failed += 1
        if time.monotonic() > until - 1:
            say({"name": "the parts after it", "left_out": "no time left"})
            return failed
        if process.part < first:
            return failed
        first = process.part + 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--small", action="store_true", help="sizes that end in a minute on one core")
    parser.add_argument("--only", default="", help="parts whose name contains this")
    parser.add_argument("--first", type=int, help=argparse.SUPPRESS)  # of the process that works
    asked = parser.parse_args()
    if asked.device == "cuda" and not torch.cuda.is_available():
        print("no CUDA device on this machine: nothing to measure (--device cpu --small tests this file)")
        return
    if asked.first is not None:
        work(asked)
        return
    say(
        {
            "device": device_facts(asked.device),
            "torch": torch.__version__,
            "numba": numba.__version__,
            "machine": machine(),
        }
    )
    sys.exit(min(watch(), 1))


def device_facts(device: str) -> dict[str, Any]:
    """Which device it is."""
    if device == "cpu":
        return {"name": "cpu"}
    found = torch.cuda.get_device_properties(0)
    facts = {
        "name": found.name,
        "capability": f"{found.major}.{found.minor}",
        "processors": found.multi_processor_count,
    }
    return facts | {"gib": round(found.total_memory / 2**30), "cuda": torch.version.cuda}


if __name__ == "__main__":
    main()
