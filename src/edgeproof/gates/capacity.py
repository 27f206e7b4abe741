"""Can it learn at all: one batch by heart, and more from the inputs than without them.

A model that cannot overfit has a defect or too little capacity; training it longer only hides which (Karpathy 2019).
"""

# B batch

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from edgeproof.core.finding import Finding
from edgeproof.gates import plot
from edgeproof.gates.report import failed, passed
from edgeproof.gates.subject import Batch, Subject, prior_entropy
from edgeproof.models.dropout import Dropout
from edgeproof.train.seeding import seeded

__all__ = ["inputs_matter", "many_samples", "one_batch", "without_regularisers"]

LEARNED = 0.01  # nats, of one batch
BATCH = 64
OVERFITTED = 0.05  # nats, of many samples
MANY = 1024
STEPS = 1000
RATES = (3e-3, 1e-2, 3e-4)  # tried in turn: what is asked is whether it can, not at which rate
FEW, RATE_OF_FEW = 64, 1e-1  # so few weights have to be large ones, and a weight travels a rate a step
LOOK_EVERY = 10


def without_regularisers(model: nn.Module) -> nn.Module:
    """The model with every dropout at 0, in place."""
    for layer in model.modules():
        if isinstance(layer, nn.modules.dropout._DropoutNd):
            layer.p = 0.0
        elif isinstance(layer, Dropout):
            layer.share = 0.0
        elif isinstance(layer, nn.RNNBase | nn.MultiheadAttention):
            layer.dropout = 0.0
    return model


@dataclass(frozen=True)
class _Tried:
    """A training that was tried: its losses, the lowest that all batches reached, and after how many steps."""

    rate: float
    best: float = float("inf")
    at: int = 0
    losses: tuple[float, ...] = ()


def _lowest(subject: Subject, batches: Sequence[Batch], *, rate: float, steps: int, enough: float) -> _Tried:
    """A training without regularisers, ended early once its loss is `enough`."""
    model = without_regularisers(subject.fresh()).train()
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    best, at, losses = float("inf"), 0, list[float]()
    if not parameters:
        return _Tried(rate)
    optimiser = torch.optim.Adam(parameters, lr=rate)
    recent: deque[float] = deque(maxlen=len(batches))
    with seeded(subject.rng.child("capacity")):
        for step in range(steps):
            batch = batches[step % len(batches)]
            optimiser.zero_grad()
            cost = subject.cost(model(*batch.inputs), batch.target)
            if not cost.requires_grad or not bool(cost.isfinite()):
                break
            cost.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimiser.step()
            recent.append(float(cost.detach()))
            losses.append(recent[-1])
            if len(recent) == len(batches) and max(recent) < best:
                best, at = max(recent), step + 1
                if best < enough:
                    break
    return _Tried(rate, best, at, tuple(losses))


def _curve(tried: _Tried, title: str, limit: float) -> dict[str, Any]:
    """The losses of a training on a logarithmic scale, and what they have to reach."""
    return plot.line(
        tried.losses,
        title=f"{title}, rate {tried.rate:g}",
        x_label="step",
        y_label="loss",
        threshold=limit,
        threshold_name="enough",
        log=min(tried.losses, default=0.0) > 0.0,
    )


def _floor(target: Tensor, kind: str) -> float:
    """What is allowed beyond the limit: nothing for classes, a hundredth of the variance for values."""
    return 0.0 if kind != "values" else 0.01 * float(target.float().var())


def one_batch(subject: Subject, *, steps: int = STEPS) -> Finding:
    """Without regularisers, 64 samples of several classes are learned by heart within 1000 steps."""
    batch = _mixed(subject)
    check, limit = "capacity.one_batch", LEARNED + _floor(batch.target, subject.kind)
    few = sum(one.numel() for one in subject.model.parameters()) <= FEW
    rates = (RATE_OF_FEW, *RATES) if few else RATES
    best = _best(subject, [batch], rates=rates, steps=steps, enough=limit)
    drawn = _curve(best, "Loss of one batch", limit)
    if best.best < limit:
        claim = f"{len(batch)} samples are learned by heart in {best.at} steps (loss {best.best:.4f})"
        return passed(check, claim, measured=best.best, threshold=limit, steps=best.at, plot=drawn)
    return failed(
        check,
        "error",
        f"{len(batch)} samples are not learned by heart: loss {best.best:.4f} after {steps} steps",
        "mend what other checks name first; where they pass, look at labels that do not belong to their inputs, and "
        "give the model more width or depth",
        measured=best.best,
        threshold=limit,
        steps=steps,
        plot=drawn,
    )


def _best(subject: Subject, batches: Sequence[Batch], *, rates: Sequence[float], steps: int, enough: float) -> _Tried:
    """The best of trainings at several rates, tried in turn until one is enough."""
    best = _Tried(rates[0])
    for rate in rates:
        tried = _lowest(subject, batches, rate=rate, steps=steps, enough=enough)
        best = tried if tried.best < best.best or not best.losses else best
        if best.best < enough:
            break
    return best


def _mixed(subject: Subject) -> Batch:
    """At most 64 samples, of every class as many as there are places for.

    With a target for each step, only sequences that begin differently: no model that reads forward can tell apart two
    that begin alike.
    """
    whole = subject.samples(16 * BATCH)
    first = whole.target.reshape(len(whole), -1)[:, 0]
    if whole.target.ndim > 1 and whole.target.shape[1] > 1:
        first, most = whole.inputs[0][:, 0], 1
    elif subject.kind == "values":
        return whole.rows(torch.arange(min(BATCH, len(whole))))
    else:
        most = max(1, BATCH // max(1, len(first.unique())))
    group = first.reshape(len(whole), -1).unique(dim=0, return_inverse=True)[1]
    chosen = torch.cat([torch.nonzero(group == number).reshape(-1)[:most] for number in group.unique()])[:BATCH]
    return whole.rows(chosen.sort().values)


def many_samples(subject: Subject, *, steps: int = 3000) -> Finding:
    """Adam at 3e-4 without regularisation brings 1,024 samples below a loss of 0.05: the model has the capacity."""
    whole = subject.samples(MANY)
    size = 128 if len(whole) >= 256 else max(2, len(whole) // 2)
    batches = [whole.rows(part) for part in torch.arange(len(whole)).split(size) if len(part) == size]
    check, limit = "capacity.many_samples", OVERFITTED + _floor(whole.target, subject.kind)
    best = _best(subject, batches, rates=(3e-4, 3e-3), steps=steps, enough=limit)
    drawn = _curve(best, f"Loss of {len(whole):,} samples", limit)
    if best.best < limit:
        claim = f"{len(whole)} samples are overfitted in {best.at} steps at rate {best.rate:g} (loss {best.best:.4f})"
        return passed(check, claim, measured=best.best, threshold=limit, steps=best.at, rate=best.rate, plot=drawn)
    return failed(
        check,
        "warning",
        f"{len(whole)} samples are not overfitted: loss {best.best:.4f} after {steps} steps",
        "give the model more capacity (width, depth), or look for what keeps it from using its inputs",
        measured=best.best,
        threshold=limit,
        steps=steps,
        plot=drawn,
    )


def inputs_matter(subject: Subject, *, steps: int = 200) -> Finding:
    """Some steps of training on the inputs end lower than as many on inputs of zero, which leave only the prior."""
    batch = _mixed(subject)
    zeros = replace(batch, inputs=tuple(torch.zeros_like(part) for part in batch.inputs))
    check, rate = "capacity.inputs_matter", RATES[0]
    seeing = _lowest(subject, [batch], rate=rate, steps=steps, enough=LEARNED)
    guessing = _lowest(subject, [zeros], rate=rate, steps=steps, enough=LEARNED)
    real, blind = seeing.best, guessing.best
    prior = prior_entropy(batch.target, subject.kind, int(batch.target.max()) + 1 if subject.kind == "classes" else 2)
    threshold, drawn = "lower than without inputs", _two_curves(seeing.losses, guessing.losses, prior)
    if real < 0.98 * blind:
        claim = f"loss {real:.3f} with the inputs, {blind:.3f} without (prior {prior:.3f})"
        return passed(check, claim, measured=real, threshold=threshold, blind=blind, prior=prior, plot=drawn)
    return failed(
        check,
        "error",
        f"training on inputs of zero is as good: loss {real:.3f} with them, {blind:.3f} without",
        "look for inputs that are constant, zeroed, normalised away or never reach the output",
        measured=real,
        threshold=threshold,
        blind=blind,
        prior=prior,
        plot=drawn,
    )


def _two_curves(real: Sequence[float], blind: Sequence[float], prior: float) -> dict[str, Any] | None:
    """Losses with the inputs and without, at the same steps."""
    if not real or not blind:
        return None
    steps = sorted({round(at * (max(len(real), len(blind)) - 1) / 39) for at in range(40)})
    drawn = plot.line(
        [real[at] if at < len(real) else real[-1] for at in steps],
        x=[at + 1 for at in steps],
        title="Loss",
        x_label="step",
        y_label="loss",
        threshold=None if math.isnan(prior) else prior,
        threshold_name="prior",
    )
    held = plot.line([blind[min(at, len(blind) - 1)] for at in steps], title="", x_label="", y_label="")
    return drawn | {"name": "with inputs", "beside": {"without": held["y"]}}
