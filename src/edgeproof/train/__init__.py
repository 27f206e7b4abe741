"""Training: catalogs of losses, optimisers and schedules; the loop, its checkpoints, forecasts and bundles."""

from edgeproof.core.config import Config
from edgeproof.train.losses import BceConfig, FocalConfig
from edgeproof.train.optim import AdamConfig, AdamWConfig, SgdConfig
from edgeproof.train.schedule import ConstantConfig, CosineConfig, PlateauConfig

__all__ = ["LOSSES", "OPTIMISERS", "SCHEDULERS"]

LOSSES: dict[str, type[Config]] = {"bce": BceConfig, "focal": FocalConfig}
OPTIMISERS: dict[str, type[Config]] = {"adamw": AdamWConfig, "adam": AdamConfig, "sgd": SgdConfig}
SCHEDULERS: dict[str, type[Config]] = {"cosine": CosineConfig, "plateau": PlateauConfig, "none": ConstantConfig}
