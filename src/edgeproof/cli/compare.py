"""`edgeproof compare`: finished runs beside each other."""

import json
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["compare"]


def compare(
    runs: Annotated[
        list[Path], typer.Argument(help="Folders of finished runs; the others are compared with the first.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the page; an earlier comparison there is replaced.")] = Path(
        "comparison"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print comparison.json instead of text.")] = False,
) -> None:
    """Compare runs of one market on the bars that all of them traded, by paired differences with their intervals."""
    from edgeproof.recipe.compare import compare as compare_runs

    found = compare_runs(runs, out=out)
    if as_json:
        typer.echo(json.dumps(found.to_json(), indent=2, ensure_ascii=False, allow_nan=False))
        return
    from rich.console import Console

    from edgeproof.report.side_by_side import print_comparison

    print_comparison(found.body, Console(), report=found.report())
