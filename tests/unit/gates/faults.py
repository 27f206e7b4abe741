"""Broken models, losses, data and training steps: each with the check that must name it, and its clean twin."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.unit.gates.subjects import (
    BCE,
    CE,
    Convolution,
    Perceptron,
    Recurrent,
    Transformer,
    adam,
    cut,
    images,
    sequences,
    step,
    table,
    table_xy,
    token_loss,
    tokens,
)

Build = Callable[[], nn.Module]


@dataclass(frozen=True)
class Fault:
    """One defect: model, loss and data with it, and without it."""

    name: str
    caught_by: str
    model: Build
    loss: Any
    data: Callable[[], Any]
    clean_model: Build
    clean_loss: Any
    clean_data: Callable[[], Any]


@dataclass(frozen=True)
class StepFault:
    """One defect of a training step or its optimiser."""

    name: str
    caught_by: str
    optimiser: Callable[[nn.Module], torch.optim.Optimizer]
    step: Callable[[nn.Module, torch.optim.Optimizer, Tensor, Tensor], Any]


class Detached(Perceptron):
    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.hidden(x).detach()).squeeze(1)


class Frozen(Perceptron):
    def __init__(self) -> None:
        super().__init__()
        self.first.weight.requires_grad_(False)


class Unused(Perceptron):
    def __init__(self) -> None:
        super().__init__()
        self.spare = nn.Linear(32, 1)


class Listed(Perceptron):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Identity()
        self.layers = [nn.Linear(10, 32)]

    def hidden(self, x: Tensor) -> Tensor:
        return super().hidden(self.layers[0](x))


class Rounded(Perceptron):
    def hidden(self, x: Tensor) -> Tensor:
        return torch.round(super().hidden(x))


class Dead(Perceptron):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.Identity()
        nn.init.constant_(self.first.bias, -100.0)


class Sigmoid(Perceptron):
    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(super().forward(x))


class Softmax(Convolution):
    def forward(self, x: Tensor) -> Tensor:
        return torch.softmax(super().forward(x), dim=1)


class Exploding(Convolution):
    def __init__(self) -> None:
        super().__init__()
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.mul_(30.0)


class Biased(Perceptron):
    def __init__(self) -> None:
        super().__init__()
        nn.init.constant_(self.last.bias, 4.0)


class BatchSoftmax(Perceptron):
    def hidden(self, x: Tensor) -> Tensor:
        return torch.softmax(super().hidden(x), dim=0)


class BatchMean(Perceptron):
    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.hidden(x - x.mean(dim=0))).squeeze(1)


class OwnStatistics(Perceptron):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(32, track_running_stats=False)


class Reshaped(Recurrent):
    def forward(self, x: Tensor) -> Tensor:
        turned = x.reshape(x.shape[1], x.shape[0], x.shape[2]).transpose(0, 1)
        return super().forward(turned)


class AlwaysDropping(Perceptron):
    def hidden(self, x: Tensor) -> Tensor:
        return functional.dropout(super().hidden(x), 0.2)


class NeverEvaluating(Perceptron):
    def train(self, mode: bool = True) -> "NeverEvaluating":
        super().train(True)
        return self


class SeesAhead(Transformer):
    causal = False


class FirstState(Recurrent):
    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.states(x)[0][:, 0]).squeeze(1)


class PaddedLate(Recurrent):
    """Cuts the newest step off and pads at the old end."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(functional.pad(x[:, :-1], (0, 0, 1, 0)))


class TwoInputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(10, 8), nn.Linear(10, 8)
        self.last = nn.Linear(8, 1)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        return self.last(torch.tanh(self.a(x) + self.b(z))).squeeze(1)


class DropsOne(TwoInputs):
    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        return super().forward(x, torch.zeros_like(z))


class Entropic(Perceptron):
    def hidden(self, x: Tensor) -> Tensor:
        noise = np.random.default_rng().normal(size=x.shape)
        return super().hidden(x + 0.01 * torch.from_numpy(noise).float())


class Linear(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(10, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(x).squeeze(1)


class Blind(Perceptron):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(0.0 * x)


class Column(Perceptron):
    """Returns [B, 1] where the target is [B]."""

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.hidden(x))


def two_inputs() -> Any:
    x, y = table_xy()
    return [((a, a.flip(0)), b) for a, b in cut(x, y)]


def squared(output: Tensor, target: Tensor) -> Tensor:
    return (torch.sigmoid(output) - target).square().mean()


def from_probability(output: Tensor, target: Tensor) -> Tensor:
    p = (1000 * output).sigmoid()
    return -(target * p.log() + (1 - target) * (1 - p).log()).mean()


def with_rows(change: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]) -> Callable[[], Any]:
    return lambda: cut(*change(*table_xy()))


def column(place: int, values: Callable[[Tensor, Tensor], Tensor]) -> Callable[[], Any]:
    def change(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        x = x.clone()
        x[:, place] = values(x, y)
        return x, y

    return with_rows(change)


def padded_at_the_end() -> Any:
    return [(torch.cat((x[:, 4:], torch.zeros(len(x), 4, 4)), dim=1), y) for x, y in sequences()]


def unshifted() -> Any:
    return [(x, x) for x, _ in tokens()]


def repeated_with_other_labels() -> Any:
    x, y = table_xy(rows=256)
    return cut(torch.cat((x, x)), torch.cat((y, 1 - y)))


def hard_to_separate() -> Any:
    """An exclusive or of two signs: no line tells it."""
    x, _ = table_xy()
    x = x.sign() + 0.01 * x
    return cut(x[:, :10], ((x[:, 0] * x[:, 1]) > 0).float())


def _on_table(name: str, caught_by: str, model: Build, loss: Any = BCE) -> Fault:
    return Fault(name, caught_by, model, loss, table, Perceptron, BCE, table)


def _data(name: str, caught_by: str, data: Callable[[], Any]) -> Fault:
    return Fault(name, caught_by, Perceptron, BCE, data, Perceptron, BCE, table)


def _shuffled(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    return x, y[torch.randperm(len(y), generator=torch.Generator().manual_seed(7))]


FAULTS = [
    _on_table("detached layer", "flow.gradients", Detached),
    _on_table("frozen parameter", "flow.gradients", Frozen),
    _on_table("unused parameter", "flow.gradients", Unused),
    _on_table("rounding", "flow.gradients", Rounded),
    _on_table("layers in a plain list", "flow.registered", Listed),
    _on_table("dead ReLUs", "flow.dead_units", Dead),
    _on_table("sign of the loss", "loss.direction", Perceptron, lambda o, t: -BCE(o, t)),
    _on_table("labels turned around in the loss", "loss.direction", Perceptron, lambda o, t: BCE(o, 1 - t)),
    _on_table("logarithm of zero in the loss", "loss.computes", Perceptron, from_probability),
    _on_table("double sigmoid", "start.outputs", Sigmoid),
    Fault("softmax before cross-entropy", "start.outputs", Softmax, CE, images, Convolution, CE, images),
    Fault("exploding initial weights", "start.outputs", Exploding, CE, images, Convolution, CE, images),
    _on_table("certain from the start", "start.loss", Biased),
    _on_table("softmax over the batch", "flow.mixing", BatchSoftmax),
    _on_table("mean over the batch", "flow.mixing", BatchMean),
    _on_table("batch norm without running statistics", "flow.mixing", OwnStatistics),
    Fault("batch and time swapped by reshape", "flow.mixing", Reshaped, BCE, sequences, Recurrent, BCE, sequences),
    _on_table("dropout in evaluation", "flow.modes", AlwaysDropping),
    _on_table("evaluation mode overridden", "flow.modes", NeverEvaluating),
    Fault(
        "attention without a mask", "flow.time_order", SeesAhead, token_loss, tokens, Transformer, token_loss, tokens
    ),
    Fault("first state read", "flow.inputs_used", FirstState, BCE, sequences, Recurrent, BCE, sequences),
    Fault(
        "padding pushes the newest step out", "flow.inputs_used", PaddedLate, BCE, sequences, Recurrent, BCE, sequences
    ),
    Fault("second input dropped", "flow.inputs_used", DropsOne, BCE, two_inputs, TwoInputs, BCE, two_inputs),
    _on_table("random numbers from elsewhere", "start.same_steps", Entropic),
    Fault("no capacity", "capacity.one_batch", Linear, BCE, hard_to_separate, Perceptron, BCE, hard_to_separate),
    _on_table("inputs times zero", "capacity.inputs_matter", Blind),
    Fault("column against row", "loss.own_target", Column, squared, table, Perceptron, squared, table),
    _data("NaN in one feature", "data.finite", column(4, lambda x, _: x[:, 4].where(x[:, 4] < 2.5, torch.nan))),
    _data("constant input", "data.varied", with_rows(lambda x, y: (torch.zeros_like(x), y))),
    Fault("padding on the wrong side", "data.varied", Recurrent, BCE, padded_at_the_end, Recurrent, BCE, sequences),
    _data("a price among returns", "data.scale", column(2, lambda x, _: 30_000 + 5_000 * x[:, 2])),
    _data("one class only", "data.labels", with_rows(lambda x, y: (x, torch.ones_like(y)))),
    Fault(
        "no shift by one", "data.target_shifted", Transformer, token_loss, unshifted, Transformer, token_loss, tokens
    ),
    _data("target among the features", "data.target_in_inputs", column(9, lambda x, y: y + 0.01 * x[:, 9])),
    _data("rows repeated with other labels", "data.duplicates", repeated_with_other_labels),
    _data("shuffled labels", "data.signal", with_rows(_shuffled)),
    _data("labels shifted by one row", "data.signal", with_rows(lambda x, y: (x, y.roll(1)))),
]


def never_clears(model: nn.Module, optimiser: torch.optim.Optimizer, inputs: Tensor, target: Tensor) -> None:
    BCE(model(inputs), target).backward()
    optimiser.step()


def evaluates(model: nn.Module, optimiser: torch.optim.Optimizer, inputs: Tensor, target: Tensor) -> None:
    model.eval()
    step(model, optimiser, inputs, target)


def never_steps(model: nn.Module, optimiser: torch.optim.Optimizer, inputs: Tensor, target: Tensor) -> None:
    optimiser.zero_grad()
    BCE(model(inputs), target).backward()


def climbs(model: nn.Module, optimiser: torch.optim.Optimizer, inputs: Tensor, target: Tensor) -> None:
    optimiser.zero_grad()
    (-BCE(model(inputs), target)).backward()
    optimiser.step()


def steps_first(model: nn.Module, optimiser: torch.optim.Optimizer, inputs: Tensor, target: Tensor) -> None:
    optimiser.step()
    optimiser.zero_grad()
    BCE(model(inputs), target).backward()


STEP_FAULTS = [
    StepFault("missing zero_grad", "training.gradients_fresh", adam, never_clears),
    StepFault("training in evaluation mode", "training.mode", adam, evaluates),
    StepFault("missing step", "training.parameters_move", adam, never_steps),
    StepFault("step before backward", "training.parameters_move", adam, steps_first),
    StepFault("learning rate 0", "training.parameters_move", lambda m: torch.optim.Adam(m.parameters(), lr=0.0), step),
    StepFault("optimiser of another model", "training.parameters_move", lambda _: adam(Perceptron()), step),
    StepFault(
        "optimiser of the last layer only",
        "training.parameters_move",
        lambda m: torch.optim.Adam(list(m.parameters())[-2:], lr=1e-3),
        step,
    ),
    StepFault("gradient ascent", "training.loss_falls", adam, climbs),
]
