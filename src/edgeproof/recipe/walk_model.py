"""Steps 2 and 3, skeleton and overfit: model, loss and samples of this very run, before it is trained."""

import time

from edgeproof.gates import capacity, flow, start
from edgeproof.gates import loss as loss_checks
from edgeproof.gates.overfit import overfit, room
from edgeproof.recipe.shown import Shown
from edgeproof.recipe.steps import Skipped, Step

__all__ = ["overfit_step", "skeleton_step"]

AT_START = (start.outputs_at_start, flow.gradients, flow.registered, flow.dead_units, flow.modes, flow.mixing)
COUNT, SIZE = 256, 64


def skeleton_step(shown: Shown) -> Step:
    """Model, loss and gradients at the start."""
    began = time.perf_counter()
    own, plain = shown.subject(COUNT, SIZE), shown.subject(COUNT, SIZE, plain=True)
    moved = shown.stirred(own)
    checks = [
        loss_checks.computes(own),
        start.loss_at_start(plain),
        start.same_steps(own),
        *(check(moved) for check in AT_START),
        loss_checks.own_target(moved),
        loss_checks.direction(moved),
        capacity.one_batch(shown.mixed(room(shown.model, SIZE))),
    ]
    return Step("skeleton", "Skeleton", time.perf_counter() - began, tuple(checks))


def overfit_step(shown: Shown) -> Step:
    """Many samples by heart."""
    began = time.perf_counter()
    found = overfit(shown.mixed(room(shown.model)))
    return Step("overfit", "Overfit", time.perf_counter() - began, (found,))


TREES = "trees have no gradients and no steps to look at"


def skipped_steps() -> tuple[Step, Step]:
    """Of a model of trees."""
    return (
        Step("skeleton", "Skeleton", 0.0, skipped=(Skipped("skeleton", TREES),)),
        Step("overfit", "Overfit", 0.0, skipped=(Skipped("overfit", TREES),)),
    )
