"""What the checks of a model say, as one answer: printed, shown in a notebook, or as data."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

from edgeproof.core.finding import Finding, Level, failed, passed, worst

__all__ = ["Checked", "failed", "passed"]

MARKS: dict[Level, str] = {"info": "ok  ", "warning": "look", "error": "STOP"}


@dataclass(frozen=True)
class Checked:
    """The findings of all checks, in the order in which they were made: data, start, flow, loss, capacity.

    The first failure is the one to mend first: later ones often follow from it.
    """

    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether no check that is required has failed."""
        return worst(self.findings) != "error"

    @property
    def failures(self) -> list[Finding]:
        """What is not as it should be, worst first."""
        wrong = [finding for finding in self.findings if finding.level != "info"]
        return sorted(wrong, key=lambda finding: finding.level != "error")

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __getitem__(self, check: str) -> Finding:
        """The finding of a check by its name, such as `flow.gradients`."""
        return next(finding for finding in self.findings if finding.check == check)

    def to_json(self) -> list[dict[str, Any]]:
        """As plain data."""
        return [finding.to_json() for finding in self.findings]

    def __str__(self) -> str:
        lines = []
        for finding in self.findings:
            lines.append(f"{MARKS[finding.level]}  {finding.check:22} {finding.claim}")
            if finding.level != "info":
                lines.append(f"{'':30}fix: {finding.remedy}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [
            f"<tr><td>{MARKS[finding.level].strip()}</td><td><code>{escape(finding.check)}</code></td>"
            f"<td>{escape(finding.claim)}"
            + (f"<br><b>fix:</b> {escape(finding.remedy)}" if finding.level != "info" else "")
            + "</td></tr>"
            for finding in self.findings
        ]
        return f"<table>{''.join(rows)}</table>"
