"""A comparison as compact text: each run's figures on the shared bars, and each difference in a sentence."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from edgeproof.report.comparison import difference_words
from edgeproof.report.figures import SPAN_NAMES
from edgeproof.report.number import clip, get, show

__all__ = ["print_comparison"]

COLUMNS = {"total_return": "percent", "sharpe": "ratio", "max_drawdown": "percent"}


def print_comparison(body: Mapping[str, Any], console: Console, *, report: Path) -> None:
    """Print what `edgeproof compare` found.

    Args:
        body: of comparison.json.
        console: where to.
        report: the page.
    """
    for name, span in body["spans"].items():
        table = Table("run", "return", "Sharpe", "drawdown", box=None, header_style="bold", pad_edge=False)
        for column in table.columns[1:]:
            column.justify = "right"
        for run, figures in zip(body["runs"], span["figures"], strict=True):
            table.add_row(
                Text(clip(run["name"], 60)), *(show(get(figures, key), kind) for key, kind in COLUMNS.items())
            )
        console.print(Text(f"{SPAN_NAMES[name]}, {span['bars']:,} shared bars, net", style="bold"))
        console.print(table)
        for row in span["differences"]:
            console.print(Text(difference_words(row)))
        console.print()
    same = "the configs are equal" if not body["settings"] else ", ".join(row["key"] for row in body["settings"])
    console.print(Text(f"Settings that differ: {clip(same, 400)}"))
    console.print(Text(f"Report: {report}"))
