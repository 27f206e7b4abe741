"""An agent's run at MLflow, our own or anyone's PPO: its updates as the doctor reads them, under whatever names."""

# U updates, P members

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, cast

from edgeproof.core.config import apply_overrides, from_mapping
from edgeproof.core.errors import ConfigError, OptionError
from edgeproof.core.finding import Finding
from edgeproof.gates.agent_history import AGENT_FIGURES, AGENT_SETTINGS, AgentKnown, is_agent
from edgeproof.gates.agent_symptoms import diagnose_agent_seeds
from edgeproof.gates.columns import found
from edgeproof.gates.logged import Series, rows_at
from edgeproof.recipe.agent import population
from edgeproof.recipe.agent_known import agent_known
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.doctor_agent import AgentTraining
from edgeproof.rl.settings import PpoConfig
from edgeproof.train.loggers.recorded import Recorded, number_in

__all__ = ["ForeignAgent", "agent_command", "foreign_agent", "members_apart"]

FOLD = re.compile(r"^fold_(\d+)/")
FIRST = ("kl", "clipped", "explained", "value_loss", "entropy", "entropy_loss", "episode", "reward")
MADE = ("reward", "value_loss", "kl", "entropy", "norm")  # what is a number as long as a training is sound
SAID = {
    "lr": "the learning rate",
    "entropy": "the entropy bonus",
    "value_coefficient": "the value loss's coefficient",
    "epochs": "the epochs of an update",
    "minibatch": "the samples of a gradient step",
    "target_kl": "the KL that ends an update",
    "total_steps": "the steps in all",
    "steps": "the steps of a rollout",
    "environment.reward.scale": "the rewards' scale",
}


@dataclass(frozen=True)
class ForeignAgent:
    """A training of agents as MLflow has it.

    Attributes:
        recorded: as it was logged.
        trainings: one a fold and member.
        names: of each setting, what it is called there.
        config: of a run of edgeproof's.
    """

    recorded: Recorded
    trainings: tuple[AgentTraining, ...]
    names: Mapping[str, str]
    config: RunConfig | None = None


def foreign_agent(recorded: Recorded, *, metrics: Mapping[str, str] | None = None) -> ForeignAgent | None:
    """An agent's run; None where its figures are not an agent's.

    Args:
        recorded: the run.
        metrics: names that the tables do not have: `{"reward": "score_100"}`; keys as in a table of updates.

    Raises:
        OptionError: a name that is not there.
    """
    given = _given(recorded, metrics or {})
    config = _own(recorded.params)
    groups = _folds(recorded.metrics) if config is not None else {"training": recorded.metrics}
    broken = _told_failure(recorded)
    seen = {name: series for name, series in groups.items() if is_agent([*series, *given])}
    if not seen and (config is None or not broken):
        return None
    settings = {field: found(recorded.params, words, inside=True) for field, words in AGENT_SETTINGS.items()}
    there = {field: name for field, name in settings.items() if name is not None}
    trainings = []
    for name, series in (seen or {"training": {}}).items():
        steps, rows = _table(series, given)
        failed = broken or _failure(rows)
        if config is None:
            known = _known(recorded, there, failed)
            trainings.append(AgentTraining(name, _with_steps(rows, steps, recorded.params, there), known))
        else:
            trainings += _members(name, steps, rows, config=config, failed=failed)
    return ForeignAgent(recorded, tuple(trainings), there, config)


def members_apart(run: ForeignAgent) -> list[tuple[str, Finding]]:
    """What the members of a population say of each other, with their count."""
    found_: list[tuple[str, Finding]] = []
    for name in dict.fromkeys(one.name.rpartition(" ")[0] for one in run.trainings):
        own = [one for one in run.trainings if name and one.name.rpartition(" ")[0] == name]
        if len(own) > 1 and not any(one.known.failed for one in own):
            symptoms = diagnose_agent_seeds([one.rows for one in own], known=own[0].known)
            found_ += [(f"{len(own)} members", one) for one in symptoms]
    return found_


def agent_command(cause: Mapping[str, Any], run: ForeignAgent) -> str:
    """What to change in whose program, and how to look again."""
    again = "edgeproof doctor mlflow:ID_OF_THE_NEW_RUN"
    if run.config is not None:
        if cause["change"]:
            return f"edgeproof rl train CONFIG {' '.join(cause['change'])} --track, then {again}"
        return "edgeproof rl probe CONFIG"
    source, params = run.recorded.source or "the program", run.recorded.params
    changes = []
    for word in map(str, cause["change"]):
        key, _, value = word.partition("=")
        field = key.removeprefix("agent.")
        name = run.names.get(field, "")
        changes.append(f"{name}={value} (was {params[name]})" if name else f"{SAID.get(field, field)}: {value}")
    if changes:
        return f"set {', '.join(changes)} in {source}, run it again, then {again}"
    return f"edgeproof.rl.gates.check_agent(environment, config) in {source}, just before the training begins"


def _own(params: Mapping[str, str]) -> RunConfig | None:
    """The config of one of edgeproof's own runs of an agent."""
    if params.get("agent.name", "none") == "none":
        return None
    try:
        return from_mapping(RunConfig, apply_overrides({}, [f"{key}={text}" for key, text in params.items()]))
    except ConfigError:  # of another version
        return None


def _folds(metrics: Mapping[str, Series]) -> dict[str, dict[str, Series]]:
    """The rows of each fold of an own run; a dotted name is a figure of the run as a whole."""
    groups: dict[str, dict[str, Series]] = {}
    for name, series in metrics.items():
        fold = FOLD.match(name)
        if "." not in name:
            place = "training" if fold is None else f"fold-{fold[1]}"
            groups.setdefault(place, {})[FOLD.sub("", name)] = series
    whole = groups.pop("training", {})
    return groups or {"training": whole}


def _given(recorded: Recorded, metrics: Mapping[str, str]) -> dict[str, str]:
    """Names of figures that the user says, those of agents among them.

    Raises:
        OptionError: a name that is not there.
    """
    known = {key: name for key, name in metrics.items() if _figure(key) is not None}
    for key, name in known.items():
        if name not in recorded.metrics:
            raise OptionError(
                f"--metric {key}={name}: the run has no metric {name!r}; it has {', '.join(recorded.metrics)}"
            )
    return known


def _figure(key: str) -> str | None:
    return next((figure for figure, words in AGENT_FIGURES.items() if key in (figure, *words)), None)


def _table(series: Mapping[str, Series], given: Mapping[str, str]) -> tuple[list[int], list[dict[str, Any]]]:
    """The step of each row, and the rows: one an update, by the steps of the figures that every update has."""
    several = [name for name, values in series.items() if len(values) > 1]
    names = {figure: found(several, words) or found(series, words) for figure, words in AGENT_FIGURES.items()}
    names |= {figure: name for key, name in given.items() if (figure := _figure(key)) is not None}
    there = {figure: series[name] for figure, name in names.items() if name is not None}
    ends = [step for step, _ in next((there[figure] for figure in FIRST if figure in there), ())]
    rows = rows_at({AGENT_FIGURES[figure][0]: values for figure, values in there.items()}, ends)
    return ends, rows


def _failure(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What `AgentKnown.failed` holds of a figure that became no number; empty where all are."""
    for place, row in enumerate(rows):
        for figure in MADE:
            value = row.get(AGENT_FIGURES[figure][0])
            if value is not None and not isfinite(value):
                return {"what": AGENT_FIGURES[figure][0].replace("_", " "), "update": place + 1}
    return {}


def _told_failure(recorded: Recorded) -> dict[str, Any]:
    """The same, as an own run says it, whose figures are all numbers."""
    what, update = (recorded.tags.get(f"failed_{name}", "") for name in ("what", "update"))
    if recorded.status != "FAILED":
        return {}
    return ({"what": what} if what else {}) | ({"update": int(update)} if update.isdecimal() else {})


def _members(
    name: str, steps: Sequence[int], rows: Sequence[dict[str, Any]], *, config: RunConfig, failed: Mapping[str, Any]
) -> list[AgentTraining]:
    """Members of an own population are told one after the other, as trainings in a row."""
    updates, count = cast("PpoConfig", config.agent).updates, population(config)
    found_ = []
    for place in range(count):
        own = [row for step, row in zip(steps, rows, strict=True) if (step - 1) // updates == place]
        known = agent_known(config, failed, ended=len(own) >= updates)
        found_.append(AgentTraining(name if count == 1 else f"{name} {place + 1}/{count}", own, known))
    return [one for one in found_ if one.rows or failed]


def _known(recorded: Recorded, names: Mapping[str, str], failed: Mapping[str, Any]) -> AgentKnown:
    """Settings that are numbers."""
    numbers = {field: number_in(recorded.params[name]) for field, name in names.items()}
    whole = {field: None if value is None else int(value) for field, value in numbers.items()}
    steps, accounts, total = whole.get("steps"), whole.get("accounts"), whole.get("total_steps")
    samples = None if steps is None or accounts is None else steps * accounts
    return AgentKnown(
        lr=numbers.get("lr"),
        entropy=numbers.get("entropy"),
        gamma=numbers.get("gamma"),
        value_coefficient=numbers.get("value_coefficient"),
        clip=numbers.get("clip"),
        epochs=whole.get("epochs"),
        minibatch=whole.get("minibatch"),
        grad_norm=numbers.get("grad_norm"),
        target_kl=numbers.get("target_kl"),
        updates=None if not samples or total is None else -(-total // samples),
        samples=samples,
        ended=recorded.status == "FINISHED",
        failed=failed,
    )


def _with_steps(
    rows: list[dict[str, Any]], steps: Sequence[int], params: Mapping[str, str], names: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The rows with the environment's steps where these are what figures were logged at."""
    total = number_in(params[names["total_steps"]]) if "total_steps" in names else None
    told = any(row.get("steps") is not None for row in rows)
    if told or not total or not total / 2 <= steps[-1] <= 1.1 * total:
        return rows
    return [{**row, "steps": step} for step, row in zip(steps, rows, strict=True)]
