"""What the checks look at: anyone's torch module, its loss, and a few batches. No market is needed.

Checks never change what they are given: each works on copies, draws from a stream of its own, and leaves torch's global
generator as it found it.
"""

# B batch, C classes

import copy
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

import torch
from torch import Tensor, nn

from edgeproof.core.errors import OptionError
from edgeproof.core.rng import Rng

__all__ = ["Batch", "Kind", "Subject", "as_batches", "asked", "kind_of", "prior_entropy", "shifted_input", "subject_of"]

Kind = Literal["binary", "classes", "values"]
Loss = Callable[[Any, Tensor], Tensor]
MOST_BATCHES = 8
IGNORED = -100  # a class number that torch's cross-entropy leaves out: padding


@dataclass(frozen=True)
class Batch:
    """Inputs as the model is called with them, `model(*inputs)`, and the target."""

    inputs: tuple[Tensor, ...]
    target: Tensor

    def __len__(self) -> int:
        return len(self.target)

    def rows(self, index: Tensor) -> "Batch":
        """The samples at these places."""
        return Batch(tuple(part[index] for part in self.inputs), self.target[index])


@dataclass(frozen=True)
class Subject:
    """A model, its loss and some batches.

    Attributes:
        model: in the state in which training would begin; never changed.
        loss: `loss(output, target)`, a number or one for each sample; smaller is better.
        batches: at least one.
        kind: what the target is: `binary` (0 or 1 against one logit), `classes` (a class number), `values`.
        rng: of everything random.
    """

    model: nn.Module
    loss: Loss
    batches: Sequence[Batch]
    kind: Kind
    rng: Rng

    def fresh(self) -> nn.Module:
        """A copy of the model to work on, without gradients."""
        model = copy.deepcopy(self.model)
        model.zero_grad(set_to_none=True)
        return model

    def cost(self, output: Any, target: Tensor) -> Tensor:
        """The loss as one number."""
        return self.loss(output, target).mean()

    def samples(self, count: int) -> Batch:
        """The first samples of all batches as one batch, at most `count`."""
        joined = Batch(
            tuple(torch.cat(parts) for parts in zip(*(batch.inputs for batch in self.batches), strict=True)),
            torch.cat([batch.target for batch in self.batches]),
        )
        return joined.rows(torch.arange(min(count, len(joined))))


def subject_of(model: nn.Module, loss: Loss, data: Any, *, seed: int = 0) -> Subject:
    """A subject from what a training script has at hand.

    Args:
        model: the module, called as `model(*inputs)`.
        loss: `loss(output, target)`.
        data: `(inputs, target)`, a list of such pairs, or a loader that yields them; inputs are a tensor or several.
        seed: of the checks' randomness.

    Raises:
        OptionError: no batch, a batch that is no pair, sizes that do not fit, or inputs that the model cannot take.
    """
    batches = as_batches(data)
    with torch.no_grad():
        was = model.training
        model.eval()
        try:
            output = model(*batches[0].inputs)
        except (RuntimeError, ValueError, TypeError, IndexError, NotImplementedError) as error:
            shapes = ", ".join(str(list(part.shape)) for part in batches[0].inputs)
            reason = " ".join(str(error).split())[:200]
            raise OptionError(
                f"the model breaks on inputs of shape {shapes}: {type(error).__name__}: {reason}; run model(*inputs) "
                "on one batch and mend what it says"
            ) from error
        finally:
            model.train(was)
    return Subject(model, loss, batches, kind_of(output, batches[0].target), Rng(seed).child("gates"))


def as_batches(data: Any) -> list[Batch]:
    """At most eight batches of `(inputs, target)`.

    Raises:
        OptionError: none there, or one that is not such a pair.
    """
    single = isinstance(data, tuple | list) and len(data) == 2 and isinstance(data[1], Tensor)
    found: Iterable[Any] = [data] if single else data
    batches = [_batch(pair) for pair in islice(iter(found), MOST_BATCHES)]
    if not batches:
        raise OptionError("no batch to look at; give (inputs, target), a list of such pairs, or a loader")
    return batches


def _batch(pair: Any) -> Batch:
    if not (isinstance(pair, tuple | list) and len(pair) >= 2 and isinstance(pair[-1], Tensor)):
        raise OptionError(
            "a batch is no pair of inputs and target, tensors both; wrap the loader so that it yields such pairs"
        )
    inputs = pair[0] if len(pair) == 2 else tuple(pair[:-1])
    parts = tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)
    if not all(isinstance(part, Tensor) and len(part) == len(pair[-1]) for part in parts):
        sizes = [len(part) if isinstance(part, Tensor) else type(part).__name__ for part in parts]
        raise OptionError(f"inputs {sizes} do not fit {len(pair[-1])} targets; every input needs one row a target")
    return Batch(parts, pair[-1])


def kind_of(output: Any, target: Tensor) -> Kind:
    """What the target is, judged by its values and by the shape of the output."""
    if not isinstance(output, Tensor):
        return "values"
    whole = not target.is_floating_point() or bool((target == target.round()).all())
    if output.numel() == target.numel():
        return "binary" if whole and set(target.unique().tolist()) <= {0, 1} else "values"
    return "classes" if not target.is_floating_point() else "values"


def asked(target: Tensor) -> Tensor:
    """Which targets count: all numbers, and every class but -100, by which padding is marked."""
    return torch.ones_like(target, dtype=torch.bool) if target.is_floating_point() else target != IGNORED


def shifted_input(batches: Sequence[Batch]) -> int | None:
    """Which input every step's target is the next step of: a model that reads ahead would copy it. None: no input."""
    return next(
        (number for number in range(len(batches[0].inputs)) if all(_shifted(one, number) for one in batches)), None
    )


def _shifted(batch: Batch, number: int) -> bool:
    part, target, counts = batch.inputs[number], batch.target, asked(batch.target)
    if part.ndim < 2 or part.shape != target.shape or part.shape[1] < 3:
        return False
    both = counts[:, :-1] & counts[:, 1:]  # what follows the last target that counts may be padding
    follows = (part[:, 1:] == target[:, :-1])[both]
    return len(follows) > 0 and bool(follows.all()) and not bool((part == target)[counts].all())


def prior_entropy(target: Tensor, kind: Kind, classes: int) -> float:
    """Cross-entropy of always saying the share of each class, in nats; log C where all classes are as frequent."""
    if kind == "values":
        return math.nan
    counts = torch.bincount(
        target[asked(target)].long().reshape(-1), minlength=2 if kind == "binary" else classes
    ).double()
    share = counts / counts.sum()
    return float(-(share * share.clamp_min(1e-300).log()).sum())
