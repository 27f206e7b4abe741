"""Splits of the open span: every one cut by time across all symbols, purged exactly, and proven."""

from edgeproof.core.config import Config
from edgeproof.samples.split.holdout import HoldoutConfig

__all__ = ["SPLITS"]

SPLITS: dict[str, type[Config]] = {"holdout": HoldoutConfig}
