"""A run at MLflow as anyone's program logged it, read and never changed; it may still be running."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from edgeproof.core.errors import ConfigError, DataError
from edgeproof.train.loggers.connect import SQLITE, failures, quiet, reason
from edgeproof.train.loggers.scrub import scrub

__all__ = ["Recorded", "number_in", "read_recorded"]

CLIPPED = 1e308  # MLflow's databases hold infinity as the largest number there is


@dataclass(frozen=True)
class Recorded:
    """What a run logged.

    Attributes:
        run_id: at MLflow.
        name: of the run.
        status: `RUNNING`, `FINISHED`, `FAILED`, `KILLED`, `SCHEDULED`.
        source: the program that logged it, if MLflow knows it.
        params: as text.
        metrics: of each figure (step, value) in the order of logging; NaN where a value was not finite.
        tags: words about it.
    """

    run_id: str
    name: str
    status: str
    source: str
    params: Mapping[str, str]
    metrics: Mapping[str, Sequence[tuple[int, float]]]
    tags: Mapping[str, str] = field(default_factory=dict)


def read_recorded(uri: str, run_id: str) -> Recorded:
    """All figures and parameters of a run.

    Args:
        uri: a server (`http://host:5000`), a database (`sqlite:///mlflow.db`), or a folder of files (`mlruns`).
        run_id: of the run.

    Raises:
        ConfigError: the address cannot be used.
        DataError: there is no such run.
    """
    if uri.startswith(SQLITE) and not Path(uri.removeprefix(SQLITE)).is_file():
        raise ConfigError(f"no runs in {scrub(uri)}: no such database; give --uri, MLflow's address")
    known = failures()
    try:
        with quiet():
            from mlflow import MlflowClient

            if urlsplit(uri).scheme in ("", "file"):  # MLflow itself has left folders of files behind
                os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
            client = MlflowClient(uri, uri)
            client.search_experiments(max_results=1)
    except (*known, ImportError) as error:
        raise ConfigError(f"{scrub(uri)} cannot be used ({reason(error)}); give --uri, MLflow's address") from error
    try:
        with quiet():
            run = client.get_run(run_id)
            metrics = {key: _series(client.get_metric_history(run_id, key)) for key in sorted(run.data.metrics)}
    except known as error:
        raise DataError(f"mlflow:{run_id}: not in {scrub(uri)} ({reason(error)}); correct the id or --uri") from error
    source = run.data.tags.get("mlflow.source.name", "")
    name, data = run.info.run_name or run_id, run.data
    return Recorded(run_id, name, run.info.status, source, dict(data.params), metrics, dict(data.tags))


def _series(entries: Sequence) -> list[tuple[int, float]]:  # pyright: ignore[reportMissingTypeArgument] - MLflow's own
    ordered = sorted(entries, key=lambda entry: (entry.step, entry.timestamp))
    return [(entry.step, entry.value if abs(entry.value) < CLIPPED else math.nan) for entry in ordered]


def number_in(text: str) -> float | None:
    """The finite number that a logged parameter is; None where it is none."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
