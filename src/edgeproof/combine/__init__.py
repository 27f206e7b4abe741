"""Combining: ways to make one trained model out of one or several trainings, every one of them on record."""

from edgeproof.combine.continued import ContinuedConfig
from edgeproof.combine.distilled import DistilledConfig
from edgeproof.combine.members import MembersConfig
from edgeproof.combine.single import SingleConfig
from edgeproof.combine.starts import StartsConfig
from edgeproof.core.config import Config

__all__ = ["COMBINERS"]

COMBINERS: dict[str, type[Config]] = {
    "single": SingleConfig,
    "multi_start": StartsConfig,
    "ensemble": MembersConfig,
    "distilled": DistilledConfig,
    "continued": ContinuedConfig,
}
