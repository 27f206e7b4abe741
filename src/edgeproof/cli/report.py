"""`edgeproof report`: the page of what a folder holds."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["report"]


def report(
    folder: Annotated[
        Path,
        typer.Argument(
            help="Folder of a finished or stopped run, a search, campaign, sweep, comparison, or of a market."
        ),
    ],
    page: Annotated[
        str | None,
        typer.Option(help="Of a run only: verdict, backtest, training, data or gates; else the whole report."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The HTML file, or a folder for it; else in the folder. Its JSON lies beside it."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Of a market: a run's YAML config; the samples that it makes are shown, too.")
    ] = None,
    workspace: Annotated[Path | None, typer.Option(help="Of a market: folder whose ledger holds its seal.")] = None,
) -> None:
    """Write a page: one file that needs no network. Of a market it shows open bars only, and a first look seals it."""
    from edgeproof.recipe.pages import write_page

    typer.echo(f"wrote {write_page(folder, page=page, out=out, config=config, workspace=workspace)}")
