"""`edgeproof doctor`: what is wrong with a training, why, and the command that tests it."""

import json
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["doctor"]


def doctor(
    runs: Annotated[
        list[str],
        typer.Argument(help="Folder of a run, running, finished or crashed; several seeds of one; a campaign."),
    ],
    market: Annotated[
        Path | None, typer.Option(help="The run's market: also check model, loss and samples on its open bars.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Name what is wrong with a training: symptom, causes by evidence, fix, and the command that tests it.

    Exit status 0: nothing found; 1: something is; 2: bad input.
    """
    from edgeproof.recipe.doctor import examine

    body = examine(runs, market=market).to_json()
    if as_json:
        typer.echo(json.dumps(body, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        from rich.console import Console

        from edgeproof.report.doctor import print_diagnosis

        print_diagnosis(body, Console())
    if body["findings"]:
        raise typer.Exit(1)
