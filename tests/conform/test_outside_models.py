"""A model in a package of its own is found by name through its entry point, trained, kept and read like ours."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeproof.core.catalog import outside, whole
from edgeproof.core.errors import ConfigError
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
