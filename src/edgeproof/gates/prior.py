"""The start in the run's own terms: its loss at the prior, the last layer, and what is learned without inputs."""

# B batch

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from edgeproof.core.finding import Finding
from edgeproof.gates.capacity import without_regularisers
from edgeproof.gates.report import failed, passed
from edgeproof.gates.subject import Batch, Subject, prior_entropy
from edgeproof.stats.classify import auc
from edgeproof.train.seeding import seeded

__all__ = ["blind_to_shuffled", "blind_to_zeros", "last_layer", "own_loss_at_start"]

NEAR = 0.05  # of the expectation
FAR = 0.15
WIDE = 3.0  # of 1 / sqrt(width); usual starts lie between 0.5 and 1.5
BIAS = 0.5
RATE, MOST_STEPS, LEAST_STEPS = 1e-2, 300, 10
CLOSE = 0.02  # nats
APART = 4.0  # standard errors of an AUC: by chance in 6 of 100,000 runs


def own_loss_at_start(subject: Subject, share: float, *, start: float = 0.5) -> Finding:
    """The loss that is trained on begins within 5% of what it costs to say the prior.

    A loss that weighs classes has another best constant; a start that costs less than the prior is as good.

    Args:
        subject: a model of one logit with the loss of its training.
        share: of positives among the training samples.
        start: the probability at which the model is meant to begin: 0.5, or the share where its bias begins there.
    """
    check = "start.own_loss"
    target = torch.cat([batch.target for batch in subject.batches])
    with torch.no_grad():
        model = subject.fresh().eval()
        measured = float(subject.cost(torch.cat([model(*batch.inputs) for batch in subject.batches]), target))
        expected, begun = (float(subject.cost(torch.full_like(target, _logit(p)), target)) for p in (share, start))
    least = min(expected, begun) if begun < expected else expected
    off = (
        max(measured / expected - 1, 1 - measured / least) if least > 0 else 0.0
    )  # a loss below 0 has another zero: `loss.direction` looks at its sign
    facts: dict[str, Any] = {"expected": expected, "at_start": begun, "share": share}
    known = f"the training's loss begins at {measured:.4f}; saying the prior costs {expected:.4f}"
    if off <= NEAR:
        return passed(check, known, measured=measured, threshold=[(1 - NEAR) * least, (1 + NEAR) * expected], **facts)
    uneven = start != share and abs(measured / begun - 1) <= NEAR
    return failed(
        check,
        "warning" if uneven or off <= FAR else "error",
        known,
        "let it begin at the prior (train.head_bias_from_prior=true): its first steps only learn the share of positives"
        if uneven
        else "make the last layer start near zero, and look at what the loss is multiplied and divided by",
        measured=measured,
        threshold=[(1 - NEAR) * least, (1 + NEAR) * expected],
        **facts,
    )


def _logit(share: float) -> float:
    return math.log(share / (1 - share))


def last_layer(model: nn.Module, *, start: float = 0.5) -> Finding:
    """The last linear layer of one output begins small, its bias where it is meant to be.

    Args:
        model: at its start.
        start: the probability at which its bias is meant to begin.
    """
    layers = [each for each in model.modules() if isinstance(each, nn.Linear) and each.out_features == 1]
    check = "start.last_layer"
    if not layers:
        return passed(check, "no linear layer of one output to look at", measured=None, threshold=WIDE)
    layer = layers[-1]
    width = layer.in_features
    size = float(layer.weight.detach().square().mean().sqrt()) * math.sqrt(width)
    bias = 0.0 if layer.bias is None else float(layer.bias.detach())
    away, limit = abs(bias - _logit(start)), max(BIAS, 1.5 / math.sqrt(width))
    claim = f"the last layer begins at {size:.2f} / sqrt(width), its bias {away:.2f} from where it is meant to be"
    measured, threshold = {"weights": size, "bias": bias}, {"weights": WIDE, "bias_away": limit}
    if size <= WIDE and away <= limit:
        return passed(check, claim, measured=measured, threshold=threshold)
    return failed(
        check,
        "warning",
        claim,
        "initialise it by fan-in, or with zeros, its bias at 0 or at the prior's log odds",
        measured=measured,
        threshold=threshold,
    )


def blind_to_zeros(subject: Subject) -> Finding:
    """Trained on inputs of zero, a model learns the prior and says the same of every sample: AUC 0.5."""
    check = "capacity.blind_to_zeros"
    batch = _without_inputs(subject.batches[0])
    losses, said = _trained(subject, [batch], until=CLOSE)
    prior = prior_entropy(batch.target, "binary", 2)
    area = _area(said, batch.target)
    threshold = {"log_loss": [prior - CLOSE, prior + CLOSE], "auc": 0.5}
    claim = f"without inputs it learns the prior: loss {losses[-1]:.3f} (prior {prior:.3f}), AUC {area:.2f}"
    measured = {"log_loss": losses[-1], "auc": area}
    if abs(losses[-1] - prior) <= CLOSE and area == 0.5:
        return passed(check, claim, measured=measured, threshold=threshold, prior=prior)
    return failed(
        check,
        "error",
        f"on inputs of zero the loss ends at {losses[-1]:.3f}, the prior's is {prior:.3f}; AUC {area:.2f}",
        "look for labels that reach the model past its inputs, for noise in it, and for a bias that cannot move",
        measured=measured,
        threshold=threshold,
        prior=prior,
    )


def blind_to_shuffled(subject: Subject) -> Finding:
    """Trained and asked with inputs of other samples, a model tells nothing: AUC 0.5 within four standard errors.

    Asked of samples that it was not trained on; the error is that of Mann and Whitney's statistic under a random
    pairing (Hanley & McNeil 1982), which holds whatever the labels.
    """
    check = "capacity.blind_to_shuffled"
    train, asked = (_paired_anew(batch, subject, name) for name, batch in enumerate(subject.batches[:2]))
    _, said = _trained(subject, [train], asked=asked)
    positive = float(asked.target.sum())
    negative = len(asked) - positive
    area = _area(said, asked.target)
    error = math.sqrt((len(asked) + 1) / (12 * max(positive * negative, 1.0)))
    threshold = [0.5 - APART * error, 0.5 + APART * error]
    claim = f"with inputs of other samples it tells nothing: AUC {area:.3f} of {len(asked)} samples"
    if threshold[0] <= area <= threshold[1]:
        return passed(check, claim, measured=area, threshold=threshold)
    return failed(
        check,
        "error",
        f"with inputs that belong to other samples it still tells the labels: AUC {area:.3f}",
        "look for what stays beside the label when inputs are exchanged: its place in the batch, state that is kept",
        measured=area,
        threshold=threshold,
    )


def _without_inputs(batch: Batch) -> Batch:
    return replace(batch, inputs=tuple(torch.zeros_like(part) for part in batch.inputs))


def _paired_anew(batch: Batch, subject: Subject, number: int) -> Batch:
    order = torch.from_numpy(subject.rng.child("shuffled", number).numpy().permutation(len(batch)))
    return replace(batch, inputs=tuple(part[order] for part in batch.inputs))


def _trained(
    subject: Subject, batches: Sequence[Batch], *, until: float = 0.0, asked: Batch | None = None
) -> tuple[list[float], Tensor]:
    """Loss of each step, and what the model says in the end of `asked`, else of the first batch.

    It ends after ten steps, or where `until` is given as soon as the loss is that near to the prior's entropy. Batch
    norm keeps the statistics of its start: divided by their own deviation, inputs that do not vary are rounding errors
    made large.
    """
    model = without_regularisers(subject.fresh()).train()
    for layer in model.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.eval()
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.Adam(parameters, lr=RATE)
    goal = prior_entropy(batches[0].target, "binary", 2) + 0.5 * until
    losses: list[float] = []
    with seeded(subject.rng.child("blind")):
        for step in range(MOST_STEPS if until else LEAST_STEPS):
            batch = batches[step % len(batches)]
            optimiser.zero_grad()
            cost = subject.cost(model(*batch.inputs), batch.target)
            losses.append(float(cost.detach()))
            if not math.isfinite(losses[-1]) or (step >= LEAST_STEPS and losses[-1] <= goal):
                break
            cost.backward()
            optimiser.step()
        with torch.no_grad():
            said = model(*(batches[0] if asked is None else asked).inputs)
    return losses, said


def _area(said: Tensor, target: Tensor) -> float:
    """AUC; outputs that differ by rounding alone are equal."""
    found = auc((said.double() * 1e4).round().numpy(), target.numpy())
    return 0.5 if found is None else found
