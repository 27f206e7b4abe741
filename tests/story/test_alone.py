"""A run's folder is trained in by one process: another is refused and touches nothing, and a kill leaves no lock."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

import edgeproof as ep
from edgeproof.core.errors import DataError
from edgeproof.ledger.store import Ledger
from edgeproof.recipe.alone import alone_in
from edgeproof.recipe.templates import template_body

AGENT = {
    "features": ["close_location", "body_share"],
    "window": 4,
    "gates": {"profile": "none"},
    "agent": {
        "name": "ppo",
        "net": {"actor": [8], "critic": [8]},
        "steps": 16,
        "accounts": 32,
        "minibatch": 256,
        "total_steps": 512 * 100,
        "save_seconds": 0,
    },
    "environment": {"episode_bars": 64},
    "costs": {"commission_bps": 4.0},
}


def held(folder: Path) -> dict[str, tuple[int, bytes]]:
    """All that lies there and beside it, and when it was written."""
    files = (path for path in folder.parent.glob("[!.]*/**/*") if path.is_file())
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def halted(words: list[str], when: Path) -> "subprocess.Popen[bytes]":
    """The command in a process of its own, which is held still as soon as this file is there."""
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not when.exists():
        assert process.poll() is None
        time.sleep(0.002)
    process.send_signal(signal.SIGSTOP)
    return process


def test_a_second_process_is_refused_and_the_same_command_resumes_after_a_kill(edgeproof, tiny_market, tmp_path):
    config, out = tmp_path / "config.yaml", tmp_path / "place" / "run"
    config.write_text(yaml.safe_dump(AGENT))
    words = ["rl", "train", config, "--market", tiny_market, "--out", out, "--workspace", tmp_path, "--exit-zero"]
    process = halted([sys.executable, "-m", "edgeproof", *map(str, words)], out / "checkpoints" / "last.safetensors")
    try:
        before = held(out)
        answer = edgeproof(*words)
        assert (answer.status, answer.out) == (2, "")
        line = f"error: another process is training here ({out}); wait for it, or choose another --out"
        assert answer.err.splitlines() == [line]
        assert held(out) == before
        assert edgeproof("doctor", out).status in (0, 1)  # who only reads is not kept out
    finally:
        process.kill()
        process.wait()
    assert process.returncode == -signal.SIGKILL
    resumed = edgeproof(*words)
    assert resumed.status == 0
    assert "update 1/" not in resumed.err


def test_a_folder_that_is_taken_before_it_is_there_is_not_called_somebody_else_s(tiny_market, tmp_path):
    out, body = tmp_path / "place" / "run", template_body("logistic_baseline")
    body["train"] |= {"epochs": 1}
    with (
        alone_in(out, Ledger(tmp_path)),
        pytest.raises(DataError, match="another process is training here"),
    ):
        ep.run(body, tiny_market, out=out, workspace=tmp_path)
    assert not out.parent.exists()
    ep.run(body, tiny_market, out=out, workspace=tmp_path)
    assert sorted(path.name for path in out.parent.iterdir()) == ["run"]
