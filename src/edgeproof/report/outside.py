"""Returns of another tool as compact text: the answer, its figures, and why it is no more than that."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from edgeproof.report.number import show

__all__ = ["print_outside"]

COLOURS = {"no_edge": "red", "inconclusive": "yellow"}
WIDE = 110
YEARS = {
    "continuous": "continuous, 365 days, as bars run through weekends",
    "sessions": "252 sessions, as hardly a bar falls on a weekend",
}
ROWS = (
    ("Net annual Sharpe", "sharpe", "ratio", "95% interval {sharpe_low:ratio} to {sharpe_high:ratio}"),
    ("Upper bound", "sharpe_bound", "ratio", "one-sided 95%; no edge if at most {smallest_sharpe:ratio}"),
    ("Detection limit", "detection_limit", "ratio", "what {bars:count} bars find in 80 of 100 cases"),
    ("p, one strategy", "p", "chance", "t of 14 blocks is {t:ratio}"),
    ("p, declared", "p_declared", "chance", "as the best of {declared_trials:count}"),
    ("p, among given", "p_max", "chance", "bootstrap over the given columns, the rest by Sidak"),
    ("Luck alone", "expected_maximum_sharpe", "ratio", "annual Sharpe of the best of {declared_trials:count} by luck"),
    ("PSR, DSR", "psr", "chance", "DSR {dsr:chance}; conventions, they never decide"),
    ("PBO", "pbo", "chance", "the chosen one loses out of sample in {probability_of_loss:percent} of splits"),
    ("Minimum track", "minimum_track_bars", "count", "bars after which PSR against 0 passes 95%; a convention"),
    ("Total return", "total_return", "percent", "{bars:count} bars, worst drawdown {max_drawdown:percent}"),
    ("Bars a year", "bars_per_year", "count", "{year}"),
    ("Bars needed", "bars_needed", "count", "to find this Sharpe ratio in 80 of 100 cases, were it the true one"),
)


def print_outside(body: Mapping[str, Any], console: Console) -> None:
    """Print what `edgeproof judge` found.

    Args:
        body: of `OutsideVerdict.to_json`.
        console: where to.
    """
    answer = body["verdict"]
    figures = {**body["figures"], "year": YEARS.get(body["figures"].get("calendar"), "")}
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True, style="bold")
    table.add_column(style="dim")
    for label, key, kind, note in ROWS:
        if figures.get(key) is not None:
            table.add_row(label, show(figures[key], kind), note.format_map(_Shown(figures)))
    said = Table.grid(padding=(0, 1, 0, 0))
    for reason in body["reasons"]:
        said.add_row("-", Text(reason))
    title = Text(f"{body['judged']}: ")
    title.append(answer.replace("_", " ").upper(), style=f"bold {COLOURS[answer]}")
    width = min(console.width, WIDE)
    panel = Panel(
        Group(table, Text(""), said), title=title, title_align="left", border_style=COLOURS[answer], width=width
    )
    console.print(panel)


class _Figure:
    """A figure that is written by its kind: `{sharpe:ratio}`."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __format__(self, kind: str) -> str:
        return show(self.value, kind or "plain")


class _Shown(dict[str, Any]):
    """Figures for a format text; what is not there is a dash."""

    def __missing__(self, key: str) -> _Figure:
        return _Figure(None)

    def __getitem__(self, key: str) -> _Figure:
        return _Figure(super().get(key))
