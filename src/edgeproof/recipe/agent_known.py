"""What is known of an agent's training beside its table of updates, and what that table says when it has ended."""

# U updates

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

from edgeproof.core.finding import Finding
from edgeproof.gates.agent_history import AgentKnown
from edgeproof.gates.agent_symptoms import diagnose_agent
from edgeproof.recipe.config import RunConfig
from edgeproof.rl.interface import Discrete
from edgeproof.rl.settings import PpoConfig

__all__ = ["agent_known", "seen_in"]


def seen_in(rows: Sequence[Mapping[str, Any]], config: RunConfig) -> tuple[Finding, ...]:
    """Symptoms of a training that has ended; how long it was is what was asked for, and no symptom here."""
    found = diagnose_agent(rows, known=agent_known(config, ended=True))
    return tuple(one for one in found if one.check != "doctor.undertrained")


def agent_known(config: RunConfig, failed: Mapping[str, Any] | None = None, *, ended: bool) -> AgentKnown:
    """What the config says of an agent's training.

    Args:
        config: of the run.
        failed: what `failed.json` holds.
        ended: whether it came to its end.
    """
    agent, space = cast("PpoConfig", config.agent), config.environment.space
    chosen = isinstance(space, Discrete)
    spread = agent.net.log_std + 0.5 * math.log(2 * math.pi * math.e)
    return AgentKnown(
        even=math.log(space.count) if isinstance(space, Discrete) else space.size * spread,
        numbers=0 if chosen else space.size,
        lr=agent.lr,
        entropy=agent.entropy,
        gamma=agent.gamma,
        value_coefficient=agent.value_coefficient,
        clip=agent.clip,
        epochs=agent.epochs,
        minibatch=agent.minibatch,
        grad_norm=agent.grad_norm,
        target_kl=agent.target_kl,
        updates=agent.updates,
        samples=agent.steps * agent.accounts,
        scale=getattr(config.environment.reward, "scale", None),
        ended=ended,
        failed=failed or {},
    )
