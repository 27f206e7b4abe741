"""The doctor of somebody else's run at MLflow: its figures and settings found under whatever names they have."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgeproof.core.errors import ConfigError, DataError, OptionError
from edgeproof.core.finding import Finding
from edgeproof.gates.columns import FIGURES, SETTINGS, found
from edgeproof.gates.history import Known
from edgeproof.gates.logged import failure_in, table
from edgeproof.gates.symptoms import diagnose
from edgeproof.ledger.workspace import find_workspace
from edgeproof.recipe.diagnosis import Diagnosis
from edgeproof.recipe.foreign_agent import ForeignAgent, agent_command, foreign_agent, members_apart
from edgeproof.train.loggers.connect import SQLITE, VARIABLE
from edgeproof.train.loggers.recorded import Recorded, number_in, read_recorded

__all__ = ["SCHEME", "Foreign", "examine_mlflow", "foreign", "foreign_findings", "mlflow_address"]

SCHEME = "mlflow:"
EARLY = 200  # losses of single steps that are looked at
OWN = {"train.lr": "lr", "train.clip_norm": "clip_norm", "train.weight_decay": "weight_decay", "train.epochs": "epochs"}
OWN |= {"model.dropout": "dropout", "train.batch_size": "batch_size"}
SAID = {
    "lr": "the learning rate",
    "clip_norm": "the limit of the gradient's norm",
    "weight_decay": "weight decay",
    "dropout": "dropout",
    "batch_size": "the batch size",
    "epochs": "the number of epochs",
    "workers": "the loader's workers",
    "train.patience": "the epochs without improvement after which it stops",
}


@dataclass(frozen=True)
class Foreign:
    """A training that something else than edgeproof did.

    Attributes:
        recorded: as it was logged.
        rows: a row an epoch, under the names of `gates.columns`.
        known: what its parameters say.
        names: of each figure and setting, what it is called there.
    """

    recorded: Recorded
    rows: list[dict[str, Any]]
    known: Known
    names: Mapping[str, str]


def examine_mlflow(
    addresses: Sequence[str],
    *,
    uri: str | None = None,
    metrics: Mapping[str, str] | None = None,
    prior: float | None = None,
) -> Diagnosis:
    """Look at runs at MLflow that any program logged; they may still be running, and are not changed.

    Args:
        addresses: `mlflow:RUN_ID` each.
        uri: MLflow's address; none: `mlflow_address`.
        metrics: as for `foreign`.
        prior: as for `foreign`.

    Raises:
        ConfigError: MLflow cannot be used.
        DataError: no such run, or nothing logged yet.
        OptionError: no training loss among a run's figures, and no agent's.
    """
    place = uri or mlflow_address()
    found, epochs, updates = [], 0, 0
    for address in addresses:
        recorded = read_recorded(place, address.removeprefix(SCHEME))
        where = recorded.name if len(addresses) > 1 else ""
        agent = foreign_agent(recorded, metrics=metrics)
        if agent is None:
            run = foreign(recorded, metrics=metrics, prior=prior)
            found += [replace(finding, where=where) for finding in foreign_findings(run)]
            epochs += len(run.rows)
        elif prior is not None:
            raise OptionError(f"--prior {prior:g}: {address} is an agent's, which has no loss of knowing nothing")
        else:
            found += _of_agent(agent, where)
            updates += sum(len(training.rows) for training in agent.trainings)
    return Diagnosis(tuple(addresses), epochs + updates, tuple(found), updates)


def _of_agent(run: ForeignAgent, where: str) -> list[Finding]:
    """Its symptoms, member by member, and what members say of each other."""
    alone = len(run.trainings) == 1
    told = [(where if alone else f"{where} {one.name}".strip(), one.symptoms()) for one in run.trainings]
    told += [(f"{where} {members}".strip(), [finding]) for members, finding in members_apart(run)]
    found = []
    for place, findings in told:
        for finding in findings:
            causes = [cause | {"command": agent_command(cause, run)} for cause in finding.evidence["causes"]]
            found.append(replace(finding, where=place, evidence={**finding.evidence, "causes": causes}))
    return found


def mlflow_address() -> str:
    """Where MLflow is: the variable, the workspace's database, or what MLflow itself makes in the current folder.

    Raises:
        ConfigError: none of them is there.
    """
    if os.environ.get(VARIABLE):
        return os.environ[VARIABLE]
    places = [find_workspace() / ".edgeproof" / "mlflow.db", Path("mlflow.db")]
    database = next((place for place in places if place.is_file()), None)
    if database is not None:
        return f"{SQLITE}{database.resolve()}"
    if Path("mlruns").is_dir():
        return Path("mlruns").resolve().as_uri()
    raise ConfigError("no MLflow here (no mlflow.db, no mlruns); give --uri, or set MLFLOW_TRACKING_URI")


def foreign(recorded: Recorded, *, metrics: Mapping[str, str] | None = None, prior: float | None = None) -> Foreign:
    """A run's figures as a table, its parameters as what is known.

    Args:
        recorded: the run.
        metrics: names that the tables do not have: `{"train_loss": "objective"}`; keys as in a history.
        prior: loss of knowing nothing.

    Raises:
        OptionError: no training loss among its figures, or a name that is not there.
        DataError: nothing was logged yet.
    """
    if not recorded.metrics:
        raise DataError(f"{SCHEME}{recorded.run_id}: no metric is logged yet; look again later")
    names = _figures(recorded, metrics or {})
    series = {figure: recorded.metrics[name] for figure, name in names.items()}
    table_rows = table(series)
    rows = [{FIGURES[figure][0]: value for figure, value in row.items()} for row in table_rows]
    failed = failure_in(series["train"], series.get("norm", ()), rows=len(rows))
    settings = {field: found(recorded.params, words, inside=True) for field, words in SETTINGS.items()}
    there = {field: name for field, name in settings.items() if name is not None}
    known = _known(recorded, there, failed, rows)
    steps = tuple(value for _, value in series["train"][:EARLY]) if len(series["train"]) > len(rows) else ()
    return Foreign(recorded, rows, replace(known, prior=prior, steps=steps), names | there)


def foreign_findings(run: Foreign) -> list[Finding]:
    """Its symptoms, each cause with what to change and where."""
    found = []
    for finding in diagnose(run.rows, known=run.known):
        causes = [cause | {"command": _command(cause, run)} for cause in finding.evidence["causes"]]
        found.append(replace(finding, evidence={**finding.evidence, "causes": causes}))
    return found


def _figures(recorded: Recorded, given: Mapping[str, str]) -> dict[str, str]:
    """What each figure is called in this run.

    Raises:
        OptionError: no training loss, or a name that is not there.
    """
    there = ", ".join(recorded.metrics)
    several = [name for name, series in recorded.metrics.items() if len(series) > 1]  # before a sum at the end
    names = {figure: found(several, words) or found(recorded.metrics, words) for figure, words in FIGURES.items()}
    for key, name in given.items():
        figure = next((figure for figure, words in FIGURES.items() if key in (figure, *words)), None)
        if figure is None:
            known = ", ".join(words[0] for words in FIGURES.values())
            raise OptionError(f"--metric {key}={name}: no figure of that name; give one of {known}")
        if name not in recorded.metrics:
            raise OptionError(f"--metric {key}={name}: the run has no metric {name!r}; it has {there}")
        names[figure] = name
    if names["train"] is None:
        raise OptionError(
            f"{SCHEME}{recorded.run_id}: no training loss among its metrics ({there}); say which one it is by "
            "--metric train_loss=NAME"
        )
    return {figure: name for figure, name in names.items() if name is not None}


def _known(
    recorded: Recorded, names: Mapping[str, str], failed: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
) -> Known:
    """Settings that are numbers; a run that finished while it still improved was ended by its number of epochs."""
    numbers = {field: number_in(recorded.params[name]) for field, name in names.items()}
    rates = [row["lr"] for row in rows if row.get("lr") is not None]
    rate = numbers.get("lr")
    whole = {field: None if value is None else int(value) for field, value in numbers.items()}
    return Known(
        ended="epochs" if recorded.status == "FINISHED" else "",
        failed=failed,
        lr=rate if rate is not None else max(rates, default=None),
        clip_norm=numbers.get("clip_norm") or None,
        weight_decay=numbers.get("weight_decay"),
        dropout=numbers.get("dropout"),
        batch_size=whole.get("batch_size"),
        workers=whole.get("workers"),
        parameters=whole.get("parameters"),
        samples=whole.get("samples"),
        validation_samples=whole.get("validation_samples"),
    )


def _command(cause: Mapping[str, Any], run: Foreign) -> str:
    """What to change in whose program, and how to look again."""
    source, params = run.recorded.source or "the program", run.recorded.params
    changes = []
    for word in map(str, cause["change"]):
        key, _, value = word.partition("=")
        field = OWN.get(key, key)
        name: str = run.names.get(field, "") if field in SETTINGS else ""
        changes.append(
            f"{name}={value} (was {params[name]})" if name in params else f"{SAID.get(field, field)}: {value}"
        )
    if changes:
        return f"set {', '.join(changes)} in {source}, run it again, then edgeproof doctor {SCHEME}ID_OF_THE_NEW_RUN"
    if cause["name"] in ("gradients of earlier batches add up", "no step reaches the weights"):
        return f"edgeproof.check_training(model, loss, loader, optimiser=make_optimiser, step=one_step) in {source}"
    return f"edgeproof.check_model(model, loss, loader) in {source}, just before the training begins"
