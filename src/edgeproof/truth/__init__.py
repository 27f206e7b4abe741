"""What could be known: the best possible score on a known-truth market, and the best policy after costs."""

from edgeproof.truth.optimum import Optimum, check_gain
from edgeproof.truth.oracle import OracleFigures, capture, oracle_figures
from edgeproof.truth.stated import Stated, stated_truth
from edgeproof.truth.trading import OPTIMUM_KINDS, MarketOptimum, PolicyFigures, evaluate_policy, market_optimum

__all__ = [
    "OPTIMUM_KINDS",
    "MarketOptimum",
    "Optimum",
    "OracleFigures",
    "PolicyFigures",
    "Stated",
    "capture",
    "check_gain",
    "evaluate_policy",
    "market_optimum",
    "oracle_figures",
    "stated_truth",
]
