"""What an agent sees by a frozen encoder: the same numbers whatever axes the encoder has, never those of later bars."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from edgeproof.core.rng import Rng
from edgeproof.models.actor import ActorConfig
from edgeproof.models.gru_attention import GruAttentionConfig
from edgeproof.models.heads import BinaryHead, Classifier
from edgeproof.models.logistic import LogisticConfig
from edgeproof.models.mlp import MlpConfig
from edgeproof.models.sight import LIMIT, Anchored, SightConfig
from edgeproof.recipe.sight import encoded

L, F, D, M = 3, 2, 4, 5


class Linear(nn.Module):
    """An encoder that is a matrix, so that it can be turned."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, x_BLF: Tensor, asset_B: Tensor) -> Tensor:
        del asset_B
        return x_BLF.flatten(1) @ self.weight


def sight_of(encoder: nn.Module, head: BinaryHead, windows: Tensor) -> Anchored:
    model = Classifier(encoder, head)
    z = encoder(windows, torch.zeros(len(windows)).long()).detach()
    return Anchored.measured(model, z[:M], z).eval()


@given(seed=st.integers(0, 2**31), scale=st.floats(0.1, 10.0))
def test_encoders_that_differ_by_a_rotation_and_a_scale_show_the_same(seed, scale):
    draw = torch.Generator().manual_seed(seed)
    windows, weight = torch.randn(40, L, F, generator=draw), torch.randn(L * F, D, generator=draw)
    turn, _ = torch.linalg.qr(torch.randn(D, D, generator=draw))
    heads = [BinaryHead(D) for _ in range(2)]
    with torch.no_grad():
        heads[0].linear.weight.copy_(torch.randn(1, D, generator=draw))
        heads[1].linear.weight.copy_(heads[0].linear.weight @ turn / scale)
        heads[1].linear.bias.copy_(heads[0].linear.bias)
    one, other = sight_of(Linear(weight), heads[0], windows), sight_of(Linear(scale * weight @ turn), heads[1], windows)
    fresh, asset = torch.randn(7, L, F, generator=draw), torch.zeros(7).long()
    torch.testing.assert_close(one(fresh, asset), other(fresh, asset), rtol=1e-3, atol=1e-3)
    assert one(fresh, asset).shape == (7, M + 1)


def test_a_hand_worked_case():
    """Encodings 1, 3 and 5 about their mean 3; the anchor 1 is -2: products 4, 0, -4 of deviation 4; logits 2 z + 1."""
    head = BinaryHead(1)
    with torch.no_grad():
        head.linear.weight.fill_(2.0)
        head.linear.bias.fill_(1.0)
    z = torch.tensor([[1.0], [3.0], [5.0]])
    sight = Anchored.measured(Classifier(Linear(torch.ones(1, 1)), head), z[:1], z)
    told = sight(torch.tensor([[[1.0]], [[5.0]]]), torch.zeros(2).long())
    torch.testing.assert_close(told, torch.tensor([[1.0, 3.0 / 4.0], [-1.0, 11.0 / 4.0]]))
    assert sight(torch.tensor([[[1e6]]]), torch.zeros(1).long()).abs().max() <= LIMIT


def test_without_anchors_the_forecast_alone_is_seen():
    """The hand-worked case's logits 3, 7 and 11 in units of their deviation, 4; 0 where the model says nothing yet."""
    head = BinaryHead(1)
    with torch.no_grad():
        head.linear.weight.fill_(2.0)
        head.linear.bias.fill_(1.0)
    z = torch.tensor([[1.0], [3.0], [5.0]])
    sight = Anchored.measured(Classifier(Linear(torch.ones(1, 1)), head), z[:0], z)
    told = sight(z[:, :, None], torch.zeros(3).long())
    torch.testing.assert_close(told, torch.tensor([[0.75], [1.75], [2.75]]))
    config = SightConfig(model=LogisticConfig(), width=1, symbols=True, forecast=True)
    assert torch.equal(config.build(F, L, 2)(torch.randn(4, L, F), torch.zeros(4).long()), torch.zeros(4, 1))


@pytest.mark.parametrize("anchors", [0, M])
def test_it_is_built_again_from_its_config_and_weights(anchors):
    model = GruAttentionConfig(hidden=8, layers=1, attention=8, dense=6)
    config = ActorConfig(hidden=(4,), sight=SightConfig(model=model, width=M + 1 if anchors else 6, anchors=anchors))
    built = [config.build(F, L, 3).eval() for _ in range(2)]
    built[1].load_state_dict(built[0].state_dict())
    x, account, asset = torch.randn(2, L, F), torch.randn(2, 6), torch.tensor([0, -1])
    torch.testing.assert_close(built[0](x, account, asset), built[1](x, account, asset))
    assert built[0](x, account, asset).shape == (2, 3)


def test_no_later_bar_moves_what_is_seen():
    """Bars from 20 on are changed: not a number before them moves, and no window that is not ready is shown."""
    draw = Rng(4).numpy()
    x = draw.standard_normal((2, 30, F)).astype(np.float32)
    ready = np.ones((2, 30), bool)
    ready[1, 7] = False
    later = x.copy()
    later[:, 20:] += draw.standard_normal((2, 10, F)).astype(np.float32)
    sight = SightConfig(model=MlpConfig(hidden=(6,), embedding=2), width=M + 1, anchors=M, symbols=True).build(F, L, 2)
    seen, after = (encoded(sight.eval(), part, ready, window=L, bars=slice(None)) for part in (x, later))
    assert np.array_equal(seen[:, :20], after[:, :20])
    assert not np.array_equal(seen[:, 20:], after[:, 20:])
    assert not seen[1, 7 : 7 + L].any()
    assert seen[1, 7 + L].any()
    assert not seen[:, : L - 1].any()
