"""A model before and after its training: how far its weights went, which units fell silent."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from edgeproof.core.rng import Rng
from edgeproof.gates.flow import dead_units
from edgeproof.gates.history import Known
from edgeproof.gates.module import Apart
from edgeproof.gates.subject import Subject, as_batches, kind_of

__all__ = ["Watch", "begin", "seen"]

LARGEST = 50_000_000  # parameters whose start is kept
ROUNDS = 50
NOTHING = 1e-6  # of the loss of saying zero
LEVEL = 0.01  # gradient where there is nothing more to gain, as a share of the loss


@dataclass(frozen=True)
class Watch:
    """What is kept of a model's beginning.

    Attributes:
        start: its weights, on the processor; empty where there are too many.
        subject: its model, loss and some batches; none: they are not known.
        silent: by layer the share of silent units; the rest have at most `most`.
        most: see `silent`.
        prior: the least loss of saying the same of every sample.
    """

    start: Mapping[str, Tensor]
    subject: Subject | None = None
    silent: Mapping[str, float] | None = None
    most: float = 0.0
    prior: float | None = None


def begin(model: nn.Module, apart: Apart | None = None) -> Watch:
    """Keep what a model begins with."""
    small = sum(parameter.numel() for parameter in model.parameters()) <= LARGEST
    start = {name: one.detach().cpu().clone() for name, one in model.named_parameters()} if small else {}
    if apart is None:
        return Watch(start)
    batches = as_batches(apart.data)
    with torch.no_grad():
        output = apart.model.eval()(*batches[0].inputs)
    subject = Subject(apart.model, apart.loss, batches, kind_of(output, batches[0].target), Rng(0))
    silent, most = _silent(subject)
    return Watch(start, subject, silent, most, _prior(subject, output))


def seen(watch: Watch, model: nn.Module, known: Known) -> Known:
    """What is known, and how the model has changed."""
    size = sum(float(one.double().square().sum()) for one in watch.start.values())
    if size > 0:
        now = {name: one.detach().cpu().double() for name, one in model.named_parameters()}
        way = sum(float((now[name] - one.double()).square().sum()) for name, one in watch.start.items())
        known = replace(known, moved=(way / size) ** 0.5)
    if watch.subject is None:
        return known
    watch.subject.model.load_state_dict(model.state_dict())
    after, _ = _silent(watch.subject)
    before = watch.silent or {}
    dead = {name: (before.get(name, watch.most), share) for name, share in after.items()}
    return replace(known, dead=dead, prior=known.prior or watch.prior)


def _silent(subject: Subject) -> tuple[dict[str, float], float]:
    """By layer, empty where at most half of each is silent; and the most of any layer."""
    evidence = dead_units(subject).evidence
    return dict(evidence.get("shares", {})), float(evidence["measured"] or 0.0)


def _prior(subject: Subject, output: Tensor) -> float | None:
    """The least loss of saying the same of every sample; None where there is no least, or nothing is left of the loss.

    Of cross-entropy that is the entropy of the classes, of squared errors the variance of the target.
    """
    if not isinstance(output, Tensor) or not output.is_floating_point() or output.ndim < 1:
        return None
    said = torch.zeros_like(output[:1], requires_grad=True)
    optimiser = torch.optim.LBFGS([said], max_iter=ROUNDS, line_search_fn="strong_wolfe")

    def cost() -> Tensor:
        optimiser.zero_grad()
        outputs = [said.expand(len(one), *said.shape[1:]) for one in subject.batches]
        sums = [subject.cost(out, one.target) * len(one) for out, one in zip(outputs, subject.batches, strict=True)]
        mean = torch.stack(sums).sum() / sum(map(len, subject.batches))
        if mean.requires_grad:
            mean.backward()
        return mean

    with torch.enable_grad():
        first = cost().item()
        optimiser.step(cost)  # pyright: ignore[reportArgumentType] - a tensor is a number
        least = cost().item()
    level = said.grad is not None and said.grad.abs().max().item() <= LEVEL * max(abs(least), 1e-6)
    known = math.isfinite(least) and abs(least) > NOTHING * abs(first)  # else one constant answers everything
    return least if level and known else None
