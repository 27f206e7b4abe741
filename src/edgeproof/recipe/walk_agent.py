"""The steps of an agent's run: the environment as it meets it, and the first update of its training."""

import time
from typing import cast

from edgeproof.recipe.agent import Ground, training_bars
from edgeproof.recipe.learn import validation_stretch
from edgeproof.recipe.shown import Shown
from edgeproof.recipe.steps import Skipped, Step
from edgeproof.rl.env import MarketEnv
from edgeproof.rl.gates import check_agent
from edgeproof.rl.settings import PpoConfig

__all__ = ["agent_steps"]

ACCOUNTS, STEPS = 256, 64  # of the look: enough for every check, a second or less
NO_LABELS = "an agent learns from rewards: there are no labels to fit, and no batch to learn by heart"


def agent_steps(seen: Shown) -> tuple[Step, Step]:
    """Skeleton and overfit of an agent: what its environment gives and its first update does; the second is skipped.

    The learner itself is examined on worlds with known answers by `edgeproof rl probe`.
    """
    began = time.perf_counter()
    config, prepared, fold = seen.config, seen.prepared, seen.task.dataset.fold
    ground = Ground(config, prepared, seen.task.dataset.x)
    bars = training_bars(prepared, fold, validation_stretch(fold, len(prepared.decide)))
    agent = cast("PpoConfig", config.agent)
    body = {"steps": min(agent.steps, STEPS), "accounts": min(agent.accounts, ACCOUNTS)}
    world = MarketEnv(ground.tape(bars), config.environment, config.costs, config.options, accounts=body["accounts"])
    found = check_agent(world, agent.model_copy(update=body), rng=seen.rng.child("agent"))
    skeleton = Step("skeleton", "Skeleton", time.perf_counter() - began, tuple(found))
    return skeleton, Step("overfit", "Overfit", 0.0, skipped=(Skipped("capacity.overfit", NO_LABELS),))
