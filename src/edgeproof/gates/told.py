"""Findings of the doctor as plain text: a symptom a paragraph, its causes from the most to the least likely."""

from collections.abc import Sequence

from edgeproof.core.finding import Finding

__all__ = ["WEIGHTS", "told"]

WEIGHTS = {3: "seen", 2: "strong", 1: "likely", 0: "possible"}


LOOK = (
    "What a table of epochs cannot tell apart, these two do: edgeproof.check_model(model, loss, loader), then\n"
    "edgeproof.check_training(model, loss, loader, optimiser=make_optimiser, step=one_step)."
)


def told(findings: Sequence[Finding], *, checked: bool = False) -> str:
    """What `diagnose` found, to be printed.

    Args:
        findings: of `diagnose`.
        checked: the model, its loss and its step were looked at already.
    """
    if not findings:
        return "Nothing found wrong."
    paragraphs = [_paragraph(finding) for finding in findings]
    return "\n\n".join([*paragraphs, *([LOOK] if not checked else [])])


def _paragraph(finding: Finding) -> str:
    lines = [f"{finding.where}: {finding.claim}" if finding.where else finding.claim]
    causes = finding.evidence.get("causes", [])
    if not causes:
        lines.append(f"  fix  {finding.remedy}")
    for number, cause in enumerate(causes, 1):
        lines.append(f"  {number}. {cause['name']} ({cause['group']}; {WEIGHTS[cause['weight']]})")
        parts = (("why", cause["because"]), ("fix", cause["fix"]), ("try", cause.get("command", "")))
        lines += [f"     {title}  {text}" for title, text in parts if text]
    return "\n".join(lines)
