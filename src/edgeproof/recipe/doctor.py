"""The doctor of a run: its epochs, its checkpoint and what its failure left, read without any bars."""

# F features, L window, A assets, E epochs

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import log
from operator import attrgetter
from pathlib import Path
from shlex import quote
from typing import Any

from edgeproof.core.container import read_container
from edgeproof.core.errors import OptionError
from edgeproof.core.files import read_json
from edgeproof.core.finding import Finding
from edgeproof.core.identity import sha_json
from edgeproof.gates.agent_symptoms import diagnose_agent_seeds
from edgeproof.gates.history import Known
from edgeproof.gates.seeds import diagnose_seeds
from edgeproof.gates.symptoms import diagnose
from edgeproof.ledger.workspace import find_workspace
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.diagnosis import Diagnosis
from edgeproof.recipe.doctor_agent import AgentTraining, agent_trainings, is_encoder
from edgeproof.recipe.folder import RunFolder
from edgeproof.recipe.look import look
from edgeproof.recipe.steps import passed_over, stopped_by
from edgeproof.recipe.weights import compared
from edgeproof.train.failure import FAILED
from edgeproof.train.keep import LAST, below

__all__ = ["Diagnosis", "Training", "examine", "trainings"]

LOOK = "edgeproof doctor"
UNSEEN = "the checks that were just made of model, loss and samples before training do not show it"


@dataclass(frozen=True)
class Training:
    """One training of a run, as its folder tells it.

    Attributes:
        name: `training`, or the fold's or member's folder.
        rows: a row an epoch.
        known: what is known beside them.
    """

    name: str
    rows: list[dict[str, Any]]
    known: Known

    def symptoms(self) -> list[Finding]:
        """What is wrong with it."""
        return diagnose(self.rows, known=self.known)


def examine(runs: Sequence[Path | str], *, market: Path | str | None = None) -> Diagnosis:
    """Look at running, finished or crashed runs; several of one config are also compared with each other.

    Args:
        runs: folders of runs, or of one campaign.
        market: the first run's market: its model, loss and samples are checked too.

    Raises:
        DataError: not a run's folder.
        OptionError: nothing was trained yet, or several runs that differ in more than their seed.
    """
    folders = [RunFolder(path) for given in runs for path in _runs_of(Path(given))]
    seen = [] if market is None else look(folders[0], Path(market))
    found, epochs, updates = [], 0, 0
    every: dict[str, list[tuple[RunFolder, Training | AgentTraining]]] = {}
    for folder in folders:
        config = folder.config()
        key = sha_json(config.anywhere().model_dump(mode="json", exclude={"seed", "market", "tracking"}))
        halted = stopped_by(folder.path)
        found += [_before_training(one, folder if len(folders) > 1 else None) for one in halted]
        own = () if halted else trainings(folder, config)
        known = {one.check for one in seen} if folder is folders[0] else set()
        alone = folder.path.name if len(folders) > 1 else ""
        found += [replace(one, where=alone) for one in passed_over(folder.path) if one.check not in known]
        found += [replace(one, where=alone) for one in _unfinished(folder, own)]
        for training in own:
            epochs += len(training.rows)
            updates += len(training.rows) if isinstance(training, AgentTraining) else 0
            where = "" if len(folders) == 1 and training.name == "training" else f"{folder.path.name} {training.name}"
            looked = market is not None and folder is folders[0]
            symptoms = _checked(training, seen if looked else ()).symptoms()
            told = [_with_commands(finding, folder) for finding in symptoms]
            found += [replace(_not_again(finding) if looked else finding, where=where) for finding in told]
            every.setdefault(key, []).append((folder, training))
    found += _members(every) + (_seeds(every, campaign=len(runs) < len(folders)) if len(folders) > 1 else [])
    return Diagnosis(
        tuple(str(folder.path) for folder in folders), epochs, tuple(sorted((*found, *seen), key=_remark)), updates
    )


def _remark(finding: Finding) -> bool:
    return finding.level == "info"


def _runs_of(path: Path) -> list[Path]:
    """The run itself, or the runs of a campaign.

    Raises:
        DataError: neither.
    """
    if (path / "campaign.json").is_file() or ((path / "runs").is_dir() and not (path / "run.json").is_file()):
        inside = sorted(place.parent for place in path.glob("runs/*/run.json"))
        if inside:
            return inside
    RunFolder(path).state()
    return [path]


def _before_training(finding: Finding, folder: RunFolder | None) -> Finding:
    """A check that stopped the run, as a symptom: there are no epochs to look at."""
    claim = f"stopped before training by {finding.check}: {finding.claim}"
    return replace(finding, claim=claim, where=folder.path.name if folder else "")


def _unfinished(folder: RunFolder, own: Sequence[Training | AgentTraining]) -> list[Finding]:
    """That a run has not come to its end, and how it goes on; a remark, for it may be running."""
    if folder.trained or not own or any(one.known.failed for one in own):
        return []
    agent = next((one for one in own if isinstance(one, AgentTraining)), None)
    done, word = len((agent or own[-1]).rows), "updates" if agent else "epochs"
    planned = f" of {agent.known.updates}" if agent and agent.known.updates else ""
    claim = f"unfinished: {done}{planned} {word} are on disk, and no verdict"
    words = [_train(folder), _word(folder.asked_place), f"--out {_word(folder.path)}", *_workspace(folder)]
    fix = f"if it no longer runs, the same command takes it up where it stopped: {' '.join(words)}"
    evidence = {"measured": done, "threshold": agent.known.updates if agent else None, "causes": []}
    return [Finding("doctor.unfinished", "info", claim, evidence, remedy=fix)]


def _checked(training: Training | AgentTraining, seen: Sequence[Finding]) -> Training | AgentTraining:
    """With what the checks of its model say."""
    if isinstance(training, AgentTraining):
        return training
    return replace(training, known=replace(training.known, checked=tuple(seen)))


def _members(every: Mapping[str, Sequence[tuple[RunFolder, Training | AgentTraining]]]) -> list[Finding]:
    """What the members of each population of agents say of each other."""
    found = []
    for entries in every.values():
        for folder in dict.fromkeys(one for one, _ in entries):
            own = [one for other, one in entries if other is folder and isinstance(one, AgentTraining)]
            for name in dict.fromkeys(one.name.rpartition(" ")[0] for one in own):
                tables = [one for one in own if name and one.name.rpartition(" ")[0] == name]
                found += _agents_apart(folder, tables, where=f"{len(tables)} members")
    return found


def _agents_apart(folder: RunFolder, trainings: Sequence[AgentTraining], *, where: str) -> list[Finding]:
    if len(trainings) < 2 or any(one.known.failed for one in trainings):
        return []
    symptoms = diagnose_agent_seeds([one.rows for one in trainings], known=trainings[0].known)
    return [replace(_with_commands(finding, folder), where=where) for finding in symptoms]


def _seeds(
    every: Mapping[str, Sequence[tuple[RunFolder, Training | AgentTraining]]], *, campaign: bool
) -> list[Finding]:
    """What runs of one config and several seeds say of each other.

    Raises:
        OptionError: the runs differ in more than their seed.
    """
    if len(every) > 1 and not campaign:
        raise OptionError("these runs differ in more than their seed; give those of one config, or one run at a time")
    found = []
    for entries in every.values():
        agents = [one for _, one in entries if isinstance(one, AgentTraining) and one.name == "training"]
        found += _agents_apart(entries[0][0], agents, where=f"{len(agents)} seeds")
        single = [(f, one) for f, one in entries if isinstance(one, Training) and one.name == "training" and one.rows]
        nothing = [one.known.nothing for _, one in single]
        if len(single) > 1 and nothing[0] is not None:
            folder, first = single[0]
            symptoms = diagnose_seeds([one.rows for _, one in single], prior=nothing[0], known=first.known)
            found += [replace(_with_commands(finding, folder), where=f"{len(single)} seeds") for finding in symptoms]
    return found


def trainings(folder: RunFolder, config: RunConfig | None = None) -> Sequence[Training | AgentTraining]:
    """Every training that left something in a run's folder, in the order of its folds.

    Raises:
        OptionError: none has.
    """
    settings = config or folder.config()
    places = sorted({path.parent for name in (LAST, FAILED) for path in folder.checkpoints.rglob(name)})
    if settings.has_agent:
        seen = [_training(place, folder, settings) for place in places if is_encoder(place)]
        return [*agent_trainings(folder, settings, encoders=len(seen)), *seen]
    found = [_training(place, folder, settings) for place in places]
    if not found and (folder.path / "history.parquet").exists():
        rows = [dict(row) for row in folder.table("history").iter_rows(named=True)]
        found = [Training("training", rows, _settings(settings))]
    if not found:
        raise OptionError(f"{folder.path}: no epoch is finished yet and nothing has failed; look again later")
    return found


def _training(place: Path, folder: RunFolder, config: RunConfig) -> Training:
    name = "training" if place == folder.checkpoints else str(place.relative_to(folder.checkpoints))
    failed = read_json(place / FAILED) if (place / FAILED).is_file() else {}
    known = replace(_settings(config), failed=failed)
    if not (place / LAST).is_file():
        return Training(name, [], _with_facts(known, failed.get("facts", {}), config))
    arrays, header, _ = read_container(place / LAST)
    known = _with_facts(known, header.get("facts", {}), config)
    known = replace(known, ended=header["memory"]["ended"])
    weights = below("model.", arrays)
    known = replace(known, parameters=sum(array.size for array in weights.values()))
    if known.descends and header.get("facts") and header["identity"]["start"] is None:
        seen = compared(header["identity"], header["facts"]["shape"], weights)
        known = known if seen is None else replace(known, moved=seen.moved, dead=seen.dead)
    return Training(name, list(header["memory"]["history"]), known)


def _settings(config: RunConfig) -> Known:
    """What the config says."""
    train, model = config.train, config.model.model_dump()
    descends = not hasattr(config.model, "fit_trees")
    return Known(
        lr=train.lr if descends else None,
        clip_norm=train.clip_norm,
        weight_decay=train.weight_decay,
        dropout=model.get("dropout"),
        batch_size=train.batch_size if isinstance(train.batch_size, int) else None,
        descends=descends,
    )


def _with_facts(known: Known, facts: Mapping[str, Any], config: RunConfig) -> Known:
    """And what the training knew of its samples; the prior where the loss is plain cross-entropy."""
    if not facts:
        return known
    share, other = (min(max(facts["positives"][part], 1e-9), 1 - 1e-9) for part in ("train", "validation"))
    loss = config.loss.model_dump()
    plain = loss["name"] == "bce" and not loss.get("label_smoothing")
    return replace(
        known,
        prior=_cross(share, share) if plain else None,
        validation_prior=_cross(other, share),
        inputs=facts["inputs"],
        samples=facts["samples"]["train"],
        validation_samples=facts["samples"]["validation"],
        batch_size=facts["batch_size"] or None,
    )


def _cross(true: float, said: float) -> float:
    """Cross-entropy in nats of always saying `said` where the share is `true`."""
    return -(true * log(said) + (1 - true) * log(1 - said))


def _with_commands(finding: Finding, folder: RunFolder) -> Finding:
    """Each cause with the command that tests its fix: the same run with the change, in a folder of its own."""
    causes = [cause | {"command": _command(cause, folder)} for cause in finding.evidence.get("causes", [])]
    return replace(finding, evidence={**finding.evidence, "causes": causes})


def _not_again(finding: Finding) -> Finding:
    """What the look that was just taken did not show is not to be looked for by the same command."""
    causes = [
        cause | {"because": cause["because"] or UNSEEN, "command": ""}
        if str(cause["command"]).startswith(LOOK)
        else cause
        for cause in finding.evidence["causes"]
    ]
    return replace(finding, evidence={**finding.evidence, "causes": causes})


def _command(cause: Mapping[str, Any], folder: RunFolder) -> str:
    agent = folder.config().has_agent
    if cause["change"]:
        known = _keys(folder.config())
        change = [word for word in cause["change"] if word.partition("=")[0] in known]
        out = folder.path.with_name(f"{folder.path.name}-{cause['name'].split()[-1]}")
        words = [
            _train(folder),
            _word(folder.path / "config.yaml"),
            f"--out {_word(out)}",
            *_workspace(folder),
        ]
        return " ".join([*words, *change])
    if cause["group"] == "data pipeline" and folder.config().market:
        return f"edgeproof market check {_word(Path(folder.config().market or ''))}"
    if agent:
        return f"edgeproof rl probe {_word(folder.path / 'config.yaml')}"
    if hasattr(folder.config().model, "fit_trees"):
        return ""
    return f"{LOOK} {_word(folder.path)} --market {_word(Path(folder.config().market or ''))}"


def _train(folder: RunFolder) -> str:
    return "edgeproof rl train" if folder.config().has_agent else "edgeproof run"


def _workspace(folder: RunFolder) -> list[str]:
    """Named where the market's own would not be the run's."""
    own, market = Path(folder.state()["identity"]["workspace"]), folder.config().market
    return [] if market and find_workspace(None, Path(market)) == own else [f"--workspace {_word(own)}"]


def _keys(config: RunConfig) -> set[str]:
    parts = ("agent", "environment", "environment.reward") if config.has_agent else ("train", "model")
    parts = (*parts, "train", "model") if config.has_eyes else parts
    return {f"{part}.{name}" for part in parts for name in type(attrgetter(part)(config)).model_fields}


def _word(path: Path) -> str:
    return quote(str(path))
