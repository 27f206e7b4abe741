"""`edgeproof campaign`: several configs on equal data and an equal budget, compared in pairs."""

import json
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["campaign"]


def campaign(
    configs: Annotated[
        list[str],
        typer.Argument(help="Templates or YAML files, the first is the reference; key=value applies to all of them."),
    ],
    market: Annotated[Path, typer.Option(help="The market's folder; its sealed bars are not read.")] = Path("market"),
    out: Annotated[Path, typer.Option(help="Folder of the results; one that was interrupted goes on.")] = Path(
        "campaign"
    ),
    seeds: Annotated[int, typer.Option(help="Runs of each config, with its own seed and the next ones.")] = 3,
    workspace: Annotated[Path | None, typer.Option(help="Folder whose ledger counts the trials.")] = None,
    unequal: Annotated[bool, typer.Option("--unequal", help="Also where the configs' epochs differ.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print campaign.json instead of text.")] = False,
) -> None:
    """Run every config with every seed, and compare each with the first on the bars that all share.

    Exit status 0: done, whatever it found; 2: bad input; 3: interrupted, the same command resumes.
    """
    from edgeproof.core.progress import silent
    from edgeproof.recipe.campaign import campaign as run_campaign

    settings = {"write": silent} if as_json else {}
    found = run_campaign(
        [each for each in configs if "=" not in each],
        market,
        out=out,
        seeds=seeds,
        workspace=workspace,
        overrides=[each for each in configs if "=" in each],
        unequal=unequal,
        **settings,
    )
    if as_json:
        typer.echo(json.dumps(found.body, indent=2, ensure_ascii=False, allow_nan=False))
        return
    for line in found.lines():
        typer.echo(line)
    typer.echo(f"Report: {out / 'report.html'}")
