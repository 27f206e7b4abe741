"""`edgeproof rl`: train an agent, examine the learner on worlds with known answers, trade a finished agent."""

import json
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app", "evaluate", "probe", "train"]

app = typer.Typer(help="Agents that learn to trade by reinforcement.", no_args_is_help=True)


@app.command()
def train(
    config: Annotated[
        Path, typer.Argument(help="A YAML config with an agent; `template copy rl_training` writes one.")
    ],
    overrides: Annotated[list[str] | None, typer.Argument(help="key=value, such as agent.lr=1e-3.")] = None,
    market: Annotated[Path | None, typer.Option(help="The market's folder; else the config's `market`.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the run; an interrupted run there is resumed.")] = Path("run"),
    workspace: Annotated[Path | None, typer.Option(help="Folder whose ledger counts the trials.")] = None,
    open_sealed: Annotated[
        bool, typer.Option("--open-sealed", help="Open the sealed span: recorded, and each further one costs alpha.")
    ] = False,
    track: Annotated[bool, typer.Option("--track", help="Send the run to MLflow.")] = False,
    profile: Annotated[
        str | None, typer.Option("--profile", help="Which steps are walked before training: quick or none.")
    ] = None,
    gate: Annotated[
        str | None, typer.Option("--gate", help="What a failed check does before training: stop the run, or warn.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print verdict.json instead of text.")] = False,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Exit 0 whatever the verdict says.")] = False,
) -> None:
    """Train an agent, account for costs, and judge; the same road and exit status as `edgeproof run`."""
    from edgeproof.cli.run import run
    from edgeproof.core.errors import ConfigError
    from edgeproof.recipe.config import load_run_config

    if not load_run_config(config, overrides or [], like="rl_training").has_agent:
        raise ConfigError(f"{config}: no agent in it; add agent=ppo, or use `edgeproof run` for a model")
    run(
        config,
        overrides,
        market=market,
        out=out,
        workspace=workspace,
        open_sealed=open_sealed,
        track=track,
        profile=profile,
        gate=gate,
        as_json=as_json,
        exit_zero=exit_zero,
    )


@app.command()
def probe(
    config: Annotated[
        Path | None, typer.Argument(help="A YAML config whose agent's settings are examined; else small networks.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array instead of text.")] = False,
) -> None:
    """Examine the learner on worlds whose answers are known; exit status 1 if one of them is missed."""
    from edgeproof.core.device import set_threads
    from edgeproof.core.finding import worst
    from edgeproof.core.rng import Rng
    from edgeproof.recipe.probe import probed

    set_threads()
    found = probed(config, Rng(seed))
    if as_json:
        typer.echo(json.dumps([finding.to_json() for finding in found], indent=2, default=float))
    else:
        from edgeproof.gates.report import Checked

        typer.echo(str(Checked(tuple(found))))
    if worst(found) == "error":
        raise typer.Exit(1)


@app.command()
def evaluate(
    bundle: Annotated[Path, typer.Argument(help="An agent's bundle, RUN/bundle.")],
    market: Annotated[Path, typer.Option(help="The market's folder.")],
    workspace: Annotated[Path | None, typer.Option(help="Folder whose ledger holds the seal.")] = None,
    open_sealed: Annotated[
        bool, typer.Option("--open-sealed", help="Read the sealed span too: recorded as an opening.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Let a finished agent trade a market; bars it was trained on and sealed bars are left out."""
    from edgeproof.cli import evaluate as model
    from edgeproof.core.errors import BundleError
    from edgeproof.train.bundle import read_bundle

    if read_bundle(bundle).model_config.model_dump()["name"] != "actor":
        raise BundleError(f"{bundle}: no agent's bundle; `edgeproof evaluate` takes those of models")
    model.evaluate(bundle, market, workspace=workspace, open_sealed=open_sealed, as_json=as_json)
