"""A model before and after its training: how far its weights went, which units fell silent."""

# B samples, C classes

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from edgeproof.core.rng import Rng
from edgeproof.gates.flow import dead_units
from edgeproof.gates.history import Known
from edgeproof.gates.module import Apart
from edgeproof.gates.subject import Subject, as_batches, kind_of, prior_entropy

__all__ = ["Watch", "begin", "seen"]

LARGEST = 50_000_000  # parameters whose start is kept
CLOSE = 0.01  # of the entropy: a loss that is plain cross-entropy


@dataclass(frozen=True)
class Watch:
    """What is kept of a model's beginning.

    Attributes:
        start: its weights, on the processor; empty where there are too many.
        subject: its model, loss and some batches; none: they are not known.
        silent: by layer the share of silent units; the rest have at most `most`.
        most: see `silent`.
        prior: the loss of always saying the classes' shares, if the loss is plain cross-entropy.
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
    """The entropy of the classes, if that is what the loss says of their shares."""
    target = torch.cat([batch.target.reshape(-1) for batch in subject.batches])
    said = subject.batches[0].target
    if subject.kind == "binary":
        share = target.double().mean().clamp(1e-9, 1 - 1e-9)
        logits = torch.logit(share).float().expand(output.shape)
        entropy = prior_entropy(target, "binary", 2)
        first = float(nn.functional.binary_cross_entropy_with_logits(logits.reshape(-1), said.float().reshape(-1)))
    elif subject.kind == "classes" and output.ndim > 1:
        axis = output.ndim - 1 if output.shape[:-1] == said.shape else 1
        counts = torch.bincount(target.long(), minlength=output.shape[axis]).double()
        logs = (counts / counts.sum()).clamp_min(1e-9).log().float()
        logits = logs.reshape([-1 if place == axis else 1 for place in range(output.ndim)]).expand(output.shape)
        entropy = prior_entropy(target, "classes", output.shape[axis])
        first = float(nn.functional.cross_entropy(logits.movedim(axis, 1), said.long()))
    else:
        return None
    with torch.no_grad():
        cost = float(subject.cost(logits.contiguous(), said))
    return entropy if abs(cost - first) <= CLOSE * first else None
