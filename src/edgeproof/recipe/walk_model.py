"""Steps 2 and 3, skeleton and overfit: model, loss and samples of this very run, before it is trained."""

import time
from collections.abc import Callable, Iterator

import torch
from torch import nn

from edgeproof.core.device import kept_memory
from edgeproof.core.finding import Finding
from edgeproof.gates import capacity, flow, prior, start
from edgeproof.gates import loss as loss_checks
from edgeproof.gates.overfit import MANY, overfit, room
from edgeproof.gates.report import failed, passed
from edgeproof.gates.subject import Subject
from edgeproof.recipe.shown import Shown
from edgeproof.recipe.steps import Skipped, Step
from edgeproof.recipe.walk_inputs import as_received, no_other_bars
from edgeproof.recipe.walk_naive import naive_baselines
from edgeproof.train.descent import Task, begin_model

__all__ = ["overfit_step", "skeleton_step"]

BATCHES, SIZE = 4, 64
PART = 8  # of the training samples: learning them by heart takes less than the training
TREES = "trees are grown at once: there are no gradients, no steps and no first loss"
OF_DESCENT = (
    "loss.computes",
    "loss.own_target",
    "loss.direction",
    "start.same_build",
    "start.outputs",
    "start.loss",
    "start.own_loss",
    "start.last_layer",
    "start.same_steps",
    "flow.gradients",
    "flow.registered",
    "flow.dead_units",
    "flow.modes",
    "flow.mixing",
    "flow.inputs_used",
    "inputs.no_other_bars",
    "capacity.blind_to_zeros",
    "capacity.blind_to_shuffled",
    "capacity.one_batch",
)
MOVED: tuple[Callable[[Subject], Finding], ...] = (
    start.outputs_at_start,
    flow.gradients,
    flow.registered,
    flow.dead_units,
    flow.modes,
    flow.mixing,
)


def skeleton_step(shown: Shown) -> Step:
    """Inputs as they arrive, the start, the flow of gradients, the loss, one batch by heart, and what is to be beaten.

    A model of trees has inputs and naive baselines; the rest waits for gradients and is skipped.
    """
    began = time.perf_counter()
    checks = [as_received(shown)]
    skipped: tuple[Skipped, ...] = ()
    if hasattr(shown.config.model, "fit_trees"):
        skipped = tuple(Skipped(name, TREES) for name in OF_DESCENT)
    else:
        for finding in _of_descent(shown):
            checks.append(finding)
            if finding.check == "loss.computes" and finding.level == "error":
                break  # every later check would say the same
    checks.append(naive_baselines(shown.config, shown.prepared, shown.task.dataset.fold))
    return Step("skeleton", "Skeleton", time.perf_counter() - began, tuple(checks), skipped)


def _of_descent(shown: Shown) -> Iterator[Finding]:
    own, plain = shown.subject(BATCHES * SIZE, SIZE), shown.subject(BATCHES * SIZE, SIZE, plain=True)
    share = float(shown.task.train.y.mean())
    begins = share if shown.config.train.head_bias_from_prior else 0.5
    moved = shown.stirred(own)
    yield loss_checks.computes(own)
    yield loss_checks.own_target(moved)
    yield loss_checks.direction(moved)
    yield same_build(shown.task)
    yield start.loss_at_start(plain)
    yield prior.own_loss_at_start(own, share, start=begins)
    layer = prior.last_layer(shown.model, start=begins)
    if layer is not None:
        yield layer
    yield start.same_steps(own)
    for check in MOVED:
        yield check(moved)
    yield _but_symbols(flow.inputs_used(moved))
    yield no_other_bars(shown)
    yield prior.blind_to_zeros(plain)
    yield prior.blind_to_shuffled(plain)
    yield capacity.one_batch(shown.mixed(room(shown.model, SIZE)))


def overfit_step(shown: Shown) -> Step:
    """1,024 samples by heart, an eighth of few training samples, fewer where the model has no room (`gates.overfit`)."""
    began = time.perf_counter()
    if hasattr(shown.config.model, "fit_trees"):
        return Step("overfit", "Overfit", 0.0, skipped=(Skipped("capacity.overfit", TREES),))
    most = min(MANY, max(SIZE, len(shown.task.dataset.fold.train) // PART))
    with kept_memory():
        found = overfit(shown.mixed(room(shown.model, most)))
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


def _but_symbols(finding: Finding) -> Finding:
    """A model need not tell symbols apart."""
    if finding.level == "info" or finding.where != "input 2":
        return finding
    claim = "every window matters; which symbol it is does not"
    return passed(finding.check, claim, measured=0, threshold=finding.evidence["threshold"])
