"""Splits of the open span: every one cut by time across all symbols, purged exactly, and proven."""

from edgeproof.core.config import Config
from edgeproof.samples.split.combinatorial import CombinatorialConfig
from edgeproof.samples.split.holdout import HoldoutConfig
from edgeproof.samples.split.kfold import KFoldConfig
from edgeproof.samples.split.walk import WalkForwardConfig

__all__ = ["SPLITS"]

SPLITS: dict[str, type[Config]] = {
    "holdout": HoldoutConfig,
    "walk_forward": WalkForwardConfig,
    "kfold": KFoldConfig,
    "cpcv": CombinatorialConfig,
}
