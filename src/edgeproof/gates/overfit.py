"""Overfit: a model with the room for it learns many samples by heart, whatever their labels; else capacity or a bug.

Adam at 3e-4 without decay, dropout, augmentation or clipping is to bring cross-entropy below 0.05 on 1,024 samples.

A model of few parameters has no such room. K numbers of a sample in general position let a hyperplane tell any labels
of up to K + 1 samples apart, and of fewer than 2 K nearly always (Cover 1965, IEEE Trans. Electronic Computers 14:326);
windows that overlap, of features that resemble each other, have fewer independent numbers than places. So a model of
under 4,096 parameters is given a fourth of a sample a parameter, and, since its loss falls by the distance that single
weights travel, a rate of 0.01: at 3e-4 a logistic regression of 553 weights takes 2,000 steps for what 130 do. How much
a narrow network can hold is known for no labels beforehand, so one that came most of the way is warned of, not stopped.
"""

# N samples

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from edgeproof.core.finding import Finding
from edgeproof.gates.capacity import without_regularisers
from edgeproof.gates.plot import Plot, line
from edgeproof.gates.report import failed, passed
from edgeproof.gates.subject import Batch, Subject
from edgeproof.train.seeding import seeded

__all__ = ["MANY", "Course", "overfit", "room"]

MANY = 1024
A_PARAMETER = 4  # parameters a sample, at least
RATE, RATE_OF_FEW = 3e-4, 1e-2
BATCH = 128
LEARNED = 0.05  # nats
NEARLY = 0.2  # nats, of a model of few parameters
STEPS = 3000
LOOK_EVERY = 200  # steps in which the loss has to fall by ...
FALLING = 0.02  # ... this share


@dataclass(frozen=True)
class Course:
    """Mean loss of each pass over the samples, the number of steps, and whether it stayed finite."""

    losses: tuple[float, ...]
    steps: int
    finite: bool


def room(model: nn.Module, most: int = MANY) -> int:
    """How many samples a model is asked to learn by heart: a fourth of one a parameter, at most `most`."""
    parameters = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    return min(most, max(2, parameters // A_PARAMETER))


def overfit(subject: Subject, *, steps: int = STEPS) -> Finding:
    """Plain training of the subject on its first samples, as many as it has room for, ends below a loss of 0.05.

    Args:
        subject: a model of one logit, with plain cross-entropy for its loss.
        steps: at most; fewer where the loss no longer falls.
    """
    whole = subject.samples(room(subject.model))
    rate = RATE if room(subject.model) == MANY else RATE_OF_FEW
    course = _course(subject, whole, rate=rate, steps=steps)
    best = min(course.losses, default=float("inf"))
    facts = {"samples": len(whole), "steps": course.steps, "rate": rate, "plot": _curve(course)}
    if not course.finite:
        return failed(
            "capacity.overfit",
            "error",
            f"training on {len(whole)} samples becomes NaN or infinite after {course.steps} steps",
            "scale the inputs, make the first weights small, and take losses from logits",
            measured=None,
            threshold=LEARNED,
            **facts,
        )
    if best < LEARNED:
        claim = (
            f"{len(whole):,} samples are learned by heart in {course.steps} steps at rate {rate:g} (loss {best:.3f})"
        )
        return passed("capacity.overfit", claim, measured=best, threshold=LEARNED, **facts)
    return failed(
        "capacity.overfit",
        "warning" if rate == RATE_OF_FEW and best < NEARLY else "error",
        f"{len(whole):,} samples are not learned by heart: loss {best:.3f} after {course.steps} steps at rate {rate:g}",
        "give the model more capacity (width, depth), or look for what keeps it from using its inputs",
        measured=best,
        threshold=LEARNED,
        **facts,
    )


def _course(subject: Subject, whole: Batch, *, rate: float, steps: int) -> Course:
    model = without_regularisers(subject.fresh()).train()
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.Adam(parameters, lr=rate) if parameters else None
    losses: list[float] = []
    done, marks = 0, [float("inf")]
    with seeded(subject.rng.child("overfit")):
        while optimiser is not None and done < steps:
            pieces = _pieces(len(whole))
            total = sum(_step(subject, model, optimiser, whole.rows(piece)) * len(piece) for piece in pieces)
            done += len(pieces)
            losses.append(total / len(whole))
            if not losses[-1] < float("inf"):
                return Course(tuple(losses[:-1]), done, finite=False)
            if losses[-1] < LEARNED:
                break
            if done >= LOOK_EVERY * len(marks):
                marks.append(min(losses))
                if marks[-1] > (1 - FALLING) * marks[-2]:
                    break
    return Course(tuple(losses), done, finite=True)


def _pieces(count: int) -> list[Tensor]:
    """The samples in a new order, in batches that differ in size by at most one."""
    return list(torch.randperm(count).tensor_split(max(1, -(-count // BATCH))))


def _step(subject: Subject, model: nn.Module, optimiser: torch.optim.Optimizer, batch: Batch) -> float:
    optimiser.zero_grad()
    cost = subject.cost(model(*batch.inputs), batch.target)
    if cost.requires_grad:
        cost.backward()
        optimiser.step()
    return float(cost.detach())


def _curve(course: Course) -> Plot:
    return line(
        course.losses,
        title="Loss of each pass over the samples",
        x_label="pass",
        y_label="cross-entropy",
        threshold=LEARNED,
        threshold_name="by heart",
        log=True,
    )
