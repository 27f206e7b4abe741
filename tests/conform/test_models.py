"""Every model of the catalog passes the conformance suite, and the suite catches models that are wrong."""

from typing import Literal

import pytest
import torch
from torch import nn

from edgeproof.core.catalog import whole
from edgeproof.core.config import Config
from edgeproof.models import MODELS
from edgeproof.models.heads import BinaryHead, Classifier
from edgeproof.testing import MODEL_CHECKS

CONFIGS = whole(MODELS, "models")


@pytest.mark.parametrize("check", MODEL_CHECKS)
@pytest.mark.parametrize("name", CONFIGS)
def test_model(name, check, tmp_path):
    MODEL_CHECKS[check](CONFIGS[name](), tmp_path)


class _Sick(nn.Module):
    """An encoder with one illness at a time."""

    def __init__(self, illness: str, width: int) -> None:
        super().__init__()
        self.illness = illness
        self.linear = nn.Linear(width, 4)
        self.idle = nn.Linear(2, 2) if illness == "idle" else None

    def forward(self, x_BLF: torch.Tensor, asset_B: torch.Tensor) -> torch.Tensor:
        x = x_BLF.flatten(1)
        if self.illness == "mixes":
            x = x - x.mean(dim=0)
        if self.illness == "random":
            x = x + torch.randn_like(x)
        if self.illness == "index":
            return self.linear(x) + torch.eye(3)[asset_B][:, :1]
        z = self.linear(x)
        return z if self.illness != "small" else 1e-3 * torch.tanh(1e-3 * z)


class SickConfig(Config):
    name: Literal["sick"] = "sick"
    illness: str

    def build(self, n_features: int, window: int, n_assets: int) -> nn.Module:
        del n_assets
        return Classifier(_Sick(self.illness, n_features * window), BinaryHead(4))


@pytest.mark.parametrize(
    ("illness", "check", "says"),
    [
        ("idle", "gradients", "no gradient reaches encoder.idle.weight"),
        ("mixes", "no_mixing", "depends on the rest"),
        ("random", "no_future", "depends on later bars"),
        ("small", "one_batch", "one batch is not learned"),
    ],
)
def test_suite_catches(illness, check, says, tmp_path):
    with pytest.raises(AssertionError, match=says):
        MODEL_CHECKS[check](SickConfig(illness=illness), tmp_path)


def test_suite_passes_a_healthy_model_of_the_same_build(tmp_path):
    for check in ("gradients", "no_mixing", "no_future", "one_batch"):
        MODEL_CHECKS[check](SickConfig(illness="none"), tmp_path)
