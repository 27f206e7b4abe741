"""`edgeproof evaluate`: a bundle's figures on a market's open bars."""

import json
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["evaluate"]


def evaluate(
    bundle: Annotated[Path, typer.Argument(help="A bundle, RUN/bundle.")],
    market: Annotated[Path, typer.Option(help="The market's folder.")],
    workspace: Annotated[Path | None, typer.Option(help="Folder whose ledger holds the seal.")] = None,
    open_sealed: Annotated[
        bool, typer.Option("--open-sealed", help="Read the sealed span too: recorded as an opening.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Forecast and trade with a finished model; bars it was trained on and sealed bars are left out."""
    from edgeproof.recipe.evaluate import evaluate_bundle

    figures = evaluate_bundle(bundle, market, workspace=workspace, open_sealed=open_sealed)
    if as_json:
        typer.echo(json.dumps(figures, indent=2, ensure_ascii=False, allow_nan=False))
        return
    from rich.console import Console

    from edgeproof.report.evaluated import print_evaluation

    print_evaluation(figures, Console())
