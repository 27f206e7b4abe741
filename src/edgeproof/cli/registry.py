"""`edgeproof registry`: finished bundles under a name at MLflow, with aliases and lineage."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from edgeproof.train.loggers.registry import Version

__all__ = ["add", "alias", "app", "get", "list_versions"]

app = typer.Typer(help="Bundles under a name at MLflow: add, list, alias, get.", no_args_is_help=True)
Uri = Annotated[str | None, typer.Option(help="MLflow's address; else MLFLOW_TRACKING_URI, else the workspace's.")]
Workspace = Annotated[
    Path | None, typer.Option(help="Folder of `.edgeproof/mlflow.db`; else the current or the one below.")
]


@app.command("add")
def add(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run that was tracked (`edgeproof run --track`).")],
    name: Annotated[str, typer.Option(help="The model's name.")],
    alias: Annotated[list[str] | None, typer.Option(help="Such as challenger; may be given several times.")] = None,
    uri: Uri = None,
) -> None:
    """Register a run's bundle as a version of a model, with its lineage."""
    from edgeproof.recipe.folder import RunFolder
    from edgeproof.recipe.registry import register_run

    version = register_run(run, name, aliases=alias or [], uri=uri)
    typer.echo(f"models:/{name}/{version.number}  bundle {version.tags['bundle_sha'][:12]}")
    typer.echo(f"workspace {RunFolder(run).state()['identity']['workspace']}")


@app.command("list")
def list_versions(
    name: Annotated[str | None, typer.Argument(help="One model; else all.")] = None,
    uri: Uri = None,
    workspace: Workspace = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """List the registered bundles."""
    from edgeproof.recipe.registry import open_registry
    from edgeproof.train.loggers.registry import versions
    from edgeproof.train.loggers.scrub import scrub

    registry = open_registry(uri, workspace)
    found = versions(registry, name)
    if as_json:
        typer.echo(json.dumps({"versions": [version.to_json() for version in found]}, indent=2, ensure_ascii=False))
        return
    if not found:
        typer.echo(f"no models{f' called {name}' if name else ''} in {scrub(registry.client.tracking_uri)}")
    for version in found:
        typer.echo(_line(version))


@app.command("alias")
def alias(
    name: Annotated[str, typer.Argument(help="The model's name.")],
    word: Annotated[str, typer.Argument(metavar="ALIAS", help="Such as champion.")],
    version: Annotated[int | None, typer.Option(help="The version that it shall mean; none: it is taken away.")] = None,
    uri: Uri = None,
    workspace: Workspace = None,
) -> None:
    """Point an alias at a version, or take it away."""
    from edgeproof.recipe.registry import open_registry
    from edgeproof.train.loggers.registry import alias as point

    point(open_registry(uri, workspace), name, word, version)
    typer.echo(f"models:/{name}@{word}" + (" is gone" if version is None else f" means version {version}"))


@app.command("get")
def get(
    address: Annotated[str, typer.Argument(help="models:/NAME@ALIAS or models:/NAME/VERSION.")],
    out: Annotated[Path, typer.Option(help="Folder to write; refused if it is there and not empty.")],
    uri: Uri = None,
    workspace: Workspace = None,
) -> None:
    """Write a registered bundle to a folder, checked against the hash under which it was registered."""
    from edgeproof.recipe.registry import open_registry
    from edgeproof.train.loggers.registry import fetch

    bundle = fetch(open_registry(uri, workspace), address, out)
    typer.echo(f"wrote {out}  bundle {bundle.sha[:12]}")


def _line(version: "Version") -> str:
    words = ", ".join(version.aliases) or "-"
    tags = version.tags
    return (
        f"{version.name}/{version.number}  {words:12}  {tags.get('model_type', '')}  "
        f"{tags.get('verdict', 'not judged')} on {tags.get('span', '-')}  bundle {tags.get('bundle_sha', '')[:12]}"
    )
