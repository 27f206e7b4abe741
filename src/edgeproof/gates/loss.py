"""What a loss must do: fall as an output moves towards its target, pair each with its own target, stay finite."""

# B batch

import math

import torch
from torch import Tensor

from edgeproof.core.finding import Finding
from edgeproof.gates import plot
from edgeproof.gates.report import failed, passed
from edgeproof.gates.subject import Subject, asked

__all__ = ["computes", "direction", "own_target"]

MOST_SAMPLES = 32


def _gradient(subject: Subject, output: Tensor, target: Tensor) -> Tensor:
    """Gradient of the loss by the output."""
    given = output.detach().clone().requires_grad_()
    cost = subject.cost(given, target)
    (found,) = torch.autograd.grad(cost, given, allow_unused=True)
    return torch.zeros_like(given) if found is None else found


def _output(subject: Subject) -> tuple[Tensor, Tensor]:
    batch = subject.samples(MOST_SAMPLES)
    with torch.no_grad():
        return subject.fresh().eval()(*batch.inputs), batch.target


def computes(subject: Subject) -> Finding:
    """The loss takes the model's output and the target as they are, and gives numbers that are finite."""
    output, target = _output(subject)
    found = float(subject.cost(output, target))
    check, threshold = "loss.computes", "a finite number"
    if math.isfinite(found):
        return passed(check, f"the loss of the untrained model is {found:.4g}", measured=found, threshold=threshold)
    return failed(
        check,
        "error",
        f"the loss of the untrained model is {found}",
        "take losses from logits, and keep logarithms and divisions away from 0",
        measured=str(found),
        threshold=threshold,
    )


def direction(subject: Subject) -> Finding:
    """The loss falls when an output moves towards its target."""
    check, threshold = "loss.direction", "every sample's gradient points away from its target"
    output, target = _output(subject)
    slope = _gradient(subject, output, target)
    if not bool(slope.isfinite().all()) or not bool(slope.any()):
        what = "no gradient" if bool(slope.isfinite().all()) else "a gradient that is not finite"
        return failed(
            check,
            "error",
            f"the loss of the untrained outputs has {what}",
            "take losses from logits, and keep logarithms and divisions away from 0",
            measured=what,
            threshold=threshold,
        )
    towards = _towards(subject, output, target, slope)
    away = float((towards > 0).float().mean()) if len(towards) else 0.0
    drawn = plot.histogram(
        towards.numpy(),
        title="How the loss changes towards each target",
        x_label="gradient (below 0: it falls)",
        threshold=0.0,
        threshold_name="unchanged",
    )
    if away == 0.0:
        return passed(check, "the loss falls towards the target", measured=away, threshold=threshold, plot=drawn)
    return failed(
        check,
        "error",
        f"for {away:.0%} of the samples the loss falls when the output moves away from the target",
        "change the sign of the loss, or look for labels that are turned around between loader and loss",
        measured=away,
        threshold=threshold,
        plot=drawn,
    )


def _towards(subject: Subject, output: Tensor, target: Tensor, slope: Tensor) -> Tensor:
    """How the loss changes as each output moves towards its target; above 0 it rises."""
    if subject.kind == "classes":
        dims = [dim for dim in (1, output.ndim - 1) if output.shape[:dim] + output.shape[dim + 1 :] == target.shape]
        place, counts = target.long().clamp_min(0), asked(target)
        own = [slope.gather(dim, place.unsqueeze(dim)).squeeze(dim) for dim in dims or [output.ndim - 1]]
        return min((found[counts] for found in own), key=lambda found: float((found > 0).float().mean()))  # either fits
    if output.numel() != target.numel():
        return torch.zeros(0)
    aim = target.reshape(output.shape).to(output.dtype)
    side = torch.where(aim > 0.5, 1.0, -1.0) if subject.kind == "binary" else torch.sign(aim - output)
    return (slope * side).reshape(-1)


def _others_changed(subject: Subject, target: Tensor) -> Tensor:
    """Targets of which the first stays; values are also shifted, since a mean over all does not see an exchange."""
    other = target.clone()
    if subject.kind == "binary":
        other[1:] = 1 - target[1:]
    else:
        other[1:] = target[1:].flip(0)
    if subject.kind == "values" and target.is_floating_point():
        other[1:] += target.std()
    return other


def own_target(subject: Subject) -> Finding:
    """An output's gradient does not change with the targets of other samples."""
    check, threshold = "loss.own_target", "a sample's gradient depends on its own target only"
    output, target = _output(subject)
    other = _others_changed(subject, target)
    before, after = (_gradient(subject, output, aim)[0] for aim in (target, other))
    size = float(before.abs().max().clamp_min(1e-12))
    moved = float((before - after).abs().max()) / size
    if moved <= 1e-3:
        return passed(check, "every output meets its own target", measured=moved, threshold=threshold)
    return failed(
        check,
        "error",
        f"a sample's gradient moves by {moved:.0%} when only the targets of others change",
        f"look at the shapes: output {list(output.shape)} and target {list(target.shape)} may be broadcast against "
        "each other, or a mean is taken over the wrong axis; squeeze the output",
        measured=moved,
        threshold=threshold,
        output=list(output.shape),
        target=list(target.shape),
    )
