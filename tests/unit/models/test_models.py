"""Models have the stated sizes, and each does what its first line says."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from edgeproof.core.config import dump_yaml, from_mapping, space
from edgeproof.core.errors import ConfigError
from edgeproof.core.rng import Rng
from edgeproof.models.cnn_lstm import CnnLstmConfig
from edgeproof.models.embed import AssetEmbedding
from edgeproof.models.gru_attention import GruAttentionConfig
from edgeproof.models.heads import BinaryHead
from edgeproof.models.logistic import LogisticConfig
from edgeproof.models.lstm_attention import LstmAttentionConfig
from edgeproof.models.mlp import MlpConfig
from edgeproof.train.seeding import seeded


@pytest.mark.parametrize(
    ("config", "count"),
    [
        (LogisticConfig(), 553),
        (MlpConfig(), 186_873),
        (LstmAttentionConfig(), 286_969),
        (GruAttentionConfig(), 62_457),
        (CnnLstmConfig(), 248_641),
    ],
)
def test_parameters_of_the_reference_shape(config, count):
    module = config.build(n_features=23, window=24, n_assets=143)
    assert sum(parameter.numel() for parameter in module.parameters()) == count


def test_logistic_is_a_dot_product_that_starts_at_zero():
    module = LogisticConfig().build(n_features=2, window=3, n_assets=7)
    x, asset = torch.arange(12.0).reshape(2, 3, 2), torch.tensor([0, 99])
    assert module(x, asset).tolist() == [0.0, 0.0]
    with torch.no_grad():
        module.head.linear.weight.copy_(torch.tensor([[1.0, 0, 0, 0, 0, -1.0]]))
        module.head.linear.bias.fill_(0.5)
    assert module(x, asset).tolist() == [0 - 5 + 0.5, 6 - 11 + 0.5]


def test_mlp_in_evaluation_is_the_plain_matrix_computation():
    with seeded(Rng(1)):
        module = MlpConfig(hidden=(5, 4), embedding=3, activation="tanh").build(n_features=2, window=3, n_assets=4)
    for _ in range(3):
        module.train()(torch.randn(16, 3, 2, generator=Rng(2).torch()), torch.arange(16) % 4)
    module.eval()
    x, asset = torch.randn(6, 3, 2, generator=Rng(3).torch()), torch.tensor([0, 1, 2, 3, 0, 1])
    state = {name: value.double().numpy() for name, value in module.state_dict().items()}
    z = np.concatenate((x.double().numpy().reshape(6, 6), state["encoder.embedding.weight"][asset.numpy()]), axis=1)
    for linear, norm in ((0, 1), (4, 5)):
        z = z @ state[f"encoder.layers.{linear}.weight"].T + state[f"encoder.layers.{linear}.bias"]
        prefix = f"encoder.layers.{norm}."
        z = (z - state[prefix + "running_mean"]) / np.sqrt(state[prefix + "running_var"] + 1e-5)
        z = np.tanh(z * state[prefix + "weight"] + state[prefix + "bias"])
    expected = z @ state["head.linear.weight"][0] + state["head.linear.bias"]
    np.testing.assert_allclose(module(x, asset).detach().numpy(), expected, atol=2e-6)


def test_unknown_symbols_read_the_mean_vector():
    embedding = AssetEmbedding(3, 2)
    with torch.no_grad():
        embedding.weight.copy_(torch.tensor([[1.0, 0.0], [2.0, 0.0], [6.0, 3.0]]))
    assert embedding(torch.tensor([2, -1, 0])).tolist() == [[6.0, 3.0], [3.0, 1.0], [1.0, 0.0]]


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_a_head_with_the_prior_starts_at_the_priors_entropy(share):
    head = BinaryHead(4, zero=True)
    head.set_prior(share)
    logit = head(torch.randn(1000, 4, generator=Rng(1).torch())).detach()
    y = (torch.arange(1000) < 1000 * share).float()
    entropy = -share * np.log(share) - (1 - share) * np.log(1 - share)
    assert float(functional.binary_cross_entropy_with_logits(logit, y)) == pytest.approx(entropy, abs=1e-6)


def test_mlp_starts_near_the_entropy_of_a_coin():
    with seeded(Rng(5)):
        module = MlpConfig().build(23, 24, 143).eval()
    x, asset = torch.randn(2000, 24, 23, generator=Rng(1).torch()), torch.arange(2000) % 143
    y = (torch.arange(2000) % 2).float()
    assert abs(float(functional.binary_cross_entropy_with_logits(module(x, asset).detach(), y)) - np.log(2)) < 0.1


def test_search_space_and_yaml_of_the_mlp():
    assert set(space(MlpConfig())) == {"hidden", "activation", "batch_norm", "dropout"}
    assert space(MlpConfig())["hidden"].choices == ((128, 64), (256, 128), (256, 128, 64), (512, 256, 128))
    for hidden in space(MlpConfig())["hidden"].choices:
        assert from_mapping(MlpConfig, {"hidden": list(hidden)}).hidden == hidden
    assert "hidden:\n- 256\n- 128\n- 64\n" in dump_yaml(MlpConfig())


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"droput": 0.1}, "unknown key 'droput'; did you mean 'dropout'"),
        ({"dropout": 1.0}, "dropout"),
        ({"hidden": []}, "hidden"),
        ({"hidden": [64, 0]}, "hidden"),
        ({"activation": "gelu"}, "'relu' or 'tanh'"),
    ],
)
def test_bad_values_are_refused(body, says):
    with pytest.raises(ConfigError, match=says):
        from_mapping(MlpConfig, body)
