"""At the start: the same seed gives the same steps, and the untrained model says what the prior says.

A loss far from the prior's entropy before any training means wrong outputs, labels or loss (Karpathy 2019, "A recipe
for training neural networks").
"""

import math

import torch
from torch import Tensor, nn

from edgeproof.core.finding import Finding
from edgeproof.gates import plot
from edgeproof.gates.report import failed, passed
from edgeproof.gates.subject import Subject, asked, prior_entropy
from edgeproof.train.seeding import seeded

__all__ = ["loss_at_start", "outputs_at_start", "same_steps"]

NEAR = 0.1  # nats from the prior's entropy, with a yes or no
NEAR_OF_MANY = 0.6  # with many classes: what untrained logits of variance 1.2 cost
STEPS = 3
LOUD = 30.0  # parameters made this much larger send logits out of [0, 1], but no probability
WIDE = 20.0  # standard deviation of untrained logits: sigmoid(20) is 1 to nine digits


def same_steps(subject: Subject) -> Finding:
    """Three training steps, made twice from one seed, end with the same bytes."""
    ends = [_after_steps(subject) for _ in range(2)]
    pairs = ((name, value, ends[1][name]) for name, value in ends[0].items())
    moved = [name for name, one, other in pairs if not torch.equal(one.nan_to_num(), other.nan_to_num())]
    check, threshold = "start.same_steps", "no parameter differs"
    if not moved:
        return passed(check, "the same seed gives the same bytes", measured=0, threshold=threshold)
    return failed(
        check,
        "error",
        f"two trainings of one seed differ after {STEPS} steps in {moved[0]} and {len(moved) - 1} others",
        "draw random numbers from torch's generator only, seed it, and avoid operations without a reproducible form",
        measured=len(moved),
        threshold=threshold,
        where=moved[0],
    )


def _after_steps(subject: Subject) -> dict[str, Tensor]:
    model = subject.fresh().train()
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not parameters:
        return {}
    optimiser = torch.optim.SGD(parameters, lr=1e-3)
    with seeded(subject.rng.child("same_steps")):
        for number in range(STEPS):
            batch = subject.batches[number % len(subject.batches)]
            optimiser.zero_grad()
            cost = subject.cost(model(*batch.inputs), batch.target)
            if not cost.requires_grad:
                break
            cost.backward()
            optimiser.step()
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def _said(subject: Subject) -> tuple[Tensor, Tensor]:
    """Outputs and targets of all batches in evaluation mode."""
    model = subject.fresh().eval()
    with torch.no_grad():
        outputs = [model(*batch.inputs) for batch in subject.batches]
    return torch.cat(outputs), torch.cat([batch.target for batch in subject.batches])


def _classes(output: Tensor, target: Tensor) -> tuple[Tensor, int]:
    """Class scores with the classes last, and how many there are: [B, C, ...] or [..., C]."""
    if output.shape[:1] + output.shape[2:] == target.shape:
        return output.movedim(1, -1), output.shape[1]
    return output, output.shape[-1]


def loss_at_start(subject: Subject) -> Finding:
    """Cross-entropy before training is near the prior's entropy (log C for C even classes).

    With one logit within 0.1 nats. Untrained logits of variance v cost about v/8 nats there, and (1 - 1/C) v/2 with C
    classes. Of a usual last layer v is 1/3; few distinct inputs (20 words) add chance to that, so that the limit is
    0.6 (1 - 1/C), at which v is 1.2.
    """
    check = "start.loss"
    if subject.kind == "values":
        return passed(check, "targets are values: there is no prior to compare with", measured=None, threshold=None)
    output, target = _said(subject)
    if subject.kind == "binary":
        flat, hard = output.reshape(-1), target.reshape(-1).float()
        each, count = nn.functional.binary_cross_entropy_with_logits(flat, hard, reduction="none"), 2
    else:
        scores, count = _classes(output, target)
        flat, hard = scores.reshape(-1, count), target.reshape(-1).long()
        each = nn.functional.cross_entropy(flat, hard, reduction="none")[asked(hard)]
    measured = float(each.mean())
    expected = max(prior_entropy(target, subject.kind, count), 0.0)
    known = f"cross-entropy before training is {measured:.3f}; the prior's is {expected:.3f}"
    uniform = math.log(count)  # a model that starts even, on classes that are not
    limit = max(expected, uniform) + (NEAR if subject.kind == "binary" else NEAR_OF_MANY * (1 - 1 / count))
    drawn = plot.histogram(
        each.numpy(),
        title="Loss of each sample before training",
        x_label="cross-entropy, nats",
        threshold=expected,
        threshold_name="prior",
    )
    if measured <= limit:  # not of a NaN
        return passed(check, known, measured=measured, threshold=limit, expected=expected, plot=drawn)
    return failed(
        check,
        "error",
        known,
        "make the last layer start near zero (small weights, bias at the prior) and return logits, one set a sample",
        measured=measured,
        threshold=limit,
        expected=expected,
        plot=drawn,
    )


def outputs_at_start(subject: Subject) -> Finding:
    """Outputs are logits: not all within [0, 1], not wide, not equal for all samples, not NaN."""
    check, threshold = "start.outputs", f"finite, standard deviation below {WIDE:g}, not probabilities"
    output, _ = _said(subject)
    if not bool(output.isfinite().all()):
        return failed(
            check,
            "error",
            f"{int((~output.isfinite()).sum())} of {output.numel()} outputs are NaN or infinite",
            "look for a division by zero, a logarithm of 0, or NaN in the inputs (data.finite names them)",
            measured="not finite",
            threshold=threshold,
        )
    spread = float(output.std()) if output.numel() > 1 else 0.0
    drawn = plot.histogram(output.numpy(), title="Outputs before training", x_label="output")
    if subject.kind != "values" and spread > WIDE:
        return failed(
            check,
            "error",
            f"untrained outputs have a standard deviation of {spread:.3g}: the model starts out certain",
            "initialise by fan-in (Kaiming or Xavier), and scale the inputs to a standard deviation of about 1",
            measured=spread,
            threshold=threshold,
            plot=drawn,
        )
    if subject.kind != "values" and _are_probabilities(subject, output):
        return failed(
            check,
            "error",
            "outputs are probabilities already: a loss that expects logits squeezes them a second time",
            "return the last linear layer's output without sigmoid or softmax",
            measured=[float(output.min()), float(output.max())],
            threshold=threshold,
            plot=drawn,
        )
    claim = f"outputs have a standard deviation of {spread:.3g}"
    return passed(check, claim, measured=spread, threshold=threshold, plot=drawn)


def _are_probabilities(subject: Subject, output: Tensor) -> bool:
    """Whether outputs sum to 1 over classes, or stay within [0, 1] however large the parameters are made."""
    if subject.kind == "classes":
        sums = [output.sum(dim=dim) for dim in {1, output.ndim - 1}]
        return bool(output.min() >= 0.0) and any(bool((total - 1).abs().max() < 1e-3) for total in sums)
    for factor in (1.0, LOUD, -LOUD):
        model = subject.fresh().eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(factor)
            said = model(*subject.batches[0].inputs)
        if not bool(((said >= 0.0) & (said <= 1.0)).all()):
            return False
    return True
