"""An agent's training that is killed with SIGKILL, again and again, ends with the same bytes as one in one piece."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import edgeproof as ep
from edgeproof.core.container import read_container
from edgeproof.ledger.store import Ledger
from edgeproof.rl.standing import LAST
from tests.story.calls import kill_when, says

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


RUN = """
features: [close_location, body_share]
window: 4
gates: {profile: none}
model: {name: gru_attention, layers: 1, hidden: 8, attention: 8, dense: 8}
train: {epochs: 2, batch_size: 256}
agent:
  name: ppo
  encoder: {name: ENCODER}
  net: {actor: [8], critic: [8]}
  steps: 16
  accounts: 64
  total_steps: 16384
  minibatch: 512
  save_seconds: 0
environment: {episode_bars: 64}
combine: {name: multi_start, seeds: 2}
costs: {commission_bps: 4.0}
"""


def run_of(folder, market):
    words = ["rl", "train", folder / "run.yaml", "--market", market, "--out", folder / "run", "--workspace", folder]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    return subprocess.Popen(
        [sys.executable, "-m", "edgeproof", *map(str, words), "--exit-zero"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env=environment,
    )


def times_of(folder, within):
    """When each checkpoint was written last."""
    return {path: path.stat().st_mtime_ns for path in folder.glob(within)}


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ["frozen", "learned"])
def test_a_killed_run_of_a_population_that_sees_by_encoders_ends_with_the_same_bundle_and_count(encoder, tmp_path):
    """It is killed once while encoders are fitted or the agents begin, and once in the middle of their training."""
    market = ep.make_market("linear", tmp_path / "m", symbols=2, bars=1500, seed=5, strength=0.3).path
    left = {}
    for name in ("whole", "killed"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "run.yaml").write_text(RUN.replace("ENCODER", encoder))
        files = folder / "run" / "checkpoints"
        for within in (f"**/{LAST}", LAST) if name == "killed" else ():
            before, process = times_of(files, within), run_of(folder, market)
            while times_of(files, within) == before:
                assert process.poll() is None
                time.sleep(0.005)
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
        assert run_of(folder, market).wait() == 0
        body = json.loads((folder / "run" / "bundle" / "bundle.json").read_text())
        verdict = json.loads((folder / "run" / "verdict.json").read_text())
        rows = [row.body["label"] for row in Ledger(folder).rows("training")]
        left[name] = body["weights_sha256"], verdict["trials"], rows, verdict["net"]
    assert left["killed"] == left["whole"]
    encoders = 4 if encoder == "frozen" else 0  # three blocks, and the whole
    assert len(left["whole"][2]) == 3 + encoders


LONG = RUN.replace("total_steps: 16384", "total_steps: 204800").replace("save_seconds: 0", "save_seconds: 600")


def test_the_keyboard_ends_an_agent_s_run_with_all_its_work_kept(tiny_market, tmp_path):
    """Before the first checkpoint was due; and the same command goes on behind the update in which it was stopped."""
    config, log, out = tmp_path / "run.yaml", tmp_path / "log", tmp_path / "run"
    config.write_text(LONG.replace("  encoder: {name: ENCODER}\n", "").replace("model: {", "# {"))
    words = [sys.executable, "-m", "edgeproof", "rl", "train", config, "--market", tiny_market, "--out", out]
    words = [*map(str, words), "--workspace", str(tmp_path), "--exit-zero"]
    assert kill_when(words, says(log, "update 1/200"), log, signal.SIGINT) == 3
    said = log.read_text().splitlines()
    kept = read_container(out / "checkpoints" / LAST)[1]["standing"]["update"]
    assert kept >= 1
    assert said[-1] == f"error: training stopped, kept up to update {kept}/200; the same command goes on from there"
    assert kill_when(words, says(log, f"update {kept + 1}/200"), log, signal.SIGINT) == 3
    assert f"update {kept}/200" not in log.read_text()
