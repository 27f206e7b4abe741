"""`edgeproof sweep`: which learning rate, from short trainings at many."""

import json
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["sweep"]


def sweep(
    config: Annotated[Path, typer.Argument(help="A YAML config; `edgeproof template copy` writes one.")],
    overrides: Annotated[list[str] | None, typer.Argument(help="key=value, such as model=mlp.")] = None,
    market: Annotated[Path | None, typer.Option(help="The market's folder; else the config's `market`.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the sweep; an interrupted one there goes on.")] = Path("sweep"),
    points: Annotated[int, typer.Option(help="Rates between 1e-5 and 1e-1; each is a counted trial.")] = 20,
    epochs: Annotated[int | None, typer.Option(help="Epochs at each rate, of a model [2].")] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            help="Environment steps at each rate, of an agent (else a tenth of agent.total_steps, 10 updates or more)."
        ),
    ] = None,
    workspace: Annotated[Path | None, typer.Option(help="Folder whose ledger counts the trials.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print sweep.json instead of text.")] = False,
) -> None:
    """Train shortly at many learning rates, draw validation against the rate, and suggest one.

    Exit status 0: done; 2: bad input; 3: interrupted, the same command resumes.
    """
    from edgeproof.core.progress import silent
    from edgeproof.recipe.run import to_terminal
    from edgeproof.recipe.sweep import sweep as sweep_rates

    found = sweep_rates(
        config,
        market,
        out=out,
        workspace=workspace,
        overrides=overrides or [],
        points=points,
        epochs=epochs,
        steps=steps,
        write=silent if as_json else to_terminal,
    )
    if as_json:
        typer.echo(json.dumps(found.body, indent=2, ensure_ascii=False, allow_nan=False))
        return
    typer.echo(found.lines()[-1])  # progress has told every rate
    typer.echo(f"Sweep: {out / 'report.html'}")
