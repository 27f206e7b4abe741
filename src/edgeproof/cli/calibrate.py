"""`edgeproof calibrate`: how often the whole pipeline claims an edge where there is none."""

import json
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["calibrate"]


def calibrate(
    config: Annotated[Path, typer.Argument(help="A YAML config; `edgeproof template copy` writes one.")],
    overrides: Annotated[list[str] | None, typer.Argument(help="key=value, such as train.lr=1e-3.")] = None,
    market: Annotated[Path, typer.Option(help="The market's folder; its sealed bars are not read.")] = Path("market"),
    out: Annotated[Path, typer.Option(help="Folder of the results; one that was interrupted goes on.")] = Path(
        "calibration"
    ),
    surrogates: Annotated[int, typer.Option(help="How many surrogates; it stops once the answer is certain.")] = 100,
    kind: Annotated[str, typer.Option(help="sign_flip, or row_permutation as second opinion.")] = "sign_flip",
    workspace: Annotated[Path | None, typer.Option(help="Folder whose ledger holds the market's seal.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print calibration.json instead of text.")] = False,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Exit 0 also where the pipeline is flagged.")] = False,
) -> None:
    """Rerun the pipeline on surrogates of the market's open bars, in which nothing can be predicted.

    Exit status 0: its claims are no more than chance explains; 1: flagged; 2: bad input; 3: interrupted.
    """
    from edgeproof.core.progress import silent
    from edgeproof.recipe.calibrate import calibrate as calibrate_pipeline

    settings = {"write": silent} if as_json else {}
    found = calibrate_pipeline(
        config,
        market,
        out=out,
        surrogates=surrogates,
        kind=kind,
        workspace=workspace,
        overrides=overrides or [],
        **settings,
    )
    if as_json:
        typer.echo(json.dumps(found.to_json(), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        for line in found.lines():
            typer.echo(line)
        typer.echo(f"Results: {out / 'calibration.json'}")
    if found.flagged and not exit_zero:
        raise typer.Exit(1)
