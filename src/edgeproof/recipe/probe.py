"""The learner examined on worlds with known answers, with a config's own optimiser settings or small ones."""

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import cast

from edgeproof.core.errors import ConfigError
from edgeproof.core.finding import Finding
from edgeproof.core.rng import Rng
from edgeproof.recipe.config import load_run_config
from edgeproof.rl.examine import PROBING, ppo_on
from edgeproof.rl.gates import check_learner
from edgeproof.rl.probes import FIVE, check_probes
from edgeproof.rl.settings import PpoConfig

__all__ = ["five_probes", "probed"]

STEPS = 320  # of each account: half of what `rl probe` takes is enough for the first five
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
    return check_learner(_with_own(cast("PpoConfig", settings.agent)), rng=rng)


def five_probes(agent: PpoConfig) -> tuple[Finding, ...]:
    """The first five probes with an agent's own settings, from a fixed seed; once a process.

    What the usual settings learn and these do not is a warning: the learner is right, and its settings are unusual.
    """
    return _examined(_with_own(agent).model_dump_json())


def _with_own(agent: PpoConfig) -> PpoConfig:
    return PROBING.model_copy(update={name: getattr(agent, name) for name in OWN})


@lru_cache(maxsize=16)
def _examined(settings: str) -> tuple[Finding, ...]:
    own, five = PpoConfig.model_validate_json(settings), {k: replace(one, steps=STEPS) for k, one in FIVE.items()}
    found = check_probes(ppo_on(own), five, rng=Rng(0))
    missed = {name: probe for name, probe in five.items() if f"probe.{name}" in _failed(found)}
    changed = [f"agent.{name}={getattr(own, name)}" for name in OWN if getattr(own, name) != getattr(PROBING, name)]
    if not missed or not changed:
        return tuple(found)
    still = _failed(check_probes(ppo_on(PROBING), missed, rng=Rng(0)))
    remedy = f"the usual settings find it: look at {', '.join(changed)}"
    return tuple(
        replace(one, level="warning", remedy=remedy) if one.check in _failed([one]) - still else one for one in found
    )


def _failed(found: Iterable[Finding]) -> set[str]:
    return {one.check for one in found if one.level == "error"}
