"""What a run's steps leave: checks with their evidence, what was skipped and why, trials and their outcome."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from edgeproof.core.files import read_json, write_json
from edgeproof.core.finding import Finding
from edgeproof.recipe.gates_config import GatesConfig
from edgeproof.verdict.ready import json_ready

__all__ = [
    "GATES",
    "Skipped",
    "Step",
    "StepName",
    "StepTrial",
    "gates_body",
    "passed_over",
    "stopped_by",
    "write_gates",
]

GATES = "gates.json"
StepName = Literal["data", "skeleton", "overfit", "regularise", "tune", "squeeze"]


@dataclass(frozen=True)
class Skipped:
    """A check that was not made, and why."""

    check: str
    why: str


@dataclass(frozen=True)
class StepTrial:
    """One training of a step, as its table shows it.

    Attributes:
        label: for people: `dropout 0.2`.
        trial: its id in the ledger.
        log_loss: on validation, of the kept epoch; None where it failed.
        gap: (validation - train) / (prior - train) of its log losses.
        net_sharpe: of its validation span after costs.
        chosen: whether the run goes on with it.
        why: it was chosen or left.
        behind: what it is a part of (the sweep, an ensemble); empty of a complete trial of its own.
    """

    label: str
    trial: str
    log_loss: float | None
    gap: float | None
    net_sharpe: float | None
    chosen: bool
    why: str
    behind: str = ""


@dataclass(frozen=True)
class Step:
    """One step of the recipe.

    Attributes:
        name: one of six.
        title: for people.
        seconds: that it took.
        checks: findings, those that saw nothing wrong included.
        skipped: checks that do not apply, or that wait for an earlier one.
        trials: trainings that it made, each a row of the ledger.
        said: its outcome in one sentence.
    """

    name: StepName
    title: str
    seconds: float
    checks: tuple[Finding, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    trials: tuple[StepTrial, ...] = ()
    said: str = ""

    @property
    def failures(self) -> list[Finding]:
        """Checks that saw something wrong, errors first."""
        wrong = [finding for finding in self.checks if finding.level != "info"]
        return sorted(wrong, key=lambda finding: finding.level != "error")

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return json_ready(asdict(self))


def gates_body(gates: GatesConfig, steps: Sequence[Step], *, stopped: str | None = None) -> dict[str, Any]:
    """The content of `gates.json`.

    Args:
        gates: of the run's config.
        steps: that were walked, in order.
        stopped: name of the check that stopped the run.
    """
    return {
        "profile": gates.profile,
        "gate": gates.mode,
        "stopped": stopped,
        "seconds": round(sum(step.seconds for step in steps), 3),
        "steps": [step.to_json() for step in steps],
    }


def write_gates(folder: Path, gates: GatesConfig, steps: Sequence[Step], *, stopped: str | None = None) -> None:
    """Write `gates.json` into a run's folder."""
    write_json(folder / GATES, gates_body(gates, steps, stopped=stopped))


def stopped_by(folder: Path) -> list[Finding]:
    """Checks that stopped a run before its training, the first to be mended first; empty where none did."""
    body = read_json(folder / GATES) if (folder / GATES).is_file() else {}
    name, steps = body.get("stopped"), body.get("steps", [])
    if not name:
        return []
    return sorted(_errors(steps), key=lambda finding: finding.check != name)


def passed_over(folder: Path) -> list[Finding]:
    """Checks that failed before a run that went on nevertheless (`--gate warn`), as its doctor tells them."""
    body = read_json(folder / GATES) if (folder / GATES).is_file() else {}
    wrong = [] if body.get("stopped") else _errors(body.get("steps", []))
    return [
        replace(one, claim=f"failed before training and was passed over: {one.check}: {one.claim}") for one in wrong
    ]


def _errors(steps: Sequence[dict[str, Any]]) -> list[Finding]:
    return [Finding.from_json(one) for step in steps for one in step["checks"] if one["level"] == "error"]
