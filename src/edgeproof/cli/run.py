"""`edgeproof run`: one config on one market, to a verdict and a page."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["run"]


def run(
    config: Annotated[Path, typer.Argument(help="A YAML config; `edgeproof template copy` writes one.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(help="key=value, such as train.lr=1e-3 or model=mlp.")
    ] = None,
    market: Annotated[Path | None, typer.Option(help="The market's folder; else the config's `market`.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the run; an interrupted run there is resumed.")] = Path("run"),
    workspace: Annotated[Path | None, typer.Option(help="Folder whose ledger counts the trials.")] = None,
    open_sealed: Annotated[
        bool, typer.Option("--open-sealed", help="Open the sealed span: recorded, and each further one costs alpha.")
    ] = False,
    track: Annotated[
        bool, typer.Option("--track", help="Send the run to MLflow: `tracking.uri`, else a database in the workspace.")
    ] = False,
    profile: Annotated[
        str | None, typer.Option("--profile", help="How many steps are walked: quick, standard, full or none.")
    ] = None,
    gate: Annotated[
        str | None, typer.Option("--gate", help="What a failed check does before training: stop the run, or warn.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print verdict.json instead of text.")] = False,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Exit 0 whatever the verdict says.")] = False,
) -> None:
    """Train, account for costs, and judge.

    Exit status 0: edge; 1: no edge or inconclusive, or stopped by a check before training; 2: bad input;
    3: interrupted, the same command resumes.
    """
    from edgeproof.cli.answer import finish, stopped
    from edgeproof.core.errors import GateStopped, Interrupted
    from edgeproof.core.progress import silent

    flags = {"tracking.name": "mlflow" if track else None, "gates.profile": profile, "gates.mode": gate}
    asked = [f"{key}={value}" for key, value in flags.items() if value is not None]
    try:
        from edgeproof.recipe.run import run as run_recipe
        from edgeproof.recipe.run import to_terminal

        done = run_recipe(
            config,
            market,
            out=out,
            workspace=workspace,
            overrides=[*asked, *(overrides or [])],
            open_sealed=open_sealed,
            write=silent if as_json else to_terminal,
        )
    except GateStopped:
        if not (out / "gates.json").is_file():
            raise
        stopped(out, as_json=as_json)
    except Interrupted:
        if out.exists():
            raise
        raise Interrupted("interrupted before anything was kept; the same command begins anew") from None
    finish(done, as_json=as_json, exit_zero=exit_zero)
