"""Two writers lose nothing, and a writer killed at any moment loses nothing that it had finished."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgeproof.ledger.store import Ledger

WRITER = """
import sys
from pathlib import Path
from edgeproof.ledger.store import Ledger
ledger, name, rows, size = Ledger(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
print("ready", flush=True)
for n in range(rows):
    ledger.append_many([("note", {"writer": name, "n": n, "text": "x" * size})] * 2)
    print(n, flush=True)
"""


def writer(workspace: Path, name: str, rows: int, size: int = 10) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(workspace), name, str(rows), str(size)], stdout=subprocess.PIPE, text=True
    )


def test_two_writers_lose_nothing(tmp_path: Path):
    both = [writer(tmp_path, name, 25) for name in ("a", "b")]
    for process in both:
        process.communicate(timeout=60)
        assert process.returncode == 0
    notes = Ledger(tmp_path).rows("note")
    for name in ("a", "b"):
        assert [row.body["n"] for row in notes if row.body["writer"] == name] == [n // 2 for n in range(50)]
    assert Ledger(tmp_path).verify() == 101


def test_readers_see_whole_ledgers_while_others_write(tmp_path: Path):
    process, seen = writer(tmp_path, "a", 60, 20_000), [0]
    while process.poll() is None:
        seen.append(Ledger(tmp_path).verify())
    process.communicate()
    assert seen == sorted(seen)
    assert Ledger(tmp_path).verify() == 121


@pytest.mark.parametrize("attempt", range(4))
def test_a_killed_writer_loses_nothing_finished(tmp_path: Path, attempt: int):
    process = writer(tmp_path, "a", 100_000, 3_000)
    assert process.stdout is not None
    assert [process.stdout.readline().strip() for _ in range(3)] == ["ready", "0", "1"]
    time.sleep(random.Random(attempt).uniform(0.05, 0.4))
    os.kill(process.pid, signal.SIGKILL)
    finished = [int(line) for line in process.communicate()[0].splitlines() if line.strip()]
    ledger = Ledger(tmp_path)
    rows = ledger.rows("note")
    assert len(rows) >= 2 * (2 + len(finished))
    ledger.append("note", {"writer": "b", "n": 0})
    assert [row.hash for row in ledger.rows("note")[: len(rows)]] == [row.hash for row in rows]


@pytest.mark.parametrize("cut", [1, 5, 400, 3_000, 3_400, 5_000])
def test_a_write_torn_anywhere_loses_nothing_finished(tmp_path: Path, cut: int):
    ledger = Ledger(tmp_path)
    ledger.append("note", {"n": 0})
    head = (ledger.folder / "ledger.head").read_bytes()
    finished = ledger.path.read_bytes()
    ledger.append_many([("note", {"n": n, "text": "x" * 3_000}) for n in (1, 2)])
    ledger.path.write_bytes(ledger.path.read_bytes()[:-cut])  # the kill came in the middle of the write,
    (ledger.folder / "ledger.head").write_bytes(head)  # so before the head was moved
    survivors = ledger.path.read_bytes().count(b"\n")
    assert survivors in (2, 3)
    assert ledger.verify() == survivors
    ledger.append("note", {"n": 3})
    assert ledger.path.read_bytes().startswith(finished)
    assert ledger.verify() == survivors + 1
