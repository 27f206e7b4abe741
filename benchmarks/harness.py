"""Paired benchmarks: rounds of ours and a peer's alternate on the same machine, the ratio is that of their medians.

A peer lives in an environment of its own, `benchmarks/.envs/<peer>` made from `benchmarks/peers/<peer>.txt`, and is
driven as a subprocess: `benchmarks/peers/<peer>_<script>.py` warms up and then answers each line with one round
(`peers/serve.py`). Figures for `RESULTS.md` are copied there by hand, with machine and date.

    with Peer("vectorbt", "simulator", tmp / "input.npz") as peer:
        paired("simulator", lambda: simulate(...), peer, rounds=9, unit="CPU s")
"""

import hashlib
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

__all__ = ["Peer", "machine", "paired", "round_of", "show"]

HERE = Path(__file__).resolve().parent
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "POLARS_MAX_THREADS"), "1"
)
Measure = Literal["cpu", "wall", "value"]


def machine() -> str:
    """Processor, cores and Python of this machine, for the result's line."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text(encoding="utf-8").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}"


def environment(peer: str) -> Path:
    """The peer's Python, installed on first use and again whenever its requirements change."""
    listed = HERE / "peers" / f"{peer}.txt"
    folder = HERE / ".envs" / peer
    python, stamp = folder / "bin" / "python", folder / "requirements.sha256"
    content = listed.read_bytes() + (HERE.parent / "constraints.txt").read_bytes()
    sha = hashlib.sha256(content).hexdigest()
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != sha:
        print(f"making {folder} from {listed.name}", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(listed)]
        command += ["-c", str(_cpu_builds(folder))]
        subprocess.run(command, check=True, stdout=sys.stderr)
        stamp.write_text(sha, encoding="utf-8")
    return python


def _cpu_builds(folder: Path) -> Path:
    """Constraints that take PyTorch's CPU build where no GPU is there, as `tools/setup` does: no CUDA package lands."""
    wanted = (HERE.parent / "constraints.txt").read_text(encoding="utf-8")
    if sys.platform == "linux" and shutil.which("nvidia-smi") is None:
        wanted = re.sub(r"^(torch==[0-9.]+)$", r"\1+cpu", wanted, flags=re.MULTILINE)
    path = folder / "constraints.txt"
    path.write_text(wanted, encoding="utf-8")
    return path


class Peer:
    """A peer's process: `with Peer("vectorbt", "simulator", input_path) as peer: peer.round()`.

    Args:
        name: the peer, as in `peers/<name>.txt`.
        script: what it runs, as in `peers/<name>_<script>.py`.
        arguments: passed to the script (paths of its input, sizes).
        threads: threads for its libraries.
    """

    def __init__(self, name: str, script: str, *arguments: object, threads: int = 1) -> None:
        program = HERE / "peers" / f"{name}_{script}.py"
        variables = {**os.environ, **dict.fromkeys(ONE_THREAD, str(threads))}
        self.name = name
        self._process = subprocess.Popen(
            [str(environment(name)), str(program), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=variables,
            text=True,
        )
        self.first = self._answer()["value"]

    def round(self) -> dict[str, Any]:
        """One round: `{"wall": s, "cpu": s, "value": what the peer's function returned}`."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"peer {self.name} ended with status {self._process.wait()}; its message is above")
        return json.loads(line)

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._process:  # closes its pipes and waits: the script ends with its stdin
            pass


def round_of(run: Callable[[], Any]) -> dict[str, Any]:
    """One timed round of ours, in the shape of `Peer.round`."""
    wall, cpu = time.perf_counter(), time.process_time()
    value = run()
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "value": value}


def paired(
    name: str,
    ours: Callable[[], Any],
    peer: Peer | Callable[[], Any],
    *,
    rounds: int = 9,
    unit: str = "CPU s",
    measure: Measure = "cpu",
    higher_is_better: bool = False,
) -> dict[str, Any]:
    """Alternate rounds of both, print the result as the last line, and return it.

    Args:
        name: name of the benchmark.
        ours: one round; called once before the first timed round to warm up.
        peer: a `Peer`, or a function of this process (a plain loop, a limit's yardstick).
        rounds: timed rounds of each.
        unit: what the figures are in.
        measure: CPU seconds, wall seconds, or the number that each round returns (memory, samples a second).
        higher_is_better: turns the ratio: ours / peer instead of peer / ours.

    Returns:
        `{name, ours, peer, ratio, unit, rounds, machine}`; a ratio above 1 means that ours is better.
    """
    ours()
    theirs = peer.round if isinstance(peer, Peer) else lambda: round_of(peer)
    figures: tuple[list[float], list[float]] = ([], [])
    for index in range(rounds):
        for side in (0, 1) if index % 2 == 0 else (1, 0):
            figures[side].append(float((round_of(ours) if side == 0 else theirs())[measure]))
    return show(name, *map(statistics.median, figures), unit=unit, rounds=rounds, higher_is_better=higher_is_better)


def show(
    name: str, ours: float, peer: float | None, *, unit: str, rounds: int, higher_is_better: bool = False
) -> dict[str, Any]:
    """Print one result as JSON and return it; `peer` may be a limit, or None where there is nothing to compare."""
    ratio = None if peer is None else (ours / peer if higher_is_better else peer / ours)
    result = {
        "name": name,
        "ours": ours,
        "peer": peer,
        "ratio": ratio,
        "unit": unit,
        "rounds": rounds,
        "machine": machine(),
    }
    print(json.dumps(result), flush=True)
    return result
