"""`check_model` and `check_training`: every check on anyone's model in three lines, without a market."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from edgeproof.core.finding import Finding
from edgeproof.gates import capacity, eyes, flow, start
from edgeproof.gates import loss as loss_checks
from edgeproof.gates import step as step_checks
from edgeproof.gates.report import Checked, failed
from edgeproof.gates.subject import Loss, Subject, shifted_input, subject_of

__all__ = ["MODEL_CHECKS", "attempt", "check_model", "check_training"]

Check = Callable[[Subject], Finding]
MODEL_CHECKS: dict[str, Check] = {
    "data.finite": eyes.finite,
    "data.varied": eyes.varied,
    "data.scale": eyes.scale,
    "data.labels": eyes.labels,
    "data.target_in_inputs": eyes.target_in_inputs,
    "data.target_shifted": eyes.target_shifted,
    "data.duplicates": eyes.duplicates,
    "data.signal": eyes.signal,
    "loss.computes": loss_checks.computes,
    "start.outputs": start.outputs_at_start,
    "start.loss": start.loss_at_start,
    "start.same_steps": start.same_steps,
    "flow.gradients": flow.gradients,
    "flow.registered": flow.registered,
    "flow.dead_units": flow.dead_units,
    "flow.modes": flow.modes,
    "flow.mixing": flow.mixing,
    "flow.time_order": flow.time_order,
    "flow.inputs_used": flow.inputs_used,
    "loss.own_target": loss_checks.own_target,
    "loss.direction": loss_checks.direction,
    "capacity.inputs_matter": capacity.inputs_matter,
    "capacity.one_batch": capacity.one_batch,
    "capacity.many_samples": capacity.many_samples,
}
THOROUGH = ("capacity.many_samples",)
CAUSAL = ("data.target_shifted", "flow.time_order")


def check_model(
    model: nn.Module, loss: Loss, data: Any, *, causal: bool | None = None, thorough: bool = False, seed: int = 0
) -> Checked:
    """Look for what makes training fail silently: in the data, at the start, in the flow of signals, in the loss.

    Args:
        model: a module as training would begin with it, called as `model(*inputs)`; it is not changed.
        loss: `loss(output, target)`.
        data: `(inputs, target)`, a list of such pairs, or a loader; some hundred samples are enough, eight batches are
            read.
        causal: the model gives an output a step, `[B, L, ...]`; none may read a later step, and no target be
            the input of its own step. None: so it is where each step's target is the next step of an input.
        thorough: also overfit 1,024 samples, which takes minutes.
        seed: of the checks' randomness.

    Raises:
        OptionError: no batch, or one that is no pair of inputs and target.
    """
    subject = subject_of(model, loss, data, seed=seed)
    ordered = shifted_input(subject.batches) is not None if causal is None else causal
    skipped = {*(() if thorough else THOROUGH), *(() if ordered else CAUSAL)}
    found: list[Finding] = []
    for name, check in MODEL_CHECKS.items():
        if name not in skipped:
            found.append(attempt(name, check, subject))
        if name == "loss.computes" and found[-1].level == "error":
            break  # every later check would say the same
    return Checked(tuple(found))


def check_training(
    model: nn.Module,
    loss: Loss,
    data: Any,
    *,
    optimiser: Callable[[nn.Module], torch.optim.Optimizer],
    step: step_checks.Step,
    seed: int = 0,
) -> Checked:
    """Look at a training step as it is written.

    Args:
        model: as for `check_model`.
        loss: that the step is meant to lower.
        data: as for `check_model`; two batches are best.
        optimiser: makes the optimiser of a model.
        step: `step(model, optimiser, inputs, target)`: one step of training.
        seed: of the checks' randomness.
    """
    subject = subject_of(model, loss, data, seed=seed)
    training = step_checks.Training(subject, optimiser, step)
    return Checked(tuple(attempt(f"training.{check.__name__}", check, training) for check in step_checks.STEP_CHECKS))


def attempt(name: str, check: Callable[[Any], Finding], subject: Any) -> Finding:
    """A check's finding; what breaks inside the model is a finding too.

    Args:
        name: of the check.
        check: a function of one subject.
        subject: what it looks at.
    """
    try:
        return check(subject)
    except (RuntimeError, ValueError, TypeError, IndexError, NotImplementedError) as error:
        reason = " ".join(str(error).split())[:200]
        return failed(
            name,
            "error",
            f"the model or its loss breaks: {type(error).__name__}: {reason}",
            "run model(*inputs) and loss(output, target) on one batch and mend what it says",
            measured=reason,
            threshold="runs",
        )
