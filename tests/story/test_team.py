"""Two processes that torchrun starts make one training: the same weights to rounding, one writer, one clear line."""

import json
import runpy
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import yaml

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
STEADY = {"precision": "fp32", "epochs": 3, "batch_size": 61, "lr": 3e-3, "min_delta": 0.0, "patience": None}
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
    """The jobs in processes that torchrun starts, or in this one."""
    folder.mkdir(exist_ok=True)
    script = folder.parent / "script.py"
    script.write_text(SCRIPT)
    words = [str(script), str(folder), json.dumps(jobs)]
    if processes == 1:
        with patch.object(sys, "argv", words):
            runpy.run_path(words[0])
        return
    done = start(words, processes)
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


COMMAND = """
import os
import signal
from edgeproof.core.errors import TrainError
from edgeproof.train import epoch
whole, steps = epoch._step, []

def step(*arguments):
    steps.append(1)
    if os.environ["RANK"] == "1" and len(steps) == 9 and os.environ["FAULT"] == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if os.environ["RANK"] == "1" and len(steps) == 9 and os.environ["FAULT"] == "raise":
        raise TrainError("the second process has had enough")
    return whole(*arguments)

epoch._step = step
from edgeproof.cli.main import run
run()
"""
BODY = {
    "model": {"name": "mlp", "hidden": [8, 4], "embedding": 2, "dropout": 0.0},
    "window": 6,
    "decide_every": 2,
    "features": ["log_return_1", "log_return_6", "log_volatility_24"],
    "train": {"precision": "fp32", "epochs": 4, "batch_size": 64, "optimiser": "sgd", "lr": 0.05},
    "costs": {"commission_bps": 4.0, "half_spread_bps": 1.0},
}
WALK = {"name": "walk_forward", "train": 1000, "validation": 300, "test": 300, "step": 300}
SPLITS = {"holdout": {}, "walk_forward": {"split": WALK}}


def command(place: Path, market: Path, body: dict, *more: str) -> list[str]:
    """`run` in a workspace of its own."""
    place.mkdir(exist_ok=True)
    (place / "config.yaml").write_text(yaml.safe_dump(body))
    words = ("run", place / "config.yaml", "--market", market, "--out", place / "run", "--workspace", place, *more)
    return [str(word) for word in words]


def errors(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in done.stderr.splitlines() if line.startswith("error: ")]


def rows(place: Path) -> list[dict]:
    return [json.loads(line) for line in (place / ".edgeproof" / "ledger.jsonl").read_text().splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("split", SPLITS)
def test_a_whole_run_under_torchrun_is_that_of_one_process(tmp_path: Path, tiny_market: Path, split: str):
    """Equal rows in the ledger, one of each; equal verdict to rounding; and the second process leaves no word."""
    body = BODY | SPLITS[split]
    verdicts = []
    for name, processes in (("one", 1), ("two", 2)):
        done = start(
            ["-m", "edgeproof", *command(tmp_path / name, tiny_market, body, "--exit-zero", "--json")], processes
        )
        assert done.returncode == 0, done.stderr
        verdicts.append(json.loads(done.stdout))
    kinds = [[row["kind"] for row in rows(tmp_path / name)] for name in ("one", "two")]
    assert kinds[0] == kinds[1]
    for figure in ("auc", "log_loss", "bars", "start"):
        one, two = (verdict["validation"][figure] for verdict in verdicts)
        assert one == (two if isinstance(one, str) else pytest.approx(two, abs=1e-3))
    weights = [read_container(tmp_path / name / "run" / "bundle" / "weights.safetensors")[0] for name in ("one", "two")]
    for key, array in weights[0].items():
        np.testing.assert_allclose(weights[1][key], array, atol=1e-4, rtol=1e-3, err_msg=key)
    names = [{path.name for path in (tmp_path / name / "run").iterdir()} for name in ("one", "two")]
    assert names[0] == names[1]


@pytest.mark.slow
def test_a_checkpoint_of_one_process_goes_on_under_two(tmp_path: Path, tiny_market: Path):
    place, body = tmp_path / "place", BODY | {"train": BODY["train"] | {"epochs": 60, "patience": None}}
    words = [sys.executable, "-m", "edgeproof", *command(place, tiny_market, body, "--exit-zero")]
    with subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "epoch 3/60" in line:
                process.kill()
    done = start(words[1:], 2)
    assert done.returncode == 0, done.stderr
    findings = json.loads((place / "run" / "findings.json").read_text())
    (finding,) = [one for one in findings if one["check"] == "train.resume"]
    assert finding["evidence"]["processes"] == [1, 2]
    assert [row["kind"] for row in rows(place)].count("training") == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("raise", "error: the second process has had enough"),
        ("kill", "error: another process of this training ended without a word; start all of them again"),
    ],
)
def test_one_that_fails_ends_all_with_one_clear_line(tmp_path: Path, tiny_market: Path, monkeypatch, fault, says):
    script, place = tmp_path / "command.py", tmp_path / "place"
    script.write_text(COMMAND)
    words = [str(script), *command(place, tiny_market, BODY, "--exit-zero")]
    monkeypatch.setenv("FAULT", fault)
    done = start(words, 2)
    assert done.returncode == 1  # torchrun's own, whatever ended
    assert len(errors(done)) == 1, done.stderr
    assert errors(done)[0].startswith(says)
    assert not (place / "run" / "verdict.json").exists()
    monkeypatch.setenv("FAULT", "none")
    again = start(words, 2)
    assert again.returncode == 0, again.stderr
    assert (place / "run" / "verdict.json").exists()


@pytest.mark.slow
def test_a_mistake_that_all_make_is_told_once_and_other_verbs_are_refused(tmp_path: Path, tiny_market: Path):
    done = start(["-m", "edgeproof", *command(tmp_path / "place", tiny_market, BODY | {"window": 4000})], 2)
    assert len(errors(done)) == 1, done.stderr
    done = start(["-m", "edgeproof", *command(tmp_path / "gbm", tiny_market, BODY | {"model": "gbm"})], 2)
    assert errors(done) == ["error: model gbm is grown by one process; start it without torchrun"]
    done = start(["-m", "edgeproof", "market", "show", str(tiny_market)], 2)
    assert errors(done) == [
        "error: edgeproof market is done by one process; start it without torchrun, which is for edgeproof run"
    ]
