"""How a verdict, or what kept a run from one, is shown and turned into an exit status."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from edgeproof.core.ranks import leads

if TYPE_CHECKING:
    from edgeproof.recipe.run import Run

__all__ = ["finish", "stopped"]


def finish(run: "Run", *, as_json: bool, exit_zero: bool) -> None:
    """Show the verdict and leave with 0 for `edge`, 1 for anything else (0 with `exit_zero`).

    Of several processes the first alone shows it.
    """
    body = run.verdict
    if not leads():
        pass
    elif as_json:
        typer.echo(json.dumps(body, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        from rich.console import Console

        from edgeproof.report.console import print_verdict

        print_verdict(body, Console(), report=run.folder / "report.html")
        typer.echo(f"Ledger: {run.ledger}")
    if body["verdict"] != "edge" and not exit_zero:
        raise typer.Exit(1)


def stopped(folder: Path, *, as_json: bool) -> NoReturn:
    """Show what stopped a run before its training, and leave with 1."""
    from edgeproof.core.files import read_json

    body = read_json(folder / "gates.json")
    if as_json:
        typer.echo(json.dumps(body, indent=2, ensure_ascii=False, allow_nan=False))
    elif leads():
        from rich.console import Console

        from edgeproof.report.gates_console import print_gates

        print_gates(body, Console(stderr=True), run=folder, steps=False)
    raise typer.Exit(1)
