"""`edgeproof tune`: search for the best config on one market; the best trial becomes a run."""

import json
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["tune"]


def tune(
    config: Annotated[Path | None, typer.Argument(help="A YAML config; or give --model or --agent.")] = None,
    overrides: Annotated[
        list[str] | None, typer.Argument(help="key=value for all trials; such a key is not varied.")
    ] = None,
    market: Annotated[Path | None, typer.Option(help="The market's folder; else the config's `market`.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the search; an interrupted one there goes on.")] = Path("search"),
    model: Annotated[str | None, typer.Option(help="Quick start: the template of this model is the config.")] = None,
    agent: Annotated[str | None, typer.Option(help="Quick start with an agent: ppo.")] = None,
    trials: Annotated[int | None, typer.Option(help="How many [150 for recurrent models, else 100].")] = None,
    timeout: Annotated[float | None, typer.Option(help="Seconds; the same command goes on later.")] = None,
    sampler: Annotated[str | None, typer.Option(help="tpe or random.")] = None,
    pruner: Annotated[str | None, typer.Option(help="median or none.")] = None,
    objective: Annotated[str | None, typer.Option(help="log_loss, f1_plus, auc, net_sharpe; or net_growth.")] = None,
    space: Annotated[
        list[str] | None,
        typer.Option(help="key=low:high, key=low:high:log or key={a,b,c}; may be given several times."),
    ] = None,
    only: Annotated[bool, typer.Option("--only", help="Vary the keys of --space alone.")] = False,
    seeds: Annotated[int | None, typer.Option(help="Further seeds that the winner is trained with [3].")] = None,
    storage: Annotated[str | None, typer.Option(help="URL of a database, or memory; else a file in --out.")] = None,
    study: Annotated[str | None, typer.Option(help="Name of the study in its storage; else that of --out.")] = None,
    workers: Annotated[int, typer.Option(help="Processes.")] = 1,
    workspace: Annotated[Path | None, typer.Option(help="Folder whose ledger counts the trials.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print study.json instead of text.")] = False,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Exit 0 whatever the verdict says.")] = False,
) -> None:
    """Search a space of configs; every trial is counted, and no sealed bar is read.

    Exit status 0: edge; 1: no edge or inconclusive; 2: bad input; 3: interrupted, the same command resumes.
    """
    from edgeproof.cli.answer import finish
    from edgeproof.core.progress import silent
    from edgeproof.recipe.run import to_terminal
    from edgeproof.recipe.tune import Means
    from edgeproof.recipe.tune import tune as search

    body, words = _config(config, {"model": model, "agent": agent}, overrides or [])
    chosen = {"trials": trials, "sampler": sampler, "pruner": pruner, "objective": objective, "seeds": seeds}
    chosen["only"] = "true" if only else None
    words += [f"tune.{name}={value}" for name, value in chosen.items() if value is not None]
    found = search(
        body,
        market,
        out=out,
        workspace=workspace,
        overrides=words,
        space=space or [],
        means=Means(timeout_seconds=timeout, workers=workers, storage=storage, study=study),
        write=silent if as_json else to_terminal,
    )
    if as_json:
        typer.echo(json.dumps(found.body, indent=2, ensure_ascii=False, allow_nan=False))
        if found.body["verdict"] != "edge" and not exit_zero:
            raise typer.Exit(1)
        return
    for line in found.lines():
        typer.echo(line)
    finish(found.run, as_json=False, exit_zero=exit_zero)


def _config(config: Path | None, quick: dict[str, str | None], overrides: list[str]) -> tuple[Path | dict, list[str]]:
    """The config and the overrides; the template of a model or an agent where there is no config."""
    from edgeproof.core.errors import ConfigError
    from edgeproof.recipe.templates import template_of

    asked = {kind: name for kind, name in quick.items() if name is not None}
    if len(asked) > 1:
        raise ConfigError("--model and --agent: give one of them; an agent takes the place of a model")
    if config is not None and "=" in str(config) and not config.exists():  # no config was given, but overrides
        config, overrides = None, [str(config), *overrides]
    if config is None and not asked:
        raise ConfigError("no config: give a YAML file, or --model mlp or --agent ppo for the template of one")
    if config is None:
        return template_of(**asked), overrides
    return config, [*(f"{kind}={name}" for kind, name in asked.items()), *overrides]
