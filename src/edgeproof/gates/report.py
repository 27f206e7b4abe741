"""What the checks of a model say, as one answer: printed, shown in a notebook, or as data."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

from edgeproof.core.finding import Finding, Level, failed, passed, worst
from edgeproof.core.sketch import plots_of, sketch

__all__ = ["Checked", "failed", "passed"]

STEP_NEXT = (
    "If training fails all the same, look at its step:\n"
    "edgeproof.check_training(model, loss, loader, optimiser=make_optimiser, step=one_step)"
)
MARKS: dict[Level, str] = {"info": "ok  ", "warning": "look", "error": "STOP"}
COLOURS: dict[Level, str] = {"info": "#1e7a58", "warning": "#8a6412", "error": "#a8483c"}


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
            lines.append(f"{MARKS[finding.level]}  {finding.check:24} {finding.claim}")
            if finding.level != "info":
                lines.append(f"{'':32}fix: {finding.remedy}")
        return "\n".join([*lines, *self._next()])

    def _next(self) -> list[str]:
        """Where to look on, when a model was looked at and nothing is wrong with it."""
        looked = any(finding.check.startswith("capacity.") for finding in self.findings)
        said = "No required check failed; `look` is to be looked at." if self.failures else "Model, loss and data pass."
        return ["", f"{said} {STEP_NEXT}"] if looked and self.ok else []

    def _repr_html_(self) -> str:
        wrong = "".join(_html(finding, open_=True) for finding in self.failures)
        right = [finding for finding in self.findings if finding.level == "info"]
        inner = "".join(_html(finding, open_=False) for finding in right)
        told = f"{len(right)} of {len(self.findings)} checks passed"
        return f"{wrong}<details><summary>{told}</summary>{inner}</details>"


def _html(finding: Finding, *, open_: bool) -> str:
    """One check: its mark, what it saw, its fix, and its plots."""
    mark, colour = MARKS[finding.level].strip(), COLOURS[finding.level]
    fix = f"<br><b>fix</b> {escape(finding.remedy)}" if finding.level != "info" else ""
    plots = "".join(f'<div style="padding:.4em 0">{sketch(plot)}</div>' for plot in plots_of(finding.evidence))
    folded = f"<details><summary>plot</summary>{plots}</details>" if plots and not open_ else plots
    return (
        f'<div style="border-left:3px solid {colour};padding:.1em .8em;margin:.5em 0;max-width:44em">'
        f'<b style="color:{colour}">{mark}</b> <code>{escape(finding.check)}</code> {escape(finding.claim)}'
        f"{fix}{folded}</div>"
    )
