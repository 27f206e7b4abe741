"""Where a training's figures go beside the ledger: nowhere, into lines of JSON in its folder, from there to MLflow."""

from edgeproof.core.config import Config
from edgeproof.train.loggers.settings import JsonlConfig, MlflowConfig, NoTrackingConfig

__all__ = ["TRACKERS"]

TRACKERS: dict[str, type[Config]] = {"none": NoTrackingConfig, "jsonl": JsonlConfig, "mlflow": MlflowConfig}
