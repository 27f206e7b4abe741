"""A model in a package of its own is found by name through its entry point, trained, kept and read like ours."""

import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeproof.core.catalog import outside, whole
from edgeproof.core.errors import ConfigError
from edgeproof.data.synthetic import make_market
from edgeproof.models import MODELS
from edgeproof.recipe.config import load_run_config
from edgeproof.testing import MODEL_CHECKS

MODEL = '''
"""A model of another house: the mean of the last bar's features through a tanh layer."""

from typing import Literal

import torch
from torch import nn

from edgeproof.core.config import Config
from edgeproof.models.heads import BinaryHead, Classifier


class Encoder(nn.Module):
    def __init__(self, n_features, width):
        super().__init__()
        self.linear = nn.Linear(n_features, width)

    def forward(self, x_BLF, asset_B):
        return torch.tanh(self.linear(x_BLF[:, -1]))


class SeventhConfig(Config):
    name: Literal["seventh"] = "seventh"
    width: int = 16

    def build(self, n_features, window, n_assets):
        return Classifier(Encoder(n_features, self.width), BinaryHead(self.width))
'''


@pytest.fixture
def install(tmp_path, monkeypatch):
    """What an installer leaves in site-packages: the module, and a .dist-info that names its entry point."""

    def put(entry: str) -> None:
        (tmp_path / "otherhouse.py").write_text(MODEL)
        notes = tmp_path / "otherhouse-1.0.dist-info"
        notes.mkdir()
        (notes / "METADATA").write_text("Metadata-Version: 2.1\nName: otherhouse\nVersion: 1.0\n")
        (notes / "entry_points.txt").write_text(f"[edgeproof.models]\n{entry} = otherhouse:SeventhConfig\n")
        monkeypatch.syspath_prepend(tmp_path)
        outside.cache_clear()

    yield put
    sys.modules.pop("otherhouse", None)
    outside.cache_clear()


def test_a_seventh_model_comes_from_outside(install: Callable[[str], None], tmp_path: Path):
    install("seventh")
    assert "seventh" in whole(MODELS, "models")
    assert "seventh" not in MODELS
    costs = {"commission_bps": 4.0, "half_spread_bps": 1.0}
    config = load_run_config({"costs": costs, "model": "seventh"}, ["model.width=8"]).model
    assert type(config).__module__ == "otherhouse"
    assert config.model_dump() == {"name": "seventh", "width": 8}
    for name, check in MODEL_CHECKS.items():
        folder = tmp_path / name
        folder.mkdir()
        check(config, folder)


def test_a_name_that_is_taken_is_refused(install: Callable[[str], None]):
    install("mlp")
    with pytest.raises(ConfigError, match=r"entry point 'mlp' in edgeproof\.models: the name is taken"):
        whole(MODELS, "models")


def wheel(folder: Path) -> Path:
    """The same model as a package that pip installs: a wheel is a zip with these four files."""
    notes = "otherhouse-1.0.dist-info"
    files = {
        "otherhouse.py": MODEL,
        f"{notes}/METADATA": "Metadata-Version: 2.1\nName: otherhouse\nVersion: 1.0\n",
        f"{notes}/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{notes}/entry_points.txt": "[edgeproof.models]\nseventh = otherhouse:SeventhConfig\n",
    }
    path = folder / "otherhouse-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        archive.writestr(f"{notes}/RECORD", "".join(f"{name},,\n" for name in (*files, f"{notes}/RECORD")))
    return path


@pytest.mark.slow
def test_an_installed_model_is_trained_and_judged_by_name(tmp_path: Path):
    """`edgeproof run` knows it where its package is installed, and says what is missing where it is not."""
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps")
    if importlib.util.find_spec("pip") is None:
        pytest.skip("no pip in this environment")
    subprocess.run([*pip, "--target", str(tmp_path / "site"), str(wheel(tmp_path))], check=True)
    make_market("linear", tmp_path / "market", symbols=3, bars=1600, seed=1, strength=0.3)
    config = tmp_path / "config.yaml"
    config.write_text(
        "model: {name: seventh, width: 8}\nwindow: 6\ncosts: {commission_bps: 4.0, half_spread_bps: 1.0}\n"
    )
    words = ["run", config, "--market", tmp_path / "market", "--out", tmp_path / "run", "--exit-zero", "train.epochs=2"]
    command = [sys.executable, "-m", "edgeproof", *map(str, words)]
    without = subprocess.run(command, capture_output=True, text=True, check=False)
    assert without.returncode == 2
    assert "unknown model 'seventh'" in without.stderr
    within = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")])}
    subprocess.run(command, check=True, capture_output=True, env=within)
    body = json.loads((tmp_path / "run" / "bundle" / "bundle.json").read_text())
    assert body["model"] == {"name": "seventh", "width": 8}
    again = ["evaluate", tmp_path / "run", "--market", tmp_path / "market", "--json"]
    said = subprocess.run([*command[:3], *map(str, again)], capture_output=True, text=True, check=True, env=within)
    assert json.loads(said.stdout)["bars"] > 0
    unread = subprocess.run([*command[:3], *map(str, again)], capture_output=True, text=True, check=False)
    assert unread.returncode == 2
    assert "install the package that this model comes from" in unread.stderr
