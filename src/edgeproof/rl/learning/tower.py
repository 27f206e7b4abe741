"""Multilayer perceptrons of many members at once, forward and backward by hand: no graph is built for them.

With one member the products are plain matrix products; with several, batched ones over the same weights.
"""

# P members, B samples, I inputs of a layer, O outputs of it

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional

from edgeproof.rl.learning import curve
from edgeproof.rl.learning.passes import affine, back, compiled, through_layers

__all__ = ["ALONE", "Layer", "Trace", "backward", "forward"]

Activation = Literal["tanh", "relu", "silu"]
_CLOSE = {torch.float32: 1e-5, torch.bfloat16: 1e-2}
_THROUGH, _BACK = compiled(through_layers), compiled(back)
ALONE = 512  # rows from which on members are worked on one by one; below, one batched product is quicker


def _pointwise(*arguments: Any) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(*arguments)  # pyright: ignore[reportPrivateUsage] - see `_fused`


@dataclass(frozen=True)
class Layer:
    """Weights [P, I, O] and bias [P, 1, O] of a layer, or their gradients."""

    weight: Tensor
    bias: Tensor


@dataclass(frozen=True)
class Trace:
    """What a forward pass leaves for the backward one: each layer's input, and each hidden layer's derivative's root.

    Attributes:
        inputs: of each layer, [P, B, I].
        seen: of each hidden layer, what its activation's derivative is made of: its output, for SiLU its input.
    """

    inputs: list[Tensor]
    seen: list[Tensor]


@cache
def _fused(kind: torch.dtype) -> bool:
    """Whether products with an activation in one pass are there: oneDNN's, whose tanh is six times torch's speed.

    The operation is torch's own but not documented, so it is tried once, and the plain way is taken without it.
    """
    x = torch.linspace(-2, 2, 64).reshape(8, 8).to(kind)
    try:
        found = _pointwise(x, x, x[0], "tanh", [], "")
    except (AttributeError, RuntimeError):
        return False
    return torch.allclose(found, torch.tanh(functional.linear(x, x, x[0])), rtol=0, atol=_CLOSE[kind])


def _by_few(layers: Sequence[Layer], x: Tensor, activation: Activation) -> tuple[Tensor, Trace]:
    """Few rows of several members: rounded once a layer, as the fused product is, so that few and many see the same."""
    trace = Trace([], [])
    for layer in layers[:-1]:
        trace.inputs.append(x)
        z = torch.baddbmm(layer.bias.float(), x.float(), layer.weight.float())
        x = (curve.tanh_(z) if activation == "tanh" else z.relu_()).to(x.dtype)
        trace.seen.append(x)
    trace.inputs.append(x)
    return affine(x, layers[-1].weight, layers[-1].bias), trace


def forward(layers: Sequence[Layer], x: Tensor, activation: Activation) -> tuple[Tensor, Trace]:
    """Output [P, B, O] of the last layer, which is linear, and the trace."""
    can = activation != "silu" and x.device.type == "cpu" and x.dtype in _CLOSE and _fused(x.dtype)
    if can and len(x) > 1 and x.shape[1] < ALONE:
        return _by_few(layers, x, activation)
    weights, biases = [layer.weight for layer in layers], [layer.bias for layer in layers]
    output, inputs, seen = _THROUGH(x, weights, biases, activation, can)
    return output, Trace(inputs, seen)


def backward(
    layers: Sequence[Layer],
    trace: Trace,
    gradient: Tensor,
    activation: Activation,
    *,
    into: Sequence[Layer],
    inputs: bool = False,
) -> Tensor | None:
    """Gradients of all weights, put into the places given.

    Args:
        layers: as in the forward pass.
        trace: of the forward pass.
        gradient: [P, B, O] of the output.
        activation: as in the forward pass.
        into: where gradients go, shaped as the layers, in any floating type.
        inputs: also give the gradient of the first layer's input.
    """
    places = ([layer.weight for layer in into], [layer.bias for layer in into])
    weights = [layer.weight for layer in layers]
    first = _BACK(gradient, (trace.inputs, trace.seen), weights, places, activation)
    return torch.bmm(first, weights[0].transpose(1, 2)) if inputs else None
