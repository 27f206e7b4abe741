"""A connection to MLflow that is tried before anything is trained, and tells nobody else that it is there."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from edgeproof.core.errors import ConfigError
from edgeproof.core.identity import sha_bytes
from edgeproof.train.loggers.scrub import scrub
from edgeproof.train.loggers.settings import MlflowConfig

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ["SQLITE", "VARIABLE", "Connection", "connect", "failures", "quiet", "reason", "tracking_uri"]

VARIABLE = "MLFLOW_TRACKING_URI"
SERVERS = ("http", "https")
SQLITE = "sqlite:///"
# What a user has set stays. No news to MLflow's makers; a server that is down is given up in seconds, not in minutes.
DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_DISABLE_AGENT_HINT": "1",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


@dataclass(frozen=True)
class Connection:
    """A client and the experiment that its runs stand in.

    Attributes:
        client: MLflow's.
        experiment: its id.
        sha: hash of the address, by which a run's folder knows the server again.
    """

    client: "MlflowClient"
    experiment: str
    sha: str


def tracking_uri(uri: str | None, workspace: Path) -> str:
    """The address: the config's, else the variable's, else a database in the workspace."""
    return uri or os.environ.get(VARIABLE) or f"{SQLITE}{(workspace / '.edgeproof' / 'mlflow.db').resolve()}"


@contextmanager
def quiet() -> Iterator[None]:
    """MLflow and what it imports warn of their own affairs; a caller that turns warnings into errors is not theirs."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def failures() -> tuple[type[Exception], ...]:
    """What a server or database that cannot be used raises."""
    with quiet():
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError
    return (MlflowException, SQLAlchemyError, OSError)


def connect(config: MlflowConfig, workspace: Path) -> Connection:
    """Reach the server or database and its experiment, which is made if it is not there.

    Raises:
        ConfigError: unknown scheme, not reachable, not writable, not allowed in, or a deleted experiment.
    """
    uri = tracking_uri(config.uri, Path(workspace))
    if not urlsplit(uri).scheme or urlsplit(uri).scheme == "file":
        raise ConfigError(
            f"tracking.uri: {scrub(uri)!r} is no address of a server or database; write http://host:5000 or "
            f"{SQLITE}folder/mlflow.db"
        )
    artifacts = _artifact_root(uri, Path(workspace))
    known = failures()
    try:
        with quiet():
            from mlflow import MlflowClient

            client = MlflowClient(uri, uri)
            experiment = _experiment(client, config.experiment, artifacts)
    except (*known, ImportError) as error:
        raise ConfigError(
            f"tracking.uri: {scrub(uri)} cannot be used ({reason(error)}); check the address and that it may be "
            "written, or leave tracking out"
        ) from error
    return Connection(client, experiment, sha_bytes(uri.encode()))


def reason(error: BaseException) -> str:
    """The first line of an error, without secrets, short enough to be read."""
    text = scrub(" ".join(str(error).split()) or type(error).__name__).replace(".;", ";").rstrip(".")
    return text if len(text) <= 160 else f"{text[:157]}..."


def _artifact_root(uri: str, workspace: Path) -> str | None:
    """Where artifacts lie: a server has its own place, a database has them beside it or in the workspace."""
    if urlsplit(uri).scheme in SERVERS or "://" not in uri:
        return None
    folder = workspace / ".edgeproof"
    if uri.startswith(SQLITE):
        folder = Path(uri.removeprefix(SQLITE)).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"tracking.uri: {scrub(str(folder))} cannot be made ({error.strerror}); choose another place"
            ) from error
    return str((folder / "mlartifacts").resolve())


def _experiment(client: "MlflowClient", name: str, artifacts: str | None) -> str:
    found = client.get_experiment_by_name(name)
    if found is None:
        from mlflow.exceptions import MlflowException

        try:
            return client.create_experiment(name, artifact_location=artifacts)
        except MlflowException:  # another process was first
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    if found.lifecycle_stage != "active":
        raise ConfigError(f"tracking.experiment: {name!r} is deleted there; restore it or choose another name")
    return found.experiment_id
