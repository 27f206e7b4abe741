"""An ensemble's module: its rules by hand, its promises by property, and its way through a bundle."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.core.config import from_mapping
from edgeproof.core.errors import ConfigError
from edgeproof.models import MODELS
from edgeproof.models.ensemble import COMBINED, EnsembleConfig, pool, vote
from edgeproof.models.gbm import GbmConfig
from edgeproof.models.logistic import LogisticConfig
from edgeproof.models.mlp import MlpConfig
from edgeproof.recipe.config import load_run_config
from edgeproof.recipe.templates import template_body
from edgeproof.testing import MODEL_CHECKS
from edgeproof.train.keep import load_arrays

LOGITS = st.lists(st.lists(st.floats(-300, 300), min_size=4, max_size=4), min_size=2, max_size=5)


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def test_the_mean_is_of_probabilities_by_hand():
    said = torch.tensor([[logit(0.8)], [logit(0.4)]], dtype=torch.float64)
    mean = pool(said, torch.tensor([0.25, 0.75], dtype=torch.float64))  # 0.25 x 0.8 + 0.75 x 0.4 = 0.5
    assert mean.item() == pytest.approx(0.0, abs=1e-12)
    mean = pool(said, torch.tensor([0.0, 1.0], dtype=torch.float64))
    assert mean.item() == pytest.approx(logit(0.4), abs=1e-12)


@given(said=LOGITS, shares=st.lists(st.floats(0.01, 1), min_size=5, max_size=5))
def test_the_mean_lies_between_its_members_and_is_never_worse_than_their_mean_loss(said, shares):
    logit_KB = torch.tensor(said, dtype=torch.float64)
    weight = torch.tensor(shares[: len(said)], dtype=torch.float64)
    weight = weight / weight.sum()
    pooled = pool(logit_KB, weight)
    assert (pooled >= logit_KB.min(dim=0).values - 1e-9).all()
    assert (pooled <= logit_KB.max(dim=0).values + 1e-9).all()
    for sign in (1, -1):  # log loss if y is 1, if y is 0
        loss, losses = (torch.nn.functional.softplus(-sign * z) for z in (pooled, logit_KB))
        assert (loss <= weight @ losses + 1e-9).all()


def test_votes_by_hand_stay_half_a_vote_from_certainty():
    said = torch.tensor([[5.0, 0.1, -0.1, -9.0], [3.0, 0.2, 0.2, -0.1], [0.1, -4.0, -3.0, -0.2]])
    assert torch.sigmoid(vote(said)).tolist() == pytest.approx([5 / 6, 2 / 3, 1 / 3, 1 / 6])


@pytest.mark.parametrize("check", ["shapes", "no_mixing", "no_future", "unknown_symbol", "bundle"])
@pytest.mark.parametrize(
    "config",
    [
        EnsembleConfig(of=MlpConfig(hidden=(8,)), members=2),
        EnsembleConfig(of=GbmConfig(trees=3), members=2, rule="weighted"),
        EnsembleConfig(of=LogisticConfig(), members=3),
    ],
    ids=lambda config: config.of.name,
)
def test_an_ensemble_passes_what_can_be_asked_of_a_model_that_is_not_trained(config, check, tmp_path):
    if (config.of.name, check) != ("gbm", "no_future"):  # trees that were never grown say one thing everywhere
        MODEL_CHECKS[check](config, tmp_path)


def test_an_ensemble_of_trees_says_what_its_trees_say():
    config = GbmConfig(trees=4, min_leaf=5)
    ensemble = EnsembleConfig(of=config, members=2).build(3, 4, 2).eval()
    noise = np.random.default_rng(0)
    x, asset = torch.from_numpy(noise.standard_normal((60, 4, 3)).astype(np.float32)), torch.zeros(60, dtype=torch.long)
    for member in ensemble.members:
        z = member.encoder(x, asset).numpy()  # pyright: ignore
        y = (z[:, 0] + noise.standard_normal(60) > 0).astype(float)
        member.head.take(config.fit_trees(z, y, np.ones(60)), 4)  # pyright: ignore
    said = torch.stack([torch.sigmoid(member(x, asset).double()) for member in ensemble.members])
    assert torch.sigmoid(ensemble(x, asset).double()).numpy() == pytest.approx(said.mean(dim=0).numpy(), abs=1e-6)


def test_weights_travel_with_the_members(tmp_path):
    config = EnsembleConfig(of=LogisticConfig(), members=2, rule="weighted")
    module = config.build(2, 3, 1)
    module.weight.copy_(torch.tensor([0.3, 0.7]))
    other = config.build(2, 3, 1)
    load_arrays(other, {name: np.atleast_1d(value.numpy()) for name, value in module.state_dict().items()}, tmp_path)
    assert other.weight.tolist() == module.weight.tolist()


def test_an_ensemble_is_no_model_to_train():
    assert not COMBINED.keys() & MODELS.keys()
    with pytest.raises(ConfigError, match=r"model ensemble is put together, not trained; .* set combine=ensemble"):
        load_run_config(template_body("logistic_baseline"), ["model=ensemble"])


def test_members_are_models_of_the_catalog():
    with pytest.raises(ConfigError, match="unknown model 'mlpp'; did you mean 'mlp'"):
        from_mapping(EnsembleConfig, {"of": "mlpp", "members": 2})
