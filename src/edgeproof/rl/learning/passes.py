"""Forward and backward through a tower's layers, each a single call of TorchScript: Python's lock is free meanwhile.

Called one by one from Python, the operations of a small network wait half their time for the interpreter, and with two
threads for each other. What is written here is both: TorchScript compiles it where it is there, else Python runs it.
"""

# P members, B samples, I inputs of a layer, O outputs of it

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

__all__ = ["affine", "back", "compiled", "through_layers"]


def affine(x: Tensor, weight: Tensor, bias: Tensor, narrow: int = 16) -> Tensor:
    """Rows times weight plus bias, [P, B, O]; of few outputs with rows and columns changed: up to five times faster."""
    if weight.size(2) < narrow:
        turned = weight.transpose(1, 2).contiguous()
        return torch.baddbmm(bias.transpose(1, 2), turned, x.transpose(1, 2)).transpose(1, 2)
    if x.size(0) == 1:
        return torch.addmm(bias[0], x[0], weight[0]).unsqueeze(0)
    return torch.baddbmm(bias, x, weight)


def _fused(x: Tensor, weight: Tensor, bias: Tensor, activation: str) -> Tensor:
    """An affine layer with its activation in one pass, by oneDNN; see `tower`."""
    rows: list[Tensor] = []
    for p in range(x.size(0)):
        rows.append(torch.ops.mkldnn._linear_pointwise(x[p], weight[p].t(), bias[p][0], activation, [], ""))  # noqa: PERF401
    return rows[0].unsqueeze(0) if len(rows) == 1 else torch.stack(rows)


def through_layers(
    x: Tensor, weights: list[Tensor], biases: list[Tensor], activation: str, can_fuse: bool
) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """Output [P, B, O] of the last layer, which is linear, each layer's input, and what derivatives are made of."""
    inputs: list[Tensor] = []
    seen: list[Tensor] = []
    for number in range(len(weights) - 1):
        inputs.append(x)
        if can_fuse:
            x = _fused(x, weights[number], biases[number], activation)
            seen.append(x)
        elif activation == "silu":
            z = affine(x, weights[number], biases[number])
            x = torch.nn.functional.silu(z)
            seen.append(z)
        else:
            x = affine(x, weights[number], biases[number])
            x = x.tanh_() if activation == "tanh" else x.relu_()
            seen.append(x)
    inputs.append(x)
    return affine(x, weights[-1], biases[-1]), inputs, seen


def _outer(x: Tensor, gradient: Tensor) -> Tensor:
    """The inputs' rows times the gradient's, summed, [P, I, O]; the wider of both is read along its rows."""
    if gradient.size(2) < x.size(2):
        return torch.bmm(gradient.transpose(1, 2), x).transpose(1, 2)
    return torch.bmm(x.transpose(1, 2), gradient)


def _before(gradient: Tensor, seen: Tensor, activation: str) -> Tensor:
    """Gradient before an activation, of that after it."""
    if activation == "tanh":
        return torch.ops.aten.tanh_backward(gradient, seen)
    if activation == "relu":
        return torch.ops.aten.threshold_backward(gradient, seen, 0)
    return torch.ops.aten.silu_backward(gradient, seen)


def back(
    gradient: Tensor,
    trace: tuple[list[Tensor], list[Tensor]],
    weights: list[Tensor],
    into: tuple[list[Tensor], list[Tensor]],
    activation: str,
) -> Tensor:
    """Put gradients of all weights and biases into the places given; the gradient of the first layer's output.

    Args:
        gradient: [P, B, O] of the last layer's output.
        trace: each layer's input, and what derivatives are made of.
        weights: of each layer.
        into: where gradients of weights and of biases go.
        activation: of hidden layers.
    """
    for number in range(len(weights) - 1, -1, -1):
        into[0][number].copy_(_outer(trace[0][number], gradient))
        into[1][number].copy_(gradient.sum(1, keepdim=True))
        if number > 0:
            gradient = torch.bmm(gradient, weights[number].transpose(1, 2))
            gradient = _before(gradient, trace[1][number - 1], activation)
    return gradient


def compiled(part: Callable[..., Any]) -> Callable[..., Any]:
    """A function of this file as TorchScript; as it is where that, or the source, is not there.

    For modules that are being imported: what is done about warnings holds for all threads of the process.
    """
    try:
        with warnings.catch_warnings():  # it is called deprecated, and is there
            warnings.simplefilter("ignore")
            return torch.jit.script(part)
    except (AttributeError, OSError, RuntimeError):
        return part
