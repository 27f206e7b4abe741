"""`edgeproof template`: configs to start from."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app", "copy", "keys", "list_templates", "schema"]

app = typer.Typer(help="Configs to start from.", no_args_is_help=True)


@app.command("list")
def list_templates() -> None:
    """List the templates with their first line."""
    from edgeproof.recipe.templates import template_texts

    for name, text in template_texts().items():
        typer.echo(f"{name:20} {text.splitlines()[0].removeprefix('# ')}")


@app.command("copy")
def copy(
    name: Annotated[str, typer.Argument(help="Name of a template.")],
    out: Annotated[Path, typer.Option(help="File to write; refused if it is there.")],
) -> None:
    """Copy a template to a file of your own."""
    from edgeproof.core.errors import DataError
    from edgeproof.core.files import write_text
    from edgeproof.recipe.templates import template_text

    text = template_text(name)
    if out.exists():
        raise DataError(f"{out}: already there; choose another --out")
    write_text(out, text)
    typer.echo(f"wrote {out}")


@app.command("keys")
def keys() -> None:
    """Print every key of a config with its default and meaning, as Markdown."""
    from edgeproof.recipe.reference import reference

    typer.echo(reference(), nl=False)


@app.command("schema")
def schema(
    out: Annotated[Path | None, typer.Option(help="File to write; else it is printed.")] = None,
) -> None:
    """Write the JSON schema of a config, with which editors complete keys and mark mistakes."""
    import json

    from edgeproof.core.files import write_text
    from edgeproof.recipe.schema import config_schema

    text = json.dumps(config_schema(), indent=1) + "\n"
    if out is None:
        typer.echo(text, nl=False)
        return
    write_text(out, text)
    typer.echo(
        f"wrote {out}; begin a config beside it with: # yaml-language-server: $schema={out.name} "
        "(the path is relative to the config's folder)"
    )
