"""Steps 2 and 3, skeleton and overfit: model, loss and samples of this very run, before it is trained."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import torch
from torch import nn

from edgeproof.core.device import kept_memory
from edgeproof.core.finding import Finding
from edgeproof.gates import capacity, flow, prior, start
from edgeproof.gates import loss as loss_checks
from edgeproof.gates.check import attempt
from edgeproof.gates.overfit import MANY, overfit, room
from edgeproof.gates.report import failed, passed
from edgeproof.gates.subject import Subject
from edgeproof.recipe.shown import Shown
from edgeproof.recipe.steps import Skipped, Step
from edgeproof.recipe.walk_inputs import as_received, no_other_bars
from edgeproof.recipe.walk_naive import naive_baselines
from edgeproof.train.descent import Task, begin_model

__all__ = ["overfit_step", "same_build", "skeleton_step"]

BATCHES, SIZE = 4, 64
PART = 8  # of the training samples: learning them by heart takes less than the training
TREES = "trees are grown at once: there are no gradients, no steps and no first loss"
Check = Callable[[], Finding]


def skeleton_step(shown: Shown) -> Step:
    """Inputs as they arrive, loss and start, the flow of gradients, one batch by heart, and what is to be beaten.

    A model of trees has inputs and naive baselines; the rest waits for gradients and is skipped.
    """
    began = time.perf_counter()
    own, plain = shown.subject(BATCHES * SIZE, SIZE), shown.subject(BATCHES * SIZE, SIZE, plain=True)
    trees = hasattr(shown.config.model, "fit_trees")
    checks = {"inputs.as_received": lambda: as_received(shown)}
    checks |= {} if trees else _of_descent(shown, own, plain)
    checks["baselines.naive"] = lambda: naive_baselines(shown.config, shown.prepared, shown.task.dataset.fold)
    skipped = [Skipped(name, TREES) for name in _of_descent(shown, own, plain)] if trees else []
    found: list[Finding] = []
    for name, check in checks.items():
        waits = name.startswith("capacity.") or _wrong(found) == "loss.computes"  # later ones would say the same
        broken = _wrong(found) if waits else None
        if broken is not None:
            skipped.append(Skipped(name, f"waits until {broken} is mended"))
            continue
        found.append(attempt(name, lambda made: made(), check))
    return Step("skeleton", "Skeleton", time.perf_counter() - began, tuple(found), tuple(skipped))


def _wrong(found: list[Finding]) -> str | None:
    """The first check that failed; without a sound start nothing is to be learned by heart."""
    return next((one.check for one in found if one.level == "error"), None)


def _of_descent(shown: Shown, own: Subject, plain: Subject) -> dict[str, Check]:
    """Checks of a model that is trained by gradients, in the order in which their failures are to be mended."""
    share = float(shown.task.train.y.mean())
    begins = share if shown.config.train.head_bias_from_prior else 0.5
    moved: Callable[[], Subject] = cache(lambda: shown.stirred(own))
    return {
        "loss.computes": lambda: loss_checks.computes(own),
        "loss.own_target": lambda: loss_checks.own_target(moved()),
        "loss.direction": lambda: loss_checks.direction(moved()),
        "start.same_build": lambda: same_build(shown.task),
        "start.outputs": lambda: start.outputs_at_start(moved()),
        "start.loss": lambda: start.loss_at_start(plain),
        "start.own_loss": lambda: prior.own_loss_at_start(own, share, start=begins),
        "start.last_layer": lambda: prior.last_layer(shown.model, start=begins),
        "start.same_steps": lambda: start.same_steps(own),
        "flow.gradients": lambda: flow.gradients(moved() if shown.task.start is None else _thawed(moved())),
        "flow.registered": lambda: flow.registered(moved()),
        "flow.dead_units": lambda: flow.dead_units(moved()),
        "flow.modes": lambda: flow.modes(moved()),
        "flow.mixing": lambda: flow.mixing(moved()),
        "flow.inputs_used": lambda: _but_symbols(flow.inputs_used(moved())),
        "inputs.no_other_bars": lambda: no_other_bars(shown),
        "capacity.blind_to_zeros": lambda: prior.blind_to_zeros(shown.balanced(BATCHES * SIZE, SIZE)),
        "capacity.blind_to_shuffled": lambda: prior.blind_to_shuffled(shown.balanced(BATCHES * SIZE, SIZE)),
        "capacity.one_batch": lambda: capacity.one_batch(shown.mixed(room(shown.model, SIZE))),
    }


def overfit_step(shown: Shown) -> Step:
    """1,024 samples by heart, of few training samples an eighth; fewer where a model has no room (`gates.overfit`)."""
    began = time.perf_counter()
    if hasattr(shown.config.model, "fit_trees"):
        return Step("overfit", "Overfit", 0.0, skipped=(Skipped("capacity.overfit", TREES),))
    most = min(MANY, max(SIZE, len(shown.task.dataset.fold.train) // PART))
    with kept_memory():
        found = attempt("capacity.overfit", overfit, shown.mixed(room(shown.model, most)))
    return Step("overfit", "Overfit", time.perf_counter() - began, (found,))


def same_build(task: Task) -> Finding:
    """A model that is built twice from one seed has the same bytes, whatever was drawn before."""
    check, threshold = "start.same_build", "no parameter or buffer differs"
    first = begin_model(task).state_dict()
    with torch.random.fork_rng(devices=[]):
        torch.rand(17)
        second: nn.Module = begin_model(task)
    moved = [name for name, value in second.state_dict().items() if not torch.equal(value, first[name])]
    if not moved:
        return passed(check, "the same seed builds the same model", measured=0, threshold=threshold)
    return failed(
        check,
        "error",
        f"two models of one seed differ in {moved[0]} and {len(moved) - 1} others",
        "draw initial weights from torch's generator alone",
        measured=len(moved),
        threshold=threshold,
        where=moved[0],
    )


def _thawed(subject: Subject) -> Subject:
    """The subject with nothing frozen: what a transfer keeps as it is still has to let gradients through."""
    return replace(subject, model=subject.fresh().requires_grad_(True))


def _but_symbols(finding: Finding) -> Finding:
    """A model need not tell symbols apart."""
    if finding.level == "info" or finding.where != "input 2":
        return finding
    claim = "every window matters; which symbol it is does not"
    return passed(finding.check, claim, measured=0, threshold=finding.evidence["threshold"])
