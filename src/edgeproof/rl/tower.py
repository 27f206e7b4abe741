"""Multilayer perceptrons of many members at once, forward and backward by hand: no graph is built for them.

With one member the products are plain matrix products; with several, batched ones over the same weights.
"""

# P members, B samples, I inputs of a layer, O outputs of it

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional

from edgeproof.rl import curve

__all__ = ["ALONE", "Layer", "Trace", "backward", "forward"]

Activation = Literal["tanh", "relu", "silu"]
_ACT: dict[Activation, Callable[[Tensor], Tensor]] = {
    "tanh": torch.Tensor.tanh_,
    "relu": torch.Tensor.relu_,
    "silu": functional.silu,
}
_aten = torch.ops.aten
_CLOSE = {torch.float32: 1e-5, torch.bfloat16: 1e-2}
_NARROW = 16  # outputs below which a product is done with rows and columns changed: up to five times faster
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


def _affine(x: Tensor, layer: Layer) -> Tensor:
    if layer.weight.shape[2] < _NARROW:
        weight = layer.weight.transpose(1, 2).contiguous()
        return torch.baddbmm(layer.bias.transpose(1, 2), weight, x.transpose(1, 2)).transpose(1, 2)
    if len(x) == 1:
        return torch.addmm(layer.bias[0], x[0], layer.weight[0]).unsqueeze(0)
    return torch.baddbmm(layer.bias, x, layer.weight)


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


def _hidden(x: Tensor, layer: Layer, activation: Activation) -> tuple[Tensor, Tensor]:
    """A hidden layer's output, and what its activation's derivative is made of."""
    can = activation != "silu" and x.device.type == "cpu" and x.dtype in _CLOSE and _fused(x.dtype)
    if can and (len(x) == 1 or x.shape[1] >= ALONE):
        each = zip(x, layer.weight, layer.bias, strict=True)
        rows = [_pointwise(x, w.t(), b[0], activation, [], "") for x, w, b in each]
        y = rows[0].unsqueeze(0) if len(x) == 1 else torch.stack(rows)
        return y, y
    if can:  # rounded once, as the fused product is: few rows and many see the same
        z = torch.baddbmm(layer.bias.float(), x.float(), layer.weight.float())
        y = (curve.tanh_(z) if activation == "tanh" else z.relu_()).to(x.dtype)
        return y, y
    z = _affine(x, layer)
    y = _ACT[activation](z)
    return y, z if activation == "silu" else y


def forward(layers: Sequence[Layer], x: Tensor, activation: Activation) -> tuple[Tensor, Trace]:
    """Output [P, B, O] of the last layer, which is linear, and the trace."""
    trace = Trace([], [])
    for layer in layers[:-1]:
        trace.inputs.append(x)
        x, seen = _hidden(x, layer, activation)
        trace.seen.append(seen)
    trace.inputs.append(x)
    return _affine(x, layers[-1]), trace


def _outer(x: Tensor, gradient: Tensor) -> Tensor:
    """The inputs' rows times the gradient's, summed, [P, I, O]; the wider of both is read along its rows."""
    if gradient.shape[2] < x.shape[2]:
        return torch.bmm(gradient.transpose(1, 2), x).transpose(1, 2)
    return torch.bmm(x.transpose(1, 2), gradient)


def _through(gradient: Tensor, seen: Tensor, activation: Activation) -> Tensor:
    """Gradient before an activation, of that after it."""
    if activation == "tanh":
        return _aten.tanh_backward(gradient, seen)
    if activation == "relu":
        return _aten.threshold_backward(gradient, seen, 0)
    return _aten.silu_backward(gradient, seen)


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
    for number in range(len(layers) - 1, -1, -1):
        into[number].weight.copy_(_outer(trace.inputs[number], gradient))
        into[number].bias.copy_(gradient.sum(1, keepdim=True))
        if number or inputs:
            gradient = torch.bmm(gradient, layers[number].weight.transpose(1, 2))
        if number:
            gradient = _through(gradient, trace.seen[number - 1], activation)
    return gradient if inputs else None
