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
from edgeproof.report.number import DASH, clip, get, humanise, show
from edgeproof.report.page import fragment
from edgeproof.report.part import Stat
from edgeproof.report.verdict import ANSWERS, GUARDS, answer_sentence, guard_outcome, key_figures, would_change

__all__ = ["print_demo", "print_figures", "print_findings", "print_verdict", "verdict_html"]

COLOURS = {"edge": "green", "no_edge": "red", "inconclusive": "yellow"}
PAGE_COLOURS = {"edge": "#1e7a58", "no_edge": "#a8483c", "inconclusive": "#8a6412"}
SIGNS = {"passed": ("✓", "green"), "failed": ("✗", "red"), "unbuilt": ("·", "dim"), "open": ("·", "dim")}
LEVEL_COLOURS = {"error": "red", "warning": "yellow", "info": "dim"}
MOST_FINDINGS = 12
WIDE = 100
ROOMY = 72


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


def _guard_rows(verdict: Mapping[str, Any], *, notes: bool) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim")
    for name, (title, _, _) in GUARDS.items():
        outcome = guard_outcome(verdict, name)
        sign, colour = SIGNS[outcome["state"]]
        value = "" if outcome["value"] == DASH else clip(outcome["value"], 16)
        words = outcome["required"] if outcome["required"] and value else outcome["label"]
        if notes and outcome["state"] != "passed" and outcome["text"]:
            words = clip(outcome["text"], 160)
        table.add_row(Text(sign, style=colour), title if notes else name, Text(value), Text(words))
    return table


def _body(verdict: Mapping[str, Any], *, notes: bool, changes: bool) -> Group:
    parts: list[RenderableType] = [
        Text(answer_sentence(verdict)),
        Text(""),
        _figure_rows(key_figures(verdict), notes=notes),
        Text(""),
        _guard_rows(verdict, notes=notes),
    ]
    said = would_change(verdict) if changes else []
    if said:
        head = "How firm it is" if _answer(verdict) == "edge" else "What would change it"
        parts += [Text(""), Text(head, style="bold"), *(Text(f"- {item}") for item in said)]
    return Group(*parts)


def _panel(
    verdict: Mapping[str, Any], *, title: str = "", notes: bool = False, changes: bool = False, width: int | None = None
) -> Panel:
    answer = _answer(verdict)
    colour = COLOURS[answer]
    head = Text(f"{title}: " if title else "", style="default")
    head.append(ANSWERS[answer].upper(), style=f"bold {colour}")
    body = _body(verdict, notes=notes, changes=changes)
    return Panel(body, title=head, title_align="left", border_style=colour, padding=(1, 2), width=width)


def _where(console: Console, report: Path | str | None) -> None:
    if report is not None:
        console.print(Text(f"Report: {report}"), soft_wrap=True)


def print_verdict(verdict: Mapping[str, Any], console: Console, *, report: Path | str | None = None) -> None:
    """The answer, its figures, every guard, what would change it, and where the report lies."""
    console.print(_panel(verdict, notes=console.width >= ROOMY, changes=True))
    _where(console, report)


def print_demo(
    planted: Mapping[str, Any], noise: Mapping[str, Any], console: Console, *, report: Path | str | None = None
) -> None:
    """Both verdicts of the demo side by side (one above the other on a narrow terminal)."""
    from edgeproof.report.demo import ABSURD

    pair = (("Planted edge", planted), ("Pure noise", noise))
    if console.width >= WIDE:
        width = console.width // 2 - 1
        panels = [_panel(verdict, title=name, width=width) for name, verdict in pair]
        console.print(Columns(panels, padding=(0, 1), equal=True))
    else:
        for name, verdict in pair:
            console.print(_panel(verdict, title=name))
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


def _flat(body: Mapping[str, Any], above: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, value in body.items():
        name = f"{above}{clip(key, 40)}"
        if isinstance(value, Mapping):
            rows += _flat(value, f"{name}.")
        elif not isinstance(value, list | tuple):
            rows.append((name, show(value)))
    return rows


def print_figures(figures: Mapping[str, Any], console: Console) -> None:
    """Any mapping of figures as an aligned list, nested names joined by dots; lists are left to `--json`."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(justify="right")
    for name, text in _flat(figures):
        table.add_row(Text(humanise(name)), Text(text))
    console.print(table)


def verdict_html(verdict: Mapping[str, Any]) -> str:
    """A small HTML fragment of a verdict for notebooks (`_repr_html_`)."""
    answer = _answer(verdict)
    states = [guard_outcome(verdict, name) for name in GUARDS]
    counts = [f"{sum(item['state'] == state for item in states)} {word}" for state, word in _WORDS.items()]
    return fragment(
        "verdict.html.j2",
        answer=ANSWERS[answer],
        code=answer,
        colour=PAGE_COLOURS[answer],
        sentence=answer_sentence(verdict),
        stats=key_figures(verdict),
        guards=", ".join(count for count in counts if not count.startswith("0 ")),
    )


_WORDS = {"passed": "passed", "failed": "failed", "open": "after opening", "unbuilt": "not built yet"}
