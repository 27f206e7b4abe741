"""The learner examined on worlds with known answers, with a config's own optimiser settings or small ones."""

from pathlib import Path
from typing import cast

from edgeproof.core.errors import ConfigError
from edgeproof.core.finding import Finding
from edgeproof.core.rng import Rng
from edgeproof.recipe.config import load_run_config
from edgeproof.rl.examine import PROBING
from edgeproof.rl.gates import check_learner
from edgeproof.rl.settings import PpoConfig

__all__ = ["probed"]

OWN = ("clip", "value_coefficient", "clip_value", "entropy", "grad_norm", "adam_eps", "epochs", "normalise_advantages")


def probed(config: Path | None, rng: Rng) -> list[Finding]:
    """What the probes find.

    Args:
        config: whose agent's clipping, coefficients, epochs and optimiser are taken over, on the probes' small
            networks, rates and rollouts; none: those of `rl.examine.PROBING` throughout.
        rng: of everything random.

    Raises:
        ConfigError: the config has no agent.
    """
    if config is None:
        return check_learner(PROBING, rng=rng)
    settings = load_run_config(config)
    if not settings.has_agent:
        raise ConfigError(f"{config}: no agent in it; add agent=ppo")
    agent = cast("PpoConfig", settings.agent)
    return check_learner(PROBING.model_copy(update={name: getattr(agent, name) for name in OWN}), rng=rng)
