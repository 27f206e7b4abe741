"""`edgeproof doctor`: what is wrong with a training, why, and the command that tests it."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from edgeproof.core.errors import OptionError

__all__ = ["doctor"]


def doctor(
    runs: Annotated[
        list[str],
        typer.Argument(
            help="Folder of a run, running, finished or crashed; several seeds of one; a campaign; mlflow:RUN_ID."
        ),
    ],
    market: Annotated[
        Path | None, typer.Option(help="The run's market: also check model, loss and samples on its open bars.")
    ] = None,
    uri: Annotated[
        str | None, typer.Option(help="MLflow's address; else MLFLOW_TRACKING_URI, else mlflow.db or mlruns here.")
    ] = None,
    metric: Annotated[
        list[str] | None, typer.Option(help="What a figure is called at MLflow: train_loss=NAME, val_loss=NAME, ...")
    ] = None,
    prior: Annotated[
        float | None,
        typer.Option(help="Of an MLflow run: the loss of knowing nothing; 0.693 for two even classes, ln C for C."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Name what is wrong with a training: symptom, causes by evidence, fix, and the command that tests it.

    Exit status 0: nothing wrong, remarks at most; 1: something is; 2: bad input.
    """
    body = _examined(runs, market, uri, metric or [], prior)
    if as_json:
        typer.echo(json.dumps(body, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        from rich.console import Console

        from edgeproof.report.doctor import print_diagnosis

        print_diagnosis(body, Console())
    if any(finding["level"] != "info" for finding in body["findings"]):
        raise typer.Exit(1)


def _examined(
    runs: list[str], market: Path | None, uri: str | None, metric: list[str], prior: float | None
) -> dict[str, Any]:
    """Of folders, or of runs at MLflow.

    Raises:
        OptionError: both, or options that belong to the other.
    """
    told = [run.startswith("mlflow:") for run in runs]
    if not any(told):
        if uri or metric or prior is not None:
            raise OptionError("--uri, --metric and --prior belong to a run at MLflow: edgeproof doctor mlflow:RUN_ID")
        from edgeproof.recipe.doctor import examine

        return examine(runs, market=market).to_json()
    if market is not None or not all(told):
        raise OptionError(
            "runs at MLflow and folders are looked at one kind at a time, and those at MLflow without --market"
        )
    words = [word.partition("=") for word in metric]
    if not all(key and name for key, _, name in words):
        raise OptionError(f"--metric {' '.join(metric)}: write train_loss=NAME, the name at MLflow on the right")
    from edgeproof.recipe.foreign import examine_mlflow

    named = {key: name for key, _, name in words}
    return examine_mlflow(runs, uri=uri, metrics=named, prior=prior).to_json()
