"""Multilayer perceptrons of many members at once, forward and backward by hand: no graph is built for them.

With one member the products are plain matrix products; with several, batched ones over the same weights.
"""

# P members, B samples, I inputs of a layer, O outputs of it

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["Layer", "Trace", "backward", "forward"]

Activation = Literal["tanh", "relu", "silu"]
_ACT: dict[Activation, Callable[[Tensor], Tensor]] = {
    "tanh": torch.Tensor.tanh_,
    "relu": torch.Tensor.relu_,
    "silu": functional.silu,
}
_aten = torch.ops.aten


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
    if len(x) == 1:
        return torch.addmm(layer.bias[0], x[0], layer.weight[0]).unsqueeze(0)
    return torch.baddbmm(layer.bias, x, layer.weight)


def forward(layers: Sequence[Layer], x: Tensor, activation: Activation) -> tuple[Tensor, Trace]:
    """Output [P, B, O] of the last layer, which is linear, and the trace."""
    trace = Trace([], [])
    for layer in layers[:-1]:
        trace.inputs.append(x)
        z = _affine(x, layer)
        x = _ACT[activation](z)
        trace.seen.append(z if activation == "silu" else x)
    trace.inputs.append(x)
    return _affine(x, layers[-1]), trace


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
        into[number].weight.copy_(torch.bmm(trace.inputs[number].transpose(1, 2), gradient))
        into[number].bias.copy_(gradient.sum(1, keepdim=True))
        if number or inputs:
            gradient = torch.bmm(gradient, layers[number].weight.transpose(1, 2))
        if number:
            gradient = _through(gradient, trace.seen[number - 1], activation)
    return gradient if inputs else None
