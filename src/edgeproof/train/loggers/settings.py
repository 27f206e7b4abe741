"""What is tracked and where to; the ledger counts every trial whatever stands here."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from edgeproof.core.config import Config

__all__ = ["JsonlConfig", "MlflowConfig", "NoTrackingConfig"]


class NoTrackingConfig(Config):
    """Nothing is tracked."""

    name: Literal["none"] = "none"


class JsonlConfig(Config):
    """Lines of JSON and small files in `RUN/tracking`."""

    name: Literal["jsonl"] = "jsonl"


def _without_password(uri: str | None) -> str | None:
    """A config is stored and shown; a password has no place in it."""
    if uri is not None and urlsplit(uri).password:
        raise ValueError(
            "a password here would be stored with the run; set MLFLOW_TRACKING_URI to the whole address and leave uri "
            "out, or give a server's by MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
        )
    return uri


class MlflowConfig(Config):
    """Lines of JSON in `RUN/tracking`, sent from there to MLflow in batches.

    Attributes:
        uri: of the tracking server (`http://host:5000`) or database (`sqlite:///folder/mlflow.db`); none: what the
            variable MLFLOW_TRACKING_URI says, else `.edgeproof/mlflow.db` in the workspace.
        experiment: name of the experiment that the runs stand in.
    """

    name: Literal["mlflow"] = "mlflow"
    uri: Annotated[str | None, AfterValidator(_without_password)] = None
    experiment: Annotated[str, Field(min_length=1, max_length=256)] = "edgeproof"
