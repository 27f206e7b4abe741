"""What the doctor found, as plain data."""

from dataclasses import dataclass
from typing import Any

from edgeproof.core.finding import Finding
from edgeproof.verdict.ready import json_ready

__all__ = ["Diagnosis"]


@dataclass(frozen=True)
class Diagnosis:
    """What the doctor found.

    Attributes:
        runs: folders that were looked at.
        epochs: over all trainings; of an agent its updates.
        findings: a symptom each; its causes in `evidence["causes"]`, each with the `command` that tests its fix. Of
            level `info`: a remark, nothing wrong.
        updates: how many of the epochs are updates of agents.
    """

    runs: tuple[str, ...]
    epochs: int
    findings: tuple[Finding, ...]
    updates: int = 0

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        found = json_ready([finding.to_json() for finding in self.findings])
        return {"runs": list(self.runs), "epochs": self.epochs, "updates": self.updates, "findings": found}
