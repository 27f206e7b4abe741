"""An agent's training that is killed with SIGKILL, again and again, ends with the same bytes as one in one piece."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgeproof.rl.standing import LAST

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
from pathlib import Path
from edgeproof.core.rng import Rng
from edgeproof.rl.ppo import train_ppo
from edgeproof.rl.settings import NetConfig, PpoConfig
from tests.unit.rl.small_worlds import Signs

config = PpoConfig(
    net=NetConfig(actor=(16,), critic=(16,)), total_steps=40 * 256, steps=8, accounts=32, minibatch=64, lr=1e-2,
    normalise_observations=True, normalise_rewards=True, save_seconds=0,
)
trained = train_ppo(Signs(64, members=(0, 1), length=3), [config, config], rng=Rng(2), folder=Path(sys.argv[1]))
print(trained.sha)
"""


def start(folder):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"},
    )


@pytest.mark.slow
def test_a_killed_training_ends_with_the_same_bytes(tmp_path):
    whole, _ = start(tmp_path / "whole").communicate()
    last = tmp_path / "killed" / LAST
    seen = 0
    for _ in range(3):
        process = start(tmp_path / "killed")
        while process.poll() is None and (not last.exists() or last.stat().st_mtime_ns == seen):
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        seen = last.stat().st_mtime_ns
    again, _ = start(tmp_path / "killed").communicate()
    assert again == whole
    assert len(whole.strip()) == 64
    assert (tmp_path / "whole" / "agent.safetensors").read_bytes() == (
        tmp_path / "killed" / "agent.safetensors"
    ).read_bytes()
    assert not list((tmp_path / "killed").glob("epoch-*"))
