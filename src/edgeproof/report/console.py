"""A verdict, a demo, findings and figures as compact text, written to a Rich console that the caller passes in."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from edgeproof.core.finding import LEVELS, Finding
from edgeproof.report.number import DASH, clip, get
from edgeproof.report.page import fragment
from edgeproof.report.part import Stat
from edgeproof.report.paths import paths_words
from edgeproof.report.verdict import (
    ANSWERS,
    GUARDS,
    STATES,
    answer_sentence,
    guard_outcome,
    key_figures,
    notes,
    would_change,
)

__all__ = ["print_demo", "print_findings", "print_verdict", "verdict_html"]

COLOURS = {"edge": "green", "no_edge": "red", "inconclusive": "yellow"}
PAGE_COLOURS = {"edge": "#1e7a58", "no_edge": "#a8483c", "inconclusive": "#8a6412"}
SIGNS = {
    "passed": ("✓", "green"),
    "failed": ("✗", "red"),
    "open": ("·", "dim"),
    "unknown": ("?", "yellow"),
}
LEVEL_COLOURS = {"error": "red", "warning": "yellow", "info": "dim"}
MOST_FINDINGS = 12
WIDE = 120  # two panels side by side
TITLED = 52  # inner width that holds the guards' titles; below it their short names
NOTED = 64  # inner width that holds the figures' notes
MOST = 110  # longer lines are hard to read
FRAME = 6  # border and padding of a panel


def _answer(verdict: Mapping[str, Any]) -> str:
    answer = str(get(verdict, "verdict"))
    return answer if answer in ANSWERS else "inconclusive"


def _figure_rows(items: Sequence[Stat], *, notes: bool) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True, style="bold")
    table.add_column(style="dim")
    for item in items:
        table.add_row(item.label, item.value, item.note if notes else "")
    return table


def _guard_words(outcome: Mapping[str, str], *, roomy: bool) -> str:
    """What follows a guard's value: what is needed, else why there is none."""
    if outcome["required"] and outcome["value"] != DASH:
        return f"{'needs ' if roomy else ''}{outcome['required']}"
    return clip(outcome["text"], 160) if outcome["state"] in ("failed", "unknown") else outcome["label"]


def _guard_rows(verdict: Mapping[str, Any], *, inner: int) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim")
    for name, (title, _, _) in GUARDS.items():
        outcome = guard_outcome(verdict, name)
        sign, colour = SIGNS[outcome["state"]]
        value = "" if outcome["value"] == DASH else clip(outcome["value"], 16)
        words = Text(_guard_words(outcome, roomy=inner >= NOTED) or outcome["label"])
        table.add_row(Text(sign, style=colour), title if inner >= TITLED else name, Text(value), words)
    return table


def _body(verdict: Mapping[str, Any], *, inner: int, changes: bool) -> Group:
    parts: list[RenderableType] = [
        Text(answer_sentence(verdict)),
        Text(""),
        _figure_rows(key_figures(verdict), notes=inner >= NOTED),
        Text(""),
        _guard_rows(verdict, inner=inner),
    ]
    said = would_change(verdict) if changes else []
    if said:
        head = "How firm it is" if _answer(verdict) == "edge" else "What would change it"
        parts += [Text(""), Text(head, style="bold"), _bullets(said)]
    if changes and get(verdict, "paths"):
        parts += [Text(""), Text("Out of sample, decides nothing", style="bold"), Text(paths_words(verdict["paths"]))]
    if changes and notes(verdict):
        parts += [Text(""), *(Text(note, style="dim") for note in notes(verdict))]
    return Group(*parts)


def _bullets(items: Sequence[str]) -> Table:
    table = Table.grid(padding=(0, 1, 0, 0))
    for item in items:
        table.add_row("-", Text(item))
    return table


def _panel(verdict: Mapping[str, Any], *, width: int, title: str = "", changes: bool = False) -> Panel:
    answer = _answer(verdict)
    colour = COLOURS[answer]
    head = Text(f"{title}: " if title else "", style="default")
    head.append(ANSWERS[answer].upper(), style=f"bold {colour}")
    body = _body(verdict, inner=width - FRAME, changes=changes)
    return Panel(body, title=head, title_align="left", border_style=colour, padding=(1, 2), width=width)


def _where(console: Console, report: Path | str | None) -> None:
    if report is not None:
        console.print(Text(f"Report: {report}"), soft_wrap=True)


def print_verdict(verdict: Mapping[str, Any], console: Console, *, report: Path | str | None = None) -> None:
    """The answer, its figures, every guard, what would change it, and where the report lies."""
    console.print(_panel(verdict, width=min(console.width, MOST), changes=True))
    _where(console, report)


def print_demo(
    planted: Mapping[str, Any], noise: Mapping[str, Any], console: Console, *, report: Path | str | None = None
) -> None:
    """Both verdicts of the demo side by side (one above the other on a narrow terminal)."""
    from edgeproof.report.demo import ABSURD, outcome_words

    console.print(Text(outcome_words(planted, noise)))
    pair = (("Planted edge", planted), ("Pure noise", noise))
    if console.width >= WIDE:
        width = console.width // 2 - 1
        panels = [_panel(verdict, title=name, width=width) for name, verdict in pair]
        console.print(Columns(panels, padding=(0, 1), equal=True))
    else:
        for name, verdict in pair:
            console.print(_panel(verdict, title=name, width=console.width))
    console.print(Text(ABSURD))
    _where(console, report)


def print_findings(findings: Sequence[Finding], console: Console) -> None:
    """Findings, worst first; of many, the first few of each level and a count of the others."""
    if not findings:
        console.print(Text("The checks found nothing to report."))
        return
    for level in reversed(LEVELS):
        here = [item for item in findings if item.level == level]
        for item in here[:MOST_FINDINGS]:
            line = Text(f"{level:<8}", style=LEVEL_COLOURS[level])
            line.append(f"{clip(item.check, 40)}  ", style="bold")
            named = not item.where or item.claim.startswith(item.where)
            line.append("" if named else f"{clip(item.where, 60)}: ", style="default")
            line.append(clip(item.claim), style="default")
            console.print(line)
            if item.remedy and level != "info":
                console.print(Text(f"{'':<8}{clip(item.remedy)}", style="dim"))
        if len(here) > MOST_FINDINGS:
            console.print(Text(f"{'':<8}and {len(here) - MOST_FINDINGS} more of level {level} (--json shows all)"))


def verdict_html(verdict: Mapping[str, Any]) -> str:
    """A small HTML fragment of a verdict for notebooks (`_repr_html_`)."""
    answer = _answer(verdict)
    states = [guard_outcome(verdict, name) for name in GUARDS]
    counts = [f"{sum(item['state'] == state for item in states)} {word}" for state, word in STATES.items()]
    return fragment(
        "verdict.html.j2",
        answer=ANSWERS[answer],
        code=answer,
        colour=PAGE_COLOURS[answer],
        sentence=answer_sentence(verdict),
        stats=key_figures(verdict),
        guards=", ".join(count for count in counts if not count.startswith("0 ")),
    )
