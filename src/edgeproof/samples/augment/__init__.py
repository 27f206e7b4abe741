"""Augmentations: a plain catalog of what may be done to training bars before their features are built."""

from edgeproof.core.config import Config
from edgeproof.samples.augment.jitter import PriceJitterConfig, VolumeConfig
from edgeproof.samples.augment.mixing import RegimeMixingConfig
from edgeproof.samples.augment.shift import TimeShiftConfig

__all__ = ["AUGMENTATIONS"]

AUGMENTATIONS: dict[str, type[Config]] = {
    "price_jitter": PriceJitterConfig,
    "volume": VolumeConfig,
    "time_shift": TimeShiftConfig,
    "regime_mixing": RegimeMixingConfig,
}
