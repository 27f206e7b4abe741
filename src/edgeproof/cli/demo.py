"""`edgeproof demo`: an edge that is found and noise that is refused, side by side."""

import json
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["demo"]


def demo(
    out: Annotated[
        Path, typer.Option(help="Folder for both markets, runs and the page; has a ledger of its own.")
    ] = Path("demo"),
    seed: Annotated[int, typer.Option(help="Seed of the planted market; the noise market's is a million higher.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="Print both verdicts as one JSON object.")] = False,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Exit 0 whatever the verdicts say.")] = False,
) -> None:
    """Run one config on a market with a planted edge and on pure noise. Exit status 0: it told them apart."""
    from edgeproof.core.progress import silent
    from edgeproof.recipe.demo import run_demo, told_apart

    settings = {"write": silent} if as_json else {}
    result = run_demo(out, seed=seed, **settings)
    if as_json:
        typer.echo(json.dumps(result.to_json(), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        from rich.console import Console

        from edgeproof.report.console import print_demo

        print_demo(result.planted, result.noise, Console(), report=result.report)
    if not told_apart(result) and not exit_zero:
        raise typer.Exit(1)
