"""Which keys of a run's config a search may vary, over what, and the config of each trial."""

from collections.abc import Mapping
from typing import Any

from edgeproof.core.config import Config, Tune, from_mapping, space
from edgeproof.core.errors import ConfigError
from edgeproof.recipe.config import RunConfig
from edgeproof.search.settings import Goal, TuneConfig
from edgeproof.search.space import fitted, resolve

__all__ = ["default_space", "goal_of", "search_space", "varied"]

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
MONEY: tuple[Goal, ...] = ("net_growth", "net_sharpe")
UNREAD = ("model", "loss", "train")  # by an agent without a frozen encoder


def goal_of(config: RunConfig) -> Goal:
    """What a search of this config looks for.

    Raises:
        ConfigError: an agent has no such figure, or a model.
    """
    asked, agent = config.tune.objective, config.has_agent
    if agent and asked not in (None, *MONEY):
        raise ConfigError(
            f"tune.objective={asked}: agent {config.learner} holds positions and forecasts nothing; search for "
            f"{' or '.join(MONEY)}"
        )
    if asked == "net_growth" and not agent:
        raise ConfigError("tune.objective=net_growth: that is the growth of an agent's accounts; search for net_sharpe")
    return asked or ("net_growth" if agent else "log_loss")


def default_space(config: RunConfig) -> dict[str, Tune]:
    """What is varied unless something else is said: every field's own space; of an agent, its own settings.

    Batches larger than the agent's rollout are left out: they all are that rollout.
    """
    known = _leaves(config)
    found = {key: tune for key, tune in space(config).items() if key in known and _is_open(key, config)}
    if not config.has_agent:
        return found
    found = {key: tune for key, tune in found.items() if key.startswith("agent.") and key.count(".") == 1}
    batches, samples = found.pop("agent.minibatch", Tune()).choices, known["agent.steps"] * known["agent.accounts"]
    fitting = tuple(size for size in batches if size <= samples)
    return found | ({"agent.minibatch": Tune(choices=fitting)} if len(fitting) > 1 else {})


def _is_open(key: str, config: RunConfig) -> bool:
    """Whether a search may choose it at all."""
    part = key.partition(".")[0]
    return part not in GIVEN and not (config.has_agent and not config.has_eyes and part in UNREAD)


def search_space(config: RunConfig) -> dict[str, Tune]:
    """What a search of this config varies: the fields' own spaces, those of `tune.space` in their place.

    Args:
        config: with its `tune`.

    Raises:
        ConfigError: an unknown key, one that is no choice of a search, a value that the config cannot have, or a
            figure that it does not have.
    """
    tune, goal = config.tune, goal_of(config)
    for key in tune.space:
        _refuse(key, goal)
        _refuse_part(key, config)
    known = {key: value for key, value in _leaves(config).items() if _is_open(key, config)}
    found = resolve(default_space(config), tune.space, known, only=tune.only)
    for key, choice in found.items():
        for value in fitted(choice):
            try:
                varied(config, {key: value})
            except ConfigError as error:
                raise ConfigError(f"space {key}: {str(error).removeprefix('config: ')}") from error
    return found


def _refuse(key: str, goal: Goal) -> None:
    part = key.partition(".")[0]
    if part in GIVEN:
        raise ConfigError(f"space {key}: {part} is given, no choice of a search; override it for all trials: {key}=...")
    if part in TASK and goal not in MONEY:
        raise ConfigError(
            f"space {key}: it changes what is forecast, so that {goal} cannot be compared between "
            "trials; search for net_sharpe, or leave it out"
        )


def _refuse_part(key: str, config: RunConfig) -> None:
    found: Any = config
    for step in key.split("."):
        found = getattr(found, step, None) if isinstance(found, Config) and step in type(found).model_fields else None
    if isinstance(found, Config):
        inner = list(_leaves(found, f"{key}."))
        own = f", or vary its own keys ({', '.join(inner[:3])})" if inner else ""
        raise ConfigError(
            f"space {key}: a part, not a value, and a search chooses values; search once for each kind of it, by an "
            f"override {key}=NAME{own}"
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
