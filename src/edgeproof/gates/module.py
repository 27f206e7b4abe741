"""A module that holds its own training step, as Lightning's do, taken apart into a model and a loss to be checked.

`training_step(batch, number)` calls the module itself or one part of it; what that was given is the model's input, and
the step with an output put in its place is the loss. Everything happens on copies.
"""

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn

from edgeproof.core.errors import OptionError
from edgeproof.gates.subject import Batch, as_batches

__all__ = ["Apart", "taken_apart"]

SEPARATE = "check the parts by edgeproof.check_model(model, loss, loader) instead"


@dataclass(frozen=True)
class Apart:
    """A training module as the checks take it.

    Attributes:
        model: a copy, called with what the training step calls it with; names of its parameters are the module's.
        loss: `loss(output, target)`.
        data: `(inputs, target)` pairs.
    """

    model: nn.Module
    loss: Callable[[Any, Tensor], Tensor]
    data: list[tuple[tuple[Tensor, ...], Tensor]]


class _Said(nn.Module):
    """Stands where the model was, and says what it is told to say."""

    def __init__(self) -> None:
        super().__init__()
        self.output: Any = None

    def forward(self, *_: Any) -> Any:
        """The output that was put in."""
        return self.output


def taken_apart(module: nn.Module, loader: Any) -> Apart:
    """Model, loss and at most eight batches of a module with a `training_step`.

    Raises:
        OptionError: batches that are no inputs with a target, or a step that is not a loss of one model's output.
    """
    raw = _first(loader)
    batches, clone = [as_batches([batch])[0] for batch in raw], _silenced(module)
    name = _model_in(clone, raw[0])
    data = [(_given(clone, name, batch), part.target) for batch, part in zip(raw, batches, strict=True)]
    for inputs, target in data:
        if not all(isinstance(part, Tensor) and len(part) == len(target) for part in inputs):
            raise OptionError(f"the training step gives {name or 'the model'} no tensors of a row a target; {SEPARATE}")
    clone.zero_grad(set_to_none=True)
    return Apart(_routed(clone, name), _loss(module, name, raw[0], batches[0]), data)


def _first(loader: Any, count: int = 8) -> list[Any]:
    found = [batch for batch, _ in zip(loader, range(count), strict=False)]
    if not found:
        raise OptionError("the training loader gives no batch")
    return found


def _silenced(module: nn.Module) -> Any:
    """A copy on the processor that logs nowhere.

    Raises:
        OptionError: it cannot be copied.
    """
    try:
        clone: Any = copy.deepcopy(module).cpu()
    except (TypeError, RuntimeError, ValueError) as error:
        raise OptionError(f"the module cannot be copied ({error}); {SEPARATE}") from error
    clone.log = clone.log_dict = clone.print = _nothing
    return clone


def _nothing(*_: Any, **__: Any) -> None:
    """Logs nowhere."""


def _model_in(clone: Any, batch: Any) -> str:
    """Name of the part that the training step calls: empty for the module itself.

    Raises:
        OptionError: several parts that learn.
    """
    with _noting(clone) as calls:
        _step(copy.copy(clone), batch)
    called = list(dict.fromkeys(name for name, _ in calls))
    if "" in called:
        return ""
    learning = [name for name in called if any(True for _ in getattr(clone, name).parameters())]
    if len(learning) == 1 and sum(name == learning[0] for name, _ in calls) == 1:
        return learning[0]
    what = ", ".join(learning) or "no part that learns"
    raise OptionError(f"the training step calls {what}, not one model once; {SEPARATE}")


def _given(clone: Any, name: str, batch: Any) -> tuple[Any, ...]:
    """What the training step gives the model of this batch."""
    with _noting(clone) as calls:
        _step(clone, batch)
    return next(given for part, given in calls if part == name)


@contextmanager
def _noting(clone: nn.Module) -> Iterator[list[tuple[str, tuple[Any, ...]]]]:
    """(name, inputs) of every call of the module or of a direct part of it."""
    calls: list[tuple[str, tuple[Any, ...]]] = []
    parts = {"": clone, **dict(clone.named_children())}
    hooks = [part.register_forward_pre_hook(_note(name, calls)) for name, part in parts.items()]
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        try:
            yield calls
        finally:
            for hook in hooks:
                hook.remove()


def _note(name: str, calls: list[tuple[str, tuple[Any, ...]]]) -> Callable[[nn.Module, Any], None]:
    def hook(_: nn.Module, given: tuple[Any, ...]) -> None:
        kept = tuple(part.detach().clone() if isinstance(part, Tensor) else part for part in given)
        calls.append((name, kept))

    return hook


def _step(clone: Any, batch: Any) -> Any:
    """The training step's loss."""
    takes = len(inspect.signature(clone.training_step).parameters)
    said = clone.training_step(batch, 0) if takes > 1 else clone.training_step(batch)
    return said["loss"] if isinstance(said, Mapping) else said


def _routed(clone: Any, name: str) -> nn.Module:
    """The copy, whose call is that of its model; copies of it too."""
    if name:

        def forward(module: Any, *inputs: Any) -> Any:
            return getattr(module, name)(*inputs)

        clone.forward = MethodType(forward, clone)
    return clone


def _loss(module: nn.Module, name: str, raw: Any, first: Batch) -> Callable[[Any, Tensor], Tensor]:
    """The training step with an output in the model's place."""
    holder, said = _silenced(module), _Said()
    if name:
        setattr(holder, name, said)
    else:
        holder.forward = said.forward

    def loss(output: Any, target: Tensor) -> Tensor:
        said.output = output
        rows = torch.arange(len(target)) % len(first)
        return _step(holder, _like(raw, first.rows(rows).inputs, target))

    return loss


def _like(raw: Sequence[Any], inputs: tuple[Tensor, ...], target: Tensor) -> Any:
    """A batch as the loader makes them."""
    nested = len(raw) == 2 and isinstance(raw[0], tuple | list)
    parts = [list(inputs), target] if nested else [*inputs, target]
    return tuple(parts) if isinstance(raw, tuple) else parts
