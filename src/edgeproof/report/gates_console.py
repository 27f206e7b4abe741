"""The steps of a run as compact text: a line a step, and of a check that stopped it all that it takes to go on."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from edgeproof.core.sketch import plots_of
from edgeproof.report.gates import MARKS, measured_words, number_of, stopped_check, title_of, worst_mark
from edgeproof.report.number import clip, is_number, show

__all__ = ["print_gates", "spark"]

COLOURS = {"info": "green", "warning": "yellow", "error": "red"}
BLOCKS = "▁▂▃▄▅▆▇█"
WIDE, MOST, MOST_WARNINGS = 32, 110, 12
GO_ON = "the same command with --gate warn goes on past it; the finding then stands in the verdict"


def print_gates(
    gates: Mapping[str, Any], console: Console, *, run: Path | str | None = None, steps: bool = True
) -> None:
    """A line for each step, what each failed check saw, and of a stopped run how to go on.

    Args:
        gates: gates.json.
        console: where to.
        run: the run's folder, for the command that shows its page.
        steps: a line for each; without where they were told as they were walked.
    """
    found = stopped_check(gates)
    if steps:
        console.print(_steps(gates["steps"]))
    for step in gates["steps"]:
        wrong = [finding for finding in step["checks"] if finding["level"] != "info"]
        for finding in wrong[:MOST_WARNINGS]:
            if found is None or finding is not found[2]:
                console.print(_line(finding))
        if len(wrong) > MOST_WARNINGS:
            console.print(Text(f"and {len(wrong) - MOST_WARNINGS} more in step {number_of(step)}", style="dim"))
    if found is not None:
        console.print(_stopped(*found, run=run, width=min(console.width, MOST)))
    elif run is not None:
        console.print(Text(f"Evidence: edgeproof report {run} --page gates"), soft_wrap=True)


def _steps(steps: Sequence[Mapping[str, Any]]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for step in steps:
        level = worst_mark(step["checks"])
        checks = len(step["checks"])
        table.add_row(
            Text(str(number_of(step))),
            Text(title_of(step)),
            Text(MARKS[level] if checks else "", style=COLOURS[level]),
            Text(f"{checks} {'check' if checks == 1 else 'checks'}", style="dim"),
            Text(show(step.get("seconds"), "seconds"), style="dim"),
            Text(clip(step.get("said") or "", 200)),
        )
    return table


def _line(finding: Mapping[str, Any]) -> Group:
    """A check that failed without stopping anything: what it saw, and its fix."""
    head = Text(f"{MARKS[finding['level']]:<6}", style=COLOURS[finding["level"]])
    head.append(f"{clip(finding['check'], 60)}  ", style="bold")
    head.append(f"{_where(finding)}{clip(finding['claim'], 400)}", style="default")
    return Group(head, Text(f"{'':<6}fix  {clip(finding.get('remedy') or '', 400)}", style="dim"))


def _where(finding: Mapping[str, Any]) -> str:
    where = finding.get("where") or ""
    return f"{clip(where, 60)}: " if where and where not in finding["claim"] else ""


def _stopped(
    number: int, step: Mapping[str, Any], finding: Mapping[str, Any], *, run: Path | str | None, width: int
) -> Panel:
    rows = Table.grid(padding=(0, 2, 0, 0))
    rows.add_column(style="dim", no_wrap=True)
    rows.add_column(overflow="fold")
    command = (finding.get("evidence") or {}).get("command")
    said = [
        *measured_words(finding),
        *(("seen", drawn) for plot in _plots(finding) if (drawn := spark(plot))),
        ("fix", clip(finding.get("remedy") or "", 400)),
        ("test", command or "give the same command again"),
        *([("see", f"edgeproof report {run}")] if run is not None else []),
        ("or", GO_ON),
    ]
    for name, text in said:
        rows.add_row(Text(name), Text(text))
    claim = Text(f"{_where(finding)}{clip(finding['claim'], 400)}", style="bold")
    title = Text(f"Stopped at step {number}, {title_of(step)}: {clip(finding['check'], 60)}", style="bold red")
    return Panel(Group(claim, Text(""), rows), title=title, title_align="left", border_style="red", width=width)


def _plots(finding: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return plots_of(finding.get("evidence") or {})[:2]


def spark(plot: Mapping[str, Any]) -> str:
    """A line, histogram or strip as blocks: `▇▅▃▂▁ loss 0.7 to 0.01`; empty for bars and for a single value."""
    values = [float(value) for value in plot.get("y") or () if is_number(value)]
    if plot.get("kind") == "bars" or len(values) < 2:
        return ""
    wide = min(WIDE, len(values))
    parts = [values[len(values) * k // wide : len(values) * (k + 1) // wide] for k in range(wide)]
    means = [sum(part) / len(part) for part in parts]
    limit = [float(plot["threshold"])] if is_number(plot.get("threshold")) and plot.get("kind") == "line" else []
    low, high = min(*means, *limit), max(*means, *limit)
    step = (high - low) / (len(BLOCKS) - 1) or 1.0
    blocks = "".join(BLOCKS[round((mean - low) / step)] for mean in means)
    return f"{blocks}  {plot.get('title', '')}: {show(values[0])} to {show(values[-1])}"
