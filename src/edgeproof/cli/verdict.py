"""`edgeproof verdict`: judge a finished run again, opening its sealed span if asked to."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["verdict"]


def verdict(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    open_sealed: Annotated[
        bool, typer.Option("--open-sealed", help="Open the sealed span: recorded, and each further one costs alpha.")
    ] = False,
    market: Annotated[Path | None, typer.Option(help="The market's folder, if it has moved since the run.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print verdict.json instead of text.")] = False,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Exit 0 whatever the verdict says.")] = False,
) -> None:
    """Judge a run with the trials counted until now. Exit status 0: edge; 1: no edge or inconclusive."""
    from edgeproof.cli.answer import finish
    from edgeproof.recipe.run import judge_again

    finish(judge_again(run, market=market, open_sealed=open_sealed), as_json=as_json, exit_zero=exit_zero)
