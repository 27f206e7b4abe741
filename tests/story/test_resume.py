"""A training killed again and again with SIGKILL ends with the very bytes of one that was left alone."""

import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeproof.core.container import read_container
from edgeproof.core.identity import sha_named

SCRIPT = """
import json
import sys
from pathlib import Path
from edgeproof.core.config import from_mapping
from edgeproof.core.device import prepare_environment, set_threads
prepare_environment()
set_threads()
from edgeproof.core.rng import Rng
from edgeproof.models import MODELS
from edgeproof.testing.market import tiny_dataset
from edgeproof.train.loop import fit
from edgeproof.train.losses import FocalConfig
from edgeproof.train.settings import TrainConfig
model, settings = json.loads(sys.argv[2])
data = tiny_dataset(Rng(1), bars=600)
print("ready", flush=True)
model = from_mapping(MODELS[model["name"]], model)
settings = from_mapping(TrainConfig, settings)
trained = fit(data, model, FocalConfig(), settings, rng=Rng(5), folder=Path(sys.argv[1]))
print(trained.sha, flush=True)
"""
EPOCHS = 40
MLP = {"name": "mlp", "hidden": [32, 16]}
PLATEAU = {"batch_size": 64, "lr": 3e-3, "patience": None, "scheduler": "plateau", "loss_metric": "f1_plus"}
GRU = {"name": "gru_attention", "hidden": 16, "attention": 8, "dense": 8}
RESTARTS = {"batch_size": 64, "lr": 3e-3, "patience": None, "scheduler": "cosine_restarts", "average": "swa"}


def start(folder: Path, hash_seed: str, job: list[dict[str, Any]]) -> subprocess.Popen[str]:
    """A training of this model with these settings in a process of its own, past its imports."""
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(folder), json.dumps(job)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def finish(folder: Path, hash_seed: str, job: list[dict[str, Any]]) -> str:
    """Hash of the best weights, once the training has ended by itself."""
    with start(folder, hash_seed, job) as process:
        said, _ = process.communicate(timeout=300)
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


def kill_once(folder: Path, hash_seed: str, job: list[dict[str, Any]], pause: float) -> int:
    """Let a training finish an epoch or more, strike after a pause; epochs that are done."""
    aim = epochs_done(folder) + 1
    process = start(folder, hash_seed, job)
    while epochs_done(folder) < aim and process.poll() is None:
        time.sleep(0.002)
    time.sleep(pause)
    process.send_signal(signal.SIGKILL)
    with process:
        pass
    return epochs_done(folder)


def kill_and_compare(folder: Path, job: list[dict[str, Any]], kills: int, pause: float) -> None:
    """Kill a training again and again at random moments; it must end as one that was left alone."""
    began = time.monotonic()
    alone = finish(folder / "alone", "1", job)
    epoch_seconds = (time.monotonic() - began) / job[1]["epochs"]
    moments = np.random.default_rng(20261121)
    progress = [0]
    for number in range(kills):
        pauses = moments.uniform(0, pause * epoch_seconds)
        progress.append(kill_once(folder / "killed", str(number + 2), job, pauses))
    assert all(before < after for before, after in pairwise(progress))
    assert progress[-1] < job[1]["epochs"], "a kill came after the end"
    assert finish(folder / "killed", "0", job) == alone
    assert end_of(folder / "killed") == end_of(folder / "alone")
    assert len(list((folder / "killed").iterdir())) == 4  # three best, last, and no remains of a broken write


def test_killed_at_random_moments(tmp_path):
    kill_and_compare(tmp_path, [MLP, PLATEAU | {"epochs": EPOCHS}], kills=3, pause=0.8)


@pytest.mark.slow
def test_killed_twenty_times_in_one_training_with_averaged_weights(tmp_path):
    """The average begins at epoch 45 of 90 and is killed as often as what comes before it."""
    average = {"name": "swa", "start_share": 0.5}
    kill_and_compare(tmp_path, [GRU, RESTARTS | {"epochs": 90, "average": average}], kills=20, pause=0.9)
