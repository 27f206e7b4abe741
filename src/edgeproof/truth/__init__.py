"""What could be known: the best possible score on a known-truth market, and the best policy after costs."""

from edgeproof.truth.figures import OracleFigures, capture, oracle_figures
from edgeproof.truth.optimum import Optimum, check_gain
from edgeproof.truth.oracle import Asked, is_stated, oracle_of
from edgeproof.truth.stated import Stated, stated_truth
from edgeproof.truth.trading import OPTIMUM_KINDS, MarketOptimum, PolicyFigures, evaluate_policy, market_optimum

__all__ = [
    "OPTIMUM_KINDS",
    "Asked",
    "MarketOptimum",
    "Optimum",
    "OracleFigures",
    "PolicyFigures",
    "Stated",
    "capture",
    "check_gain",
    "evaluate_policy",
    "is_stated",
    "market_optimum",
    "oracle_figures",
    "oracle_of",
    "stated_truth",
]
