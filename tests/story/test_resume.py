"""A training killed again and again with SIGKILL ends with the very bytes of one that was left alone."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from edgeproof.core.container import read_container
from edgeproof.core.identity import sha_named

EPOCHS = 40
SCRIPT = f"""
import sys
from pathlib import Path
from edgeproof.core.config import from_mapping
from edgeproof.core.device import prepare_environment, set_threads
prepare_environment()
set_threads()
from edgeproof.core.rng import Rng
from edgeproof.models.mlp import MlpConfig
from edgeproof.testing.market import tiny_dataset
from edgeproof.train.loop import fit
from edgeproof.train.losses import FocalConfig
from edgeproof.train.settings import TrainConfig
settings = from_mapping(TrainConfig, {{
    "epochs": {EPOCHS}, "batch_size": 64, "lr": 3e-3, "patience": None, "scheduler": "plateau", "loss_metric": "f1_plus"
}})
data = tiny_dataset(Rng(1), bars=600)
print("ready", flush=True)
trained = fit(data, MlpConfig(hidden=(32, 16)), FocalConfig(), settings, rng=Rng(5), folder=Path(sys.argv[1]))
print(trained.sha, flush=True)
"""


def start(folder: Path, hash_seed: str) -> subprocess.Popen[str]:
    """A training in a process of its own, past its imports."""
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(folder)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def finish(folder: Path, hash_seed: str) -> str:
    """Hash of the best weights, once the training has ended by itself."""
    with start(folder, hash_seed) as process:
        said, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return said.strip()


def end_of(folder: Path) -> tuple[str, str]:
    """Hash of all tensors in `last` (weights and optimiser), and its memory without seconds and times of day."""
    arrays, header, _ = read_container(folder / "last.safetensors")
    memory = header["memory"]
    for row in memory["history"]:
        row["seconds"] = 0.0
    for entry in memory["kept"]:
        entry["file"] = entry["file"].rpartition("_")[0]
    return sha_named(arrays), json.dumps(memory)


def epochs_done(folder: Path) -> int:
    last = folder / "last.safetensors"
    return read_container(last)[1]["memory"]["epoch"] if last.exists() else 0


def test_killed_at_random_moments(tmp_path):
    began = time.monotonic()
    alone = finish(tmp_path / "alone", hash_seed="1")
    duration = time.monotonic() - began
    moments = np.random.default_rng(20261121)
    progress = [0]
    for number in range(3):
        process = start(tmp_path / "killed", hash_seed=str(number + 2))
        aim = progress[-1] + 1  # let it finish an epoch or more, then strike anywhere in one
        while epochs_done(tmp_path / "killed") < aim and process.poll() is None:
            time.sleep(0.002)
        time.sleep(moments.uniform(0, 0.02 * duration))
        process.send_signal(signal.SIGKILL)
        with process:
            pass
        progress.append(epochs_done(tmp_path / "killed"))
    assert 0 < progress[1] < progress[2] < progress[3]
    assert progress[1] < EPOCHS, "the first kill came after the end"
    assert finish(tmp_path / "killed", hash_seed="0") == alone
    assert end_of(tmp_path / "killed") == end_of(tmp_path / "alone")
    assert len(list((tmp_path / "killed").iterdir())) == 4  # three best, last, and no remains of a broken write
