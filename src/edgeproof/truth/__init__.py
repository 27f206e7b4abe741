"""What could be known: the best possible score on a known-truth market."""

from edgeproof.truth.oracle import OracleFigures, capture, oracle_figures
from edgeproof.truth.stated import Stated, stated_truth

__all__ = ["OracleFigures", "Stated", "capture", "oracle_figures", "stated_truth"]
