"""Policies: a plain catalog of rules that turn forecasts into positions; every threshold that one tries is a trial."""

from edgeproof.backtest.policies.bracket import BracketConfig
from edgeproof.backtest.policies.follow import FollowConfig
from edgeproof.backtest.policies.policy import Policy
from edgeproof.backtest.policies.proportional import ProportionalConfig
from edgeproof.backtest.policies.threshold import ThresholdConfig
from edgeproof.backtest.policies.top_k import TopKConfig
from edgeproof.core.config import Config

__all__ = ["POLICIES", "BracketConfig", "FollowConfig", "Policy", "ProportionalConfig", "ThresholdConfig", "TopKConfig"]

POLICIES: dict[str, type[Config]] = {
    "threshold": ThresholdConfig,
    "bracket": BracketConfig,
    "top_k": TopKConfig,
    "proportional": ProportionalConfig,
    "follow": FollowConfig,
}
