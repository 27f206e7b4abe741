"""`edgeproof template`: configs to start from."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app", "copy", "list_templates"]

app = typer.Typer(help="Configs to start from.", no_args_is_help=True)


def _templates() -> dict[str, str]:
    from importlib.resources import files

    folder = files("edgeproof") / "templates"
    return {
        entry.name.removesuffix(".yaml"): entry.read_text(encoding="utf-8")
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".yaml")
    }


@app.command("list")
def list_templates() -> None:
    """List the templates with their first line."""
    for name, text in _templates().items():
        typer.echo(f"{name:20} {text.splitlines()[0].removeprefix('# ')}")


@app.command("copy")
def copy(
    name: Annotated[str, typer.Argument(help="Name of a template.")],
    out: Annotated[Path, typer.Option(help="File to write; refused if it is there.")],
) -> None:
    """Copy a template to a file of your own."""
    from edgeproof.core.catalog import nearest
    from edgeproof.core.errors import ConfigError, DataError
    from edgeproof.core.files import write_text

    templates = _templates()
    if name not in templates:
        raise ConfigError(f"unknown template {name!r}{nearest(name, templates)}")
    if out.exists():
        raise DataError(f"{out}: already there; choose another --out")
    write_text(out, templates[name])
    typer.echo(f"wrote {out}")
