"""A training step as it is written: does it train the model that it is given, and by its own batch alone?"""

# B batch

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from edgeproof.core.finding import Finding
from edgeproof.gates import plot
from edgeproof.gates.report import failed, passed
from edgeproof.gates.subject import Batch, Subject
from edgeproof.train.seeding import seeded

__all__ = [
    "STEP_CHECKS",
    "MakeOptimiser",
    "Step",
    "Training",
    "gradients_fresh",
    "loss_falls",
    "parameters_move",
    "training_mode",
]

Step = Callable[[nn.Module, torch.optim.Optimizer, Any, Tensor], Any]
"""`step(model, optimiser, inputs, target)`: one step of training; what it returns is not used."""
MakeOptimiser = Callable[[nn.Module], torch.optim.Optimizer]
FEWEST, STEPS = 1e-7, 30
LARGEST = 0.3  # of a parameter's size, in one step


@dataclass(frozen=True)
class Training:
    """How a subject is trained: its step, and how its optimiser is made."""

    subject: Subject
    make: MakeOptimiser
    step: Step

    def once(self, model: nn.Module, optimiser: torch.optim.Optimizer, batch: Batch, key: int) -> None:
        """One step with keyed randomness."""
        inputs = batch.inputs[0] if len(batch.inputs) == 1 else batch.inputs
        with seeded(self.subject.rng.child("step", key)):
            self.step(model, optimiser, inputs, batch.target)


def parameters_move(training: Training) -> Finding:
    """A step moves every parameter that has a gradient, by more than nothing and less than its own size."""
    check, threshold = "training.parameters_move", [FEWEST, LARGEST]
    model = training.subject.fresh().train()
    optimiser = training.make(model)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    training.once(model, optimiser, training.subject.batches[0], 0)
    moved = {
        name: float((parameter.detach() - before[name]).norm() / before[name].norm().clamp_min(1e-3))
        for name, parameter in model.named_parameters()
    }
    drawn = plot.bars(
        moved,
        title="How far one step moves each parameter",
        y_label="share of its size, log scale",
        threshold=LARGEST,
        threshold_name="at most",
        log=True,
    )
    idle = [name for name, share in moved.items() if share <= FEWEST]
    if idle:
        whole = len(idle) == len(moved)
        return failed(
            check,
            "error",
            "a step moves no parameter"
            if whole
            else f"a step leaves {idle[0]} and {len(idle) - 1} others where they are",
            "give the optimiser the parameters of this very model and a learning rate above 0; step() after backward()",
            measured=len(idle),
            threshold=threshold,
            where=idle[0],
            plot=drawn,
        )
    name, share = max(moved.items(), key=lambda entry: entry[1])
    sizes = [float(value.norm()) for value in before.values()]
    if share > LARGEST and float(before[name].norm()) > 0.1 * max(sizes):
        return failed(
            check,
            "warning",
            f"one step moves {name} by {share:.0%} of its size",
            "lower the learning rate, or clip the gradient's norm",
            measured=share,
            threshold=threshold,
            where=name,
            plot=drawn,
        )
    return passed(check, f"a step moves all {len(moved)} parameters", measured=share, threshold=threshold, plot=drawn)


def training_mode(training: Training) -> Finding:
    """While it trains, every dropout and batch norm is in training mode."""
    check, threshold = "training.mode", "dropout and batch norm in training mode"
    model = training.subject.fresh().train()
    asleep: dict[str, None] = {}
    kinds = (nn.modules.dropout._DropoutNd, nn.modules.batchnorm._BatchNorm)
    hooks = [
        layer.register_forward_pre_hook(_note(name, asleep))
        for name, layer in model.named_modules()
        if isinstance(layer, kinds)
    ]
    training.once(model, training.make(model), training.subject.batches[0], 0)
    if not asleep:
        return passed(check, f"{len(hooks)} such layers, all in training mode", measured=0, threshold=threshold)
    name = next(iter(asleep))
    return failed(
        check,
        "error",
        f"{name} and {len(asleep) - 1} others are in evaluation mode while the model trains",
        "call model.train() before training, again after every evaluation",
        measured=len(asleep),
        threshold=threshold,
        where=name,
    )


def _note(name: str, asleep: dict[str, None]) -> Callable[[nn.Module, Any], None]:
    def hook(layer: nn.Module, _: Any) -> None:
        if not layer.training:
            asleep[name] = None

    return hook


def gradients_fresh(training: Training) -> Finding:
    """The second step goes along its own batch's gradient, without what the first one left."""
    check, threshold = "training.gradients_fresh", "the second step's gradient is that of its own batch"
    subject = training.subject
    model = subject.fresh().train()
    optimiser = training.make(model)
    first, second = _two(subject)
    training.once(model, optimiser, first, 1)
    twin = subject.fresh().train()
    twin.load_state_dict(model.state_dict())
    for parameter in twin.parameters():
        parameter.grad = None
    with seeded(subject.rng.child("step", 2)):
        cost = subject.cost(twin(*second.inputs), second.target)
    if cost.requires_grad:
        cost.backward()
    training.once(model, optimiser, second, 2)
    pairs = [
        (one.grad.reshape(-1), other.grad.reshape(-1))
        for one, other in zip(model.parameters(), twin.parameters(), strict=True)
        if one.grad is not None and other.grad is not None
    ]
    if not pairs:
        return passed(check, "the step clears its gradients itself", measured=None, threshold=threshold)
    left, right = (torch.cat(parts) for parts in zip(*pairs, strict=True))
    alike = float(nn.functional.cosine_similarity(left, right, dim=0))
    if alike > 0.999:
        return passed(
            check,
            f"the second step follows its own batch's gradient (cosine {alike:.4f})",
            measured=alike,
            threshold=threshold,
        )
    return failed(
        check,
        "error",
        f"the second step follows another gradient than its own batch's (cosine {alike:.3f})",
        "call optimiser.zero_grad() before backward(), and take the loss that the model is meant to be trained on",
        measured=alike,
        threshold=threshold,
    )


def _two(subject: Subject) -> tuple[Batch, Batch]:
    if len(subject.batches) > 1:
        return subject.batches[0], subject.batches[1]
    whole = subject.batches[0]
    half = max(1, len(whole) // 2)
    return whole.rows(torch.arange(half)), whole.rows(torch.arange(len(whole) - half, len(whole)))


def loss_falls(training: Training) -> Finding:
    """Thirty steps on one batch lower its loss, as the model itself says it in evaluation mode."""
    check = "training.loss_falls"
    subject, batch = training.subject, training.subject.batches[0]
    model = subject.fresh().train()
    optimiser = training.make(model)
    before = _loss(subject, model, batch)
    for number in range(STEPS):
        model.train()
        training.once(model, optimiser, batch, number)
    after = _loss(subject, model, batch)
    claim = f"{before:.4f} before, {after:.4f} after {STEPS} steps"
    drawn = plot.bars({"before": before, f"after {STEPS} steps": after}, title="Loss of one batch", y_label="loss")
    if after < before:
        return passed(check, claim, measured=after, threshold=before, plot=drawn)
    return failed(
        check,
        "error",
        f"the loss does not fall on a batch that is shown {STEPS} times: {claim}",
        "look at the sign of the loss and at the failures above; then at the learning rate (edgeproof sweep finds one)",
        measured=after,
        threshold=before,
        plot=drawn,
    )


def _loss(subject: Subject, model: nn.Module, batch: Batch) -> float:
    was = model.training
    model.eval()
    with torch.no_grad():
        found = float(subject.cost(model(*batch.inputs), batch.target))
    model.train(was)
    return found


STEP_CHECKS = (training_mode, parameters_move, gradients_fresh, loss_falls)
