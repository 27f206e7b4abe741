"""Recurrent models: the plain loops of their papers, initial weights that remember, and the space of a search."""

import numpy as np
import pytest
import torch

from edgeproof.core.config import from_mapping, space
from edgeproof.core.errors import ConfigError
from edgeproof.core.rng import Rng
from edgeproof.models.cnn_lstm import CnnLstmConfig
from edgeproof.models.gru_attention import GruAttentionConfig
from edgeproof.models.lstm_attention import LstmAttentionConfig
from edgeproof.models.recurrent import SelfAttention, recurrent
from edgeproof.recipe.config import load_run_config
from edgeproof.train.seeding import seeded


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def state_of(module):
    return {name: value.detach().double().numpy() for name, value in module.state_dict().items()}


def gru_by_hand(w, x_BLF, layer, hidden):
    """Cho et al. 2014 as PyTorch states it: h' = (1 - z) n + z h."""
    h, out = np.zeros((len(x_BLF), hidden)), []
    for x in x_BLF.transpose(1, 0, 2):
        inner = x @ w[f"weight_ih_l{layer}"].T + w[f"bias_ih_l{layer}"]
        state = h @ w[f"weight_hh_l{layer}"].T + w[f"bias_hh_l{layer}"]
        r, z = (sigmoid(inner[:, k : k + hidden] + state[:, k : k + hidden]) for k in (0, hidden))
        n = np.tanh(inner[:, 2 * hidden :] + r * state[:, 2 * hidden :])
        h = (1 - z) * n + z * h
        out.append(h)
    return np.stack(out, axis=1)


def norm_by_hand(x, weight, bias):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * weight + bias


def attention_by_hand(w, h_BLH, heads):
    """Vaswani et al. 2017, eq. 1, a head after the other."""
    q, k, v = np.split(h_BLH @ w["inward.weight"].T + w["inward.bias"], 3, axis=-1)
    width = q.shape[-1] // heads
    read = []
    for head in range(heads):
        cut = slice(head * width, (head + 1) * width)
        score = q[..., cut] @ k[..., cut].transpose(0, 2, 1) / np.sqrt(width)
        share = np.exp(score - score.max(-1, keepdims=True))
        read.append(share / share.sum(-1, keepdims=True) @ v[..., cut])
    return np.concatenate(read, axis=-1) @ w["outward.weight"].T + w["outward.bias"]


@pytest.mark.parametrize("readout", ["mean", "last"])
def test_gru_attention_is_the_plain_computation(readout):
    config = GruAttentionConfig(hidden=6, attention=4, heads=2, dense=5, embedding=3, readout=readout)
    with seeded(Rng(1)):
        module = config.build(n_features=2, window=4, n_assets=3).eval()
    x, asset = torch.randn(5, 4, 2, generator=Rng(2).torch()), torch.tensor([0, 1, 2, 1, 0])
    w = {name.removeprefix("encoder."): value for name, value in state_of(module).items()}
    states = {name.removeprefix("states."): value for name, value in w.items()}
    h = gru_by_hand(states, gru_by_hand(states, x.double().numpy(), 0, 6), 1, 6)
    h = norm_by_hand(h, w["norm.weight"], w["norm.bias"])
    read = attention_by_hand({name.removeprefix("attention."): value for name, value in w.items()}, h, 2)
    h = norm_by_hand(h + read, w["second_norm.weight"], w["second_norm.bias"])
    z = np.concatenate((h.mean(1) if readout == "mean" else h[:, -1], w["embedding.weight"][asset.numpy()]), axis=1)
    z = np.maximum(z @ w["dense.weight"].T + w["dense.bias"], 0)
    expected = z @ w["head.linear.weight"][0] + w["head.linear.bias"]
    np.testing.assert_allclose(module(x, asset).detach().numpy(), expected, atol=2e-6)


def test_attention_is_torchs():
    with seeded(Rng(3)):
        ours, torchs = SelfAttention(8, 8, 4), torch.nn.MultiheadAttention(8, 4, batch_first=True)
    with torch.no_grad():
        torchs.in_proj_weight.copy_(ours.inward.weight)
        torchs.in_proj_bias.copy_(ours.inward.bias)
        torchs.out_proj.weight.copy_(ours.outward.weight)
        torchs.out_proj.bias.copy_(ours.outward.bias)
    h = torch.randn(3, 7, 8, generator=Rng(4).torch())
    expected = torchs(h, h, h)[0]
    torch.testing.assert_close(ours(h, 7), expected)
    torch.testing.assert_close(ours(h, 1), expected[:, -1:])


@pytest.mark.parametrize(("cell", "gates"), [("lstm", 4), ("gru", 3)])
def test_states_start_orthogonal_with_the_keeping_gate_open(cell, gates):
    with seeded(Rng(5)):
        states = recurrent(cell, 3, 8, layers=2, dropout=0.5)
    for name, parameter in states.named_parameters():
        if name.startswith("weight_hh"):
            for gate in parameter.detach().chunk(gates):
                torch.testing.assert_close(gate @ gate.T, torch.eye(8), atol=1e-5, rtol=0)
        if name.startswith("bias"):
            opened = 1.0 if name.startswith("bias_ih") else 0.0
            assert parameter.tolist() == [0.0] * 8 + [opened] * 8 + [0.0] * 8 * (gates - 2)


def test_a_state_remembers_longer_than_at_torchs_start():
    """A nudge of the first of 24 bars still moves the last state, three times as much as from PyTorch's own start."""
    moved = {}
    for name in ("ours", "torchs"):
        with seeded(Rng(6)):
            states = (
                recurrent("lstm", 3, 64, layers=1, dropout=0.0)
                if name == "ours"
                else torch.nn.LSTM(3, 64, batch_first=True)
            )
        x = torch.randn(16, 24, 3, generator=Rng(7).torch())
        nudged = x.clone()
        nudged[:, 0] += 1.0
        moved[name] = float((states(nudged)[0][:, -1] - states(x)[0][:, -1]).detach().norm())
    assert moved["ours"] > 3 * moved["torchs"]


def test_convolutions_read_their_bar_and_those_before():
    """Only the LSTM joins bars that are further apart than two kernels: early states do not see later ones."""
    with seeded(Rng(8)):
        module = CnnLstmConfig(channels=4, hidden=4).build(n_features=2, window=9, n_assets=1).eval()
    x = torch.randn(3, 9, 2, generator=Rng(9).torch())
    changed = x.clone()
    changed[:, 5:] += 10.0
    seen: list[torch.Tensor] = []
    module.encoder.states.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0].detach()))  # pyright: ignore
    for bars in (x, changed):
        module(bars, torch.zeros(3))
    assert torch.equal(seen[0][:, :5], seen[1][:, :5])
    assert not torch.equal(seen[0][:, 5], seen[1][:, 5])


@pytest.mark.parametrize("config", [LstmAttentionConfig(), GruAttentionConfig(), CnnLstmConfig()])
def test_any_window_is_read(config):
    module = config.build(n_features=3, window=24, n_assets=2).eval()
    for window in (1, 5, 60):
        assert module(torch.zeros(2, window, 3), torch.tensor([0, 1])).shape == (2,)


def test_search_space_of_recurrent_models():
    """Layers 1-3, hidden, attention and heads by choice, dropout 0.2-0.5; batch and gamma have spaces of their own."""
    body = {"costs": {"commission_bps": 4.0, "half_spread_bps": 1.0}, "loss": "focal"}
    shared, own = (space(load_run_config(body | {"model": name})) for name in ("mlp", "gru_attention"))
    assert {key for key in own if key.startswith("model.")} == {
        f"model.{name}" for name in ("layers", "hidden", "attention", "heads", "dropout")
    }
    assert own["model.heads"].choices == (2, 4, 8)
    assert (shared["train.batch_size"].choices, own["train.batch_size"].choices) == ((256, 512, 1024), (128, 256, 512))
    assert (shared["loss.gamma"].low, own["loss.gamma"].low, own["loss.gamma"].high) == (1.5, 2.0, 4.0)
    assert own["train.lr"] == shared["train.lr"]
    assert "loss.gamma" not in space(load_run_config(body | {"model": "gru_attention", "loss": "bce"}))


def test_heads_that_cannot_share_are_refused():
    with pytest.raises(ConfigError, match="3 heads cannot share an attention width of 64 evenly"):
        from_mapping(GruAttentionConfig, {"heads": 3})
    for config in (LstmAttentionConfig, GruAttentionConfig):
        fields = space(config())
        assert all(width % heads == 0 for width in fields["attention"].choices for heads in fields["heads"].choices)
