"""Regimes: a plain catalog of rules that give every bar a market state by what was known at its close."""

from edgeproof.core.config import Config
from edgeproof.regimes.hidden import HiddenConfig
from edgeproof.regimes.regime import UNKNOWN, Regimes, market_index
from edgeproof.regimes.rules import RulesConfig

__all__ = ["REGIMES", "UNKNOWN", "HiddenConfig", "Regimes", "RulesConfig", "market_index"]

REGIMES: dict[str, type[Config]] = {"rules": RulesConfig, "hidden": HiddenConfig}
