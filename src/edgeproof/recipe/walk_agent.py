"""The steps of an agent's run: the environment as it meets it, and the first update of its training."""

import time
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from typing import cast

from edgeproof.core.finding import Finding
from edgeproof.recipe.agent import Ground, training_bars
from edgeproof.recipe.learn import validation_stretch
from edgeproof.recipe.probe import five_probes
from edgeproof.recipe.shown import Shown
from edgeproof.recipe.sight import seen_untrained
from edgeproof.recipe.steps import Skipped, Step
from edgeproof.rl.encoders import FrozenEncoderConfig
from edgeproof.rl.gates import RL_GATES, check_agent
from edgeproof.rl.settings import PpoConfig
from edgeproof.rl.tape import check_costs
from edgeproof.samples.dataset import windows_ready

__all__ = ["agent_steps"]

ACCOUNTS, STEPS = 256, 64  # of the look: enough for every check, a second or less
NO_LABELS = "an agent learns from rewards: there are no labels to fit, and no batch to learn by heart"


def agent_steps(seen: Shown) -> tuple[Step, Step]:
    """Skeleton and overfit of an agent; the second is skipped.

    The learner on five worlds with known answers (`edgeproof rl probe` has more), whether any move is larger than its
    costs, what the environment gives, and the first update.
    """
    began = time.perf_counter()
    config, prepared, fold = seen.config, seen.prepared, seen.task.dataset.fold
    ground = _first_ground(seen)
    bars = training_bars(prepared, fold, validation_stretch(fold, len(prepared.decide)))
    agent = cast("PpoConfig", config.agent)
    body = {"steps": min(agent.steps, STEPS), "accounts": min(agent.accounts, ACCOUNTS), "device": "cpu"}
    small, samples = agent.model_copy(update=body), agent.steps * agent.accounts
    world = replace(ground, config=config.model_copy(update={"agent": small})).environment(bars, 1)
    looked = check_agent(world, small, rng=seen.rng.child("agent"), samples=samples)
    found = (*five_probes(agent), check_costs(ground.tape(bars), config.costs), *looked)
    skeleton = Step("skeleton", "Skeleton", time.perf_counter() - began, found, _waiting(looked))
    return skeleton, Step("overfit", "Overfit", 0.0, skipped=(Skipped("capacity.overfit", NO_LABELS),))


def _first_ground(seen: Shown) -> Ground:
    """What the agent would see first: encodings that are yet to be learned are those of the untrained model."""
    config, prepared, data = seen.config, seen.prepared, seen.task.dataset
    encoder = cast("PpoConfig", config.agent).encoder
    if not isinstance(encoder, FrozenEncoderConfig):
        return Ground(config, prepared, data.x)
    ready, window = prepared.table.ready, data.window
    x = seen_untrained(deepcopy(seen.model), data, ready, anchors=encoder.anchors)
    return Ground(config, prepared, x, windows_ready(ready, window), window=1)


def _waiting(looked: Sequence[Finding]) -> tuple[Skipped, ...]:
    """Gates of a first update that could not be made."""
    made, broken = {one.check for one in looked}, next((one.check for one in looked if one.level == "error"), "")
    return tuple(Skipped(name, f"waits until {broken} is mended") for name in RL_GATES if name not in made)
