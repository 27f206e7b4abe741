"""Every loss of the catalog passes the conformance suite, and the suite catches losses that are wrong."""

from typing import Literal

import pytest
import torch

from edgeproof.core.catalog import whole
from edgeproof.core.config import Config
from edgeproof.testing import LOSS_CHECKS
from edgeproof.train import LOSSES

CONFIGS = whole(LOSSES, "losses")


@pytest.mark.parametrize("check", LOSS_CHECKS)
@pytest.mark.parametrize("name", CONFIGS)
def test_loss(name, check):
    LOSS_CHECKS[check](CONFIGS[name]())


class WrongLossConfig(Config):
    name: Literal["wrong"] = "wrong"
    fault: str

    def build(self):
        def loss(logit_B, y_B):
            p = torch.sigmoid(logit_B)
            if self.fault == "sign":
                p = 1 - p
            if self.fault == "mean":
                return -(y_B * p.log() + (1 - y_B) * (1 - p).log()).mean().expand_as(p)
            return -(y_B * p.log() + (1 - y_B) * (1 - p).log())

        return loss


@pytest.mark.parametrize(
    ("fault", "check"), [("sign", "direction"), ("mean", "per_sample"), ("naive logarithm", "extremes")]
)
def test_suite_catches(fault, check):
    with pytest.raises(AssertionError):
        LOSS_CHECKS[check](WrongLossConfig(fault=fault))
