"""What the doctor found as compact text: a symptom, its causes from the most to the least likely, fix and command."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from edgeproof.gates.told import WEIGHTS

__all__ = ["print_diagnosis"]

COLOURS = {3: "red", 2: "yellow", 1: "cyan", 0: "dim"}


def print_diagnosis(body: Mapping[str, Any], console: Console) -> None:
    """Print what `edgeproof doctor` found.

    Args:
        body: of `Diagnosis.to_json`.
        console: where to.
    """
    where = f"{len(body['runs'])} run{'s' if len(body['runs']) > 1 else ''}, {_counted(body)}"
    wrong = [finding for finding in body["findings"] if finding["level"] != "info"]
    remarks = [finding for finding in body["findings"] if finding["level"] == "info"]
    said = f"{where}: {len(wrong)} found" if wrong else f"Nothing found wrong in {where}."
    console.print(Text(said, style="bold" if wrong else "green"))
    for finding in wrong + remarks:
        _finding(finding, console)


def _counted(body: Mapping[str, Any]) -> str:
    updates = body["updates"]
    counts = ((updates, "update"), (body["epochs"] - updates, "epoch"))
    told = [f"{count} finished {word}{'s' * (count != 1)}" for count, word in counts if count]
    return " and ".join(told) or "no finished epochs"


def _finding(finding: Mapping[str, Any], console: Console) -> None:
    console.print()
    place = f"{finding['where']}: " if finding["where"] else ""
    place = f"Remark: {place}" if finding["level"] == "info" else place
    console.print(Text(f"{place}{finding['claim']}", style="bold"))
    causes = finding["evidence"].get("causes", [])
    if not causes:
        console.print(Text(f"  fix  {finding['remedy']}"), soft_wrap=True)
    for number, cause in enumerate(causes, 1):
        line = Text(f"  {number}. {cause['name']} ")
        line.append(f"({cause['group']}; {WEIGHTS[cause['weight']]})", style=COLOURS[cause["weight"]])
        console.print(line)
        for title, text in (("why", cause["because"]), ("fix", cause["fix"]), ("try", cause.get("command", ""))):
            if text:
                console.print(Text(f"     {title}  {text}"), soft_wrap=title == "try")
