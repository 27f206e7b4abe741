"""`edgeproof VERB CONFIG` as a process of its own, which may be killed as soon as something is seen."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

__all__ = ["command", "kill_when", "says"]

PATIENCE_S = 300


def command(verb: str, config: Path, market: Path, out: Path, *more: object) -> list[str]:
    """The words of such a call, in the workspace beside its folder; exit status 0 whatever it finds."""
    words = (verb, config, "--market", market, "--out", out, "--workspace", out.parent, "--exit-zero", *more)
    return [sys.executable, "-m", "edgeproof", *map(str, words)]


def kill_when(words: list[str], seen: Callable[[], bool], log: Path, how: int = signal.SIGKILL) -> int:
    """Start it, send it the signal as soon as this is seen, and return its status; what it says goes to the log."""
    with log.open("w") as stream:
        process = subprocess.Popen([words[0], "-u", *words[1:]], stderr=stream, stdout=subprocess.DEVNULL)
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until and process.poll() is None:
            if seen():
                process.send_signal(how)
                break
            time.sleep(0.002)
        return process.wait()


def says(log: Path, text: str) -> Callable[[], bool]:
    """Whether this text stands in the log."""
    return lambda: log.exists() and text in log.read_text(errors="ignore")
