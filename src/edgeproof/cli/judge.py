"""`edgeproof judge`: the statistics for returns from any other tool."""

import json
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["judge"]


def judge(
    returns: Annotated[Path, typer.Argument(help="CSV: a time column, one column of net returns per bar a strategy.")],
    declared_trials: Annotated[int, typer.Option(help="Strategies tried until this one was kept, all of them.")],
    column: Annotated[str | None, typer.Option(help="The strategy to judge; else the best.")] = None,
    smallest_sharpe: Annotated[float | None, typer.Option(help="Smallest interesting net annual Sharpe ratio.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Exit 0 whatever the answer.")] = False,
) -> None:
    """Judge returns that another tool made: `no_edge` or `inconclusive`, since declared trials are not counted ones."""
    from edgeproof.recipe.outside import judge as judge_returns

    found = judge_returns(returns, declared_trials=declared_trials, column=column, smallest_sharpe=smallest_sharpe)
    if as_json:
        typer.echo(json.dumps(found.to_json(), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        from rich.console import Console

        from edgeproof.report.outside import print_outside

        print_outside(found.to_json(), Console())
    if not exit_zero:
        raise typer.Exit(1)
