"""How far weights went from where they began, as a share of their size; of a start at zero there is no share."""

import numpy as np
import pytest
from torch import nn

from edgeproof.core.config import from_mapping
from edgeproof.core.rng import Rng
from edgeproof.models.logistic import LogisticConfig
from edgeproof.models.mlp import MlpConfig
from edgeproof.recipe.weights import compared
from edgeproof.train.keep import arrays_of
from edgeproof.train.seeding import seeded

SHAPE = (3, 4, 2)  # features, window, assets


def begun(config: LogisticConfig | MlpConfig) -> tuple[dict, dict[str, np.ndarray]]:
    """What a checkpoint says of its training, and the weights that it began with."""
    with seeded(Rng(0, (1,)).child("init")):
        model: nn.Module = config.build(*SHAPE)
    return {"model": config.model_dump(mode="json"), "seed": [0, 1]}, {
        name: array.copy() for name, array in arrays_of(model).items()
    }


def test_the_share_is_that_of_the_weights_own_size():
    identity, start = begun(from_mapping(MlpConfig, {"hidden": [8]}, source="test"))
    assert (found := compared(identity, SHAPE, start)) is not None
    assert found.moved == 0.0
    grown = {name: array * 1.5 if array.dtype.kind == "f" else array for name, array in start.items()}
    assert (found := compared(identity, SHAPE, grown)) is not None
    assert found.moved == pytest.approx(0.5, rel=1e-6)


def test_weights_that_began_at_zero_have_no_share():
    identity, start = begun(LogisticConfig())
    assert (found := compared(identity, SHAPE, start)) is not None
    assert found.moved == 0.0
    assert (found := compared(identity, SHAPE, {name: array + 0.1 for name, array in start.items()})) is not None
    assert found.moved is None
