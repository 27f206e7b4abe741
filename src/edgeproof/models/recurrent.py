"""Pieces that recurrent models share: initial weights that remember, self-attention, what is read off the states."""

# B batch, L window, H hidden, A attention width, K heads, D encoding

import math
from typing import Literal, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from edgeproof.core.config import Tune
from edgeproof.models.dropout import Dropout
from edgeproof.models.embed import AssetEmbedding
from edgeproof.models.heads import BinaryHead, Classifier

__all__ = [
    "TUNES",
    "AttentionEncoder",
    "Cell",
    "Readout",
    "SelfAttention",
    "attention_model",
    "recurrent",
]

TUNES = {"train.batch_size": Tune(choices=(128, 256, 512)), "loss.gamma": Tune(2.0, 4.0)}
"""Search spaces that recurrent models put in place of the shared ones."""

Cell = Literal["lstm", "gru"]
Readout = Literal["mean", "last"]


class _Shape(Protocol):
    """Sizes of a recurrent model with attention: what its config says."""

    @property
    def layers(self) -> int: ...
    @property
    def hidden(self) -> int: ...
    @property
    def attention(self) -> int: ...
    @property
    def heads(self) -> int: ...
    @property
    def readout(self) -> Readout: ...
    @property
    def dense(self) -> int: ...
    @property
    def dropout(self) -> float: ...
    @property
    def embedding(self) -> int: ...


_GATES: dict[Cell, int] = {"lstm": 4, "gru": 3}


def recurrent(cell: Cell, inputs: int, hidden: int, *, layers: int, dropout: float) -> nn.LSTM | nn.GRU:
    """Stacked LSTM (Hochreiter & Schmidhuber 1997) or GRU (Cho et al. 2014), batch first, dropout between layers.

    Each gate starts with its own orthogonal matrix on the state, so that neither state nor gradient fades over the
    window (Saxe et al. 2014), and a Glorot matrix on the input (Glorot & Bengio 2010). Biases are zero but those of the
    gate that keeps the state, which starts open at 1 (Gers et al. 2000; Jozefowicz et al. 2015).
    """
    kind = nn.LSTM if cell == "lstm" else nn.GRU
    module = kind(inputs, hidden, layers, batch_first=True, dropout=dropout if layers > 1 else 0.0)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if name.startswith("bias"):
                parameter.zero_()
            else:
                start = nn.init.orthogonal_ if name.startswith("weight_hh") else nn.init.xavier_uniform_
                for gate in parameter.chunk(_GATES[cell]):
                    start(gate)
            if name.startswith("bias_ih"):
                parameter[hidden : 2 * hidden] = 1.0  # forget gate of (i, f, g, o), update gate of (r, z, n)
    return module


class SelfAttention(nn.Module):
    """Multi-head scaled dot-product attention of states on states (Vaswani et al. 2017, section 3.2)."""

    def __init__(self, hidden: int, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.inward = nn.Linear(hidden, 3 * width)
        self.outward = nn.Linear(width, hidden)
        bound = math.sqrt(6 / (hidden + width))  # Glorot's, of each of the three matrices
        nn.init.uniform_(self.inward.weight, -bound, bound)
        for bias in (self.inward.bias, self.outward.bias):
            nn.init.zeros_(bias)

    def forward(self, h_BLH: Tensor, queries: int) -> Tensor:
        """What the last `queries` states read from all states, f32[B, queries, H]."""
        if queries == 1:
            return self.outward(self._asked_by_last(h_BLH)).unsqueeze(1)
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.inward(h_BLH).chunk(3, dim=-1))
        read = functional.scaled_dot_product_attention(q[:, :, -queries:], k, v)
        return self.outward(read.transpose(1, 2).flatten(2))

    def _asked_by_last(self, h_BLH: Tensor) -> Tensor:
        """What the last state reads, f32[B, A], without keys and values of every state.

        A score is q' (K h) = (K' q)' h, and what is read is sum p (V h) = V (sum p h): two products a sample where
        there were two a state. The keys' bias adds the same to all scores of a sample, so the softmax drops it.
        """
        of_q, of_k, of_v = (part.unflatten(0, (self.heads, -1)) for part in self.inward.weight.chunk(3))
        bias_q, _, bias_v = self.inward.bias.chunk(3)
        q_BA = functional.linear(h_BLH[:, -1], of_q.flatten(0, 1), bias_q)
        q_KBd = q_BA.unflatten(1, (self.heads, -1)).transpose(0, 1)
        asked_BKH = torch.bmm(q_KBd, of_k).transpose(0, 1) / math.sqrt(of_k.shape[1])
        share_BKL = torch.bmm(asked_BKH, h_BLH.transpose(1, 2)).softmax(dim=-1)
        read_KBH = torch.bmm(share_BKL, h_BLH).transpose(0, 1)
        return torch.bmm(read_KBH, of_v.transpose(1, 2)).transpose(0, 1).flatten(1) + bias_v


class AttentionEncoder(nn.Module):
    """`(x_BLF, asset_B) -> z_BD`: states, layer norm, self-attention, layer norm, readout, embedding, linear, ReLU.

    The second norm reads states plus attention (He et al. 2016): at the start attention is nearly even over time, and
    without the sum every state would read the same average of all of them. Readout `mean` is over time; `last` is the
    one state that has seen the whole window, and only it asks.
    """

    def __init__(self, cell: Cell, shape: _Shape, n_features: int, n_assets: int) -> None:
        super().__init__()
        self.readout = shape.readout
        self.states = recurrent(cell, n_features, shape.hidden, layers=shape.layers, dropout=shape.dropout)
        self.norm = nn.LayerNorm(shape.hidden)
        self.attention = SelfAttention(shape.hidden, shape.attention, shape.heads)
        self.second_norm = nn.LayerNorm(shape.hidden)
        self.embedding = AssetEmbedding(n_assets, shape.embedding)
        self.dense = nn.Linear(shape.hidden + shape.embedding, shape.dense)
        self.dropout = Dropout(shape.dropout)

    def forward(self, x_BLF: Tensor, asset_B: Tensor) -> Tensor:
        """Encoding of a window and its symbol, f32[B, D]."""
        h_BLH = self.norm(self.states(x_BLF)[0])
        queries = 1 if self.readout == "last" else h_BLH.shape[1]
        read = self.second_norm(h_BLH[:, -queries:] + self.attention(h_BLH, queries))
        z = torch.cat((read.mean(dim=1), self.embedding(asset_B)), dim=1)
        return self.dropout(functional.relu(self.dense(z)))


def attention_model(cell: Cell, shape: _Shape, n_features: int, n_assets: int) -> Classifier:
    """The module `forward(x_BLF, asset_B) -> logit_B`."""
    return Classifier(AttentionEncoder(cell, shape, n_features, n_assets), BinaryHead(shape.dense))
