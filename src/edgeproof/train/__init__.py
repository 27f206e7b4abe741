"""Training: catalogs of losses, optimisers, schedules and averages; the loop, checkpoints, forecasts, bundles."""

from edgeproof.core.config import Config
from edgeproof.train.average import EmaConfig, NoAverageConfig, SwaConfig
from edgeproof.train.losses import BceConfig, FocalConfig, WeightedBceConfig
from edgeproof.train.optim import AdamConfig, AdamWConfig, SgdConfig
from edgeproof.train.schedule import ConstantConfig, CosineConfig, PlateauConfig, RestartsConfig, StepConfig

__all__ = ["AVERAGES", "LOSSES", "OPTIMISERS", "SCHEDULERS"]

LOSSES: dict[str, type[Config]] = {"bce": BceConfig, "weighted_bce": WeightedBceConfig, "focal": FocalConfig}
OPTIMISERS: dict[str, type[Config]] = {"adamw": AdamWConfig, "adam": AdamConfig, "sgd": SgdConfig}
SCHEDULERS: dict[str, type[Config]] = {
    "cosine": CosineConfig,
    "cosine_restarts": RestartsConfig,
    "step": StepConfig,
    "plateau": PlateauConfig,
    "none": ConstantConfig,
}
AVERAGES: dict[str, type[Config]] = {"none": NoAverageConfig, "swa": SwaConfig, "ema": EmaConfig}
