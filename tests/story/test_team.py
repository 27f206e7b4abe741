"""Two processes that torchrun starts make one training: the same weights to rounding, one writer, one clear line."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgeproof.core.container import read_container

SCRIPT = """
import json
import sys
from pathlib import Path
from edgeproof.core.config import from_mapping
from edgeproof.core.device import prepare_environment, set_threads
prepare_environment()
set_threads(1)
from edgeproof.core.rng import Rng
from edgeproof.models import MODELS
from edgeproof.testing.market import tiny_dataset
from edgeproof.train.loop import fit
from edgeproof.train.losses import FocalConfig
from edgeproof.train.settings import TrainConfig
from edgeproof.train.team import depart, together

folder = Path(sys.argv[1])
jobs = json.loads(sys.argv[2])
with together() as team:
    for name, (model, settings) in jobs.items():
        data = tiny_dataset(Rng(1), bars=200)
        data.weight[:, ::3] = 0.2
        model = from_mapping(MODELS[model["name"]], model)
        settings = from_mapping(TrainConfig, settings)
        trained = fit(data, model, FocalConfig(), settings, rng=Rng(5), folder=folder / name)
        said = [trained.sha, trained.history, [finding.evidence for finding in trained.findings]]
        (folder / f"{name}-{team.rank}.json").write_text(json.dumps(said))
depart(0)
"""
STEADY = {"epochs": 3, "batch_size": 61, "lr": 3e-3, "min_delta": 0.0, "patience": None}
MLP = {"name": "mlp", "hidden": [16, 8], "dropout": 0.0, "embedding": 2}
GRU = {"name": "gru_attention", "hidden": 8, "attention": 4, "dense": 8, "dropout": 0.0}
CNN = {"name": "cnn_lstm", "channels": 6, "hidden": 8, "dropout": 0.0}
SGD = {"optimiser": "sgd", "lr": 0.05}  # of a bias before batch norm Adam would blow rounding up to whole steps
JOBS = {
    "mlp": [MLP, STEADY | SGD | {"average": "ema", "scheduler": "plateau"}],
    "mlp_swa": [MLP, STEADY | SGD | {"average": {"name": "swa", "start_share": 0.5}, "batch_size": "auto"}],
    "gru": [GRU, STEADY | {"accumulate": 2, "warmup_share": 0.2}],
    "cnn": [CNN, STEADY | SGD | {"loss_metric": "auc"}],
}


def start(words: list[str], processes: int) -> subprocess.CompletedProcess[str]:
    torchrun = ["-m", "torch.distributed.run", "--nproc-per-node", str(processes), "--standalone"]
    command = [sys.executable, *(torchrun if processes > 1 else []), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def fitted(folder: Path, jobs: dict, processes: int) -> None:
    folder.mkdir(exist_ok=True)
    script = folder.parent / "script.py"
    script.write_text(SCRIPT)
    done = start([str(script), str(folder), json.dumps(jobs)], processes)
    assert done.returncode == 0, done.stderr


def said(folder: Path, name: str, rank: int = 0) -> list:
    return json.loads((folder / f"{name}-{rank}.json").read_text())


def test_two_processes_train_as_one(tmp_path: Path):
    fitted(tmp_path / "one", JOBS, 1)
    fitted(tmp_path / "two", JOBS, 2)
    for name in JOBS:
        ends = [read_container(tmp_path / place / name / "last.safetensors") for place in ("one", "two")]
        for key, array in ends[0][0].items():
            np.testing.assert_allclose(ends[1][0][key], array, atol=2e-5, rtol=1e-4, err_msg=f"{name} {key}")
        sha, rows, _ = said(tmp_path / "one", name)
        for one, two in zip(rows, said(tmp_path / "two", name)[1], strict=True):
            assert one.keys() == two.keys()
            for figure in ("train_loss", "log_loss", "lr", "grad_norm"):
                assert one[figure] == pytest.approx(two[figure], abs=2e-5), (name, figure)
            assert one["auc"] == pytest.approx(two["auc"], abs=1e-3)  # pairs of nearly equal logits
        assert said(tmp_path / "two", name)[:2] == said(tmp_path / "two", name, 1)[:2]
        assert len(sha) == 64
