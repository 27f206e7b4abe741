"""Which keys of a run's config a search may vary, over what, and the config of each trial."""

from collections.abc import Mapping
from typing import Any

from edgeproof.core.config import Config, Tune, from_mapping, space
from edgeproof.core.errors import ConfigError
from edgeproof.recipe.config import RunConfig
from edgeproof.search.settings import TuneConfig
from edgeproof.search.space import fitted, resolve

__all__ = ["search_space", "varied"]

# What a search must not choose: the market and its money, how trials are judged, and what it is itself.
GIVEN = (
    "market",
    "universe",
    "quality",
    "split",
    "transfer",
    "costs",
    "account",
    "regimes",
    "verdict",
    "tune",
    "tracking",
    "gates",
    "seed",
)
TASK = ("label", "decide_every")  # of two of them the scores of a forecast cannot be compared


def search_space(config: RunConfig) -> dict[str, Tune]:
    """What a search of this config varies: the fields' own spaces, those of `tune.space` in their place.

    Args:
        config: with its `tune`.

    Raises:
        ConfigError: an agent, an unknown key, one that is no choice of a search, a value that the config cannot have.
    """
    if config.has_agent:
        raise ConfigError(
            f"agent {config.learner} is not searched, only models are; compare configs of agents by `edgeproof "
            "campaign A.yaml B.yaml`, or give one several starts by combine={name: multi_start, seeds: 3}"
        )
    tune, leaves = config.tune, _leaves(config)
    for key in tune.space:
        _refuse(key, config)
    known = {key: value for key, value in leaves.items() if key.partition(".")[0] not in GIVEN}
    defaults = {key: found for key, found in space(config).items() if key in known}
    found = resolve(defaults, tune.space, known, only=tune.only)
    for key, choice in found.items():
        for value in fitted(choice):
            try:
                varied(config, {key: value})
            except ConfigError as error:
                raise ConfigError(f"space {key}: {str(error).removeprefix('config: ')}") from error
    return found


def _refuse(key: str, config: RunConfig) -> None:
    part = key.partition(".")[0]
    if part in GIVEN:
        raise ConfigError(f"space {key}: {part} is given, no choice of a search; override it for all trials: {key}=...")
    if part in TASK and config.tune.objective != "net_sharpe":
        raise ConfigError(
            f"space {key}: it changes what is forecast, so that {config.tune.objective} cannot be compared between "
            "trials; search for net_sharpe, or leave it out"
        )


def _leaves(config: Config, prefix: str = "") -> dict[str, Any]:
    """Every key that holds a plain value, names of parts aside."""
    found: dict[str, Any] = {}
    for name in type(config).model_fields:
        value = getattr(config, name)
        if isinstance(value, Config):
            found |= _leaves(value, f"{prefix}{name}.")
        elif name != "name":
            found[f"{prefix}{name}"] = value
    return found


def varied(config: RunConfig, params: Mapping[str, Any]) -> RunConfig:
    """The config with these values; it says nothing of the search that it comes from.

    Raises:
        ConfigError: the values do not go together.
    """
    body = config.model_dump(mode="json")
    body["tune"] = TuneConfig().model_dump(mode="json")
    for key, value in params.items():
        *parents, last = key.split(".")
        place = body
        for parent in parents:
            place = place[parent]
        place[last] = value
    return from_mapping(RunConfig, body)
