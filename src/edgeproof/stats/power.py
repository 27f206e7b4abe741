"""What a test of a Sharpe ratio can find, and how often a finding is false: critical ratio, power, pFDR, oFDR.

Lopez de Prado, Lipton & Zoonekynd (2025), "How to Use the Sharpe Ratio", ADIA Lab 19: the variance is taken at the
hypothesis, with divisor T. Ratios are per period.
"""

# T periods

import math
from typing import cast

from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from edgeproof.stats.sharpe import NORMAL, Law, standard_error

__all__ = ["critical_sharpe", "level_for_fdr", "observed_fdr", "planned_fdr", "power"]


def critical_sharpe(periods: int, law: Law = NORMAL, *, benchmark: float = 0.0, level: float = 0.05) -> float | None:
    """Ratio from which SR = SR* is rejected: SR* + Z(1 - level) sd(SR*)."""
    error = standard_error(benchmark, periods, law)
    return None if error is None else benchmark - float(ndtri(level)) * error


def power(
    periods: int, alternative: float, law: Law = NORMAL, *, benchmark: float = 0.0, level: float = 0.05
) -> float | None:
    """Chance of rejecting SR = SR* where the true ratio is SR1: 1 - Phi((SR_critical - SR1)/sd(SR1))."""
    critical = critical_sharpe(periods, law, benchmark=benchmark, level=level)
    error = standard_error(alternative, periods, law)
    return None if critical is None or error is None else float(ndtr((alternative - critical) / error))


def planned_fdr(level: float, power: float, prior: float) -> float | None:
    """Share of false findings among all, before looking: 1/(1 + power p1/(level p0)), p1 the prior of an edge.

    Storey (2003), Annals of Statistics 31. None where nothing can be found.
    """
    false, true = level * (1 - prior), power * prior
    return false / (false + true) if 0 < false + true < math.inf else None


def observed_fdr(
    sharpe: float, periods: int, alternative: float, law: Law = NORMAL, *, prior: float, benchmark: float = 0.0
) -> float | None:
    """The same for one observed ratio: p0 P0/(p0 P0 + p1 P1) with the tails P of SR under SR* and SR1."""
    null, true = standard_error(benchmark, periods, law), standard_error(alternative, periods, law)
    if null is None or true is None or not math.isfinite(sharpe):
        return None
    return planned_fdr(float(ndtr((benchmark - sharpe) / null)), float(ndtr((alternative - sharpe) / true)), prior)


def level_for_fdr(
    rate: float, periods: int, alternative: float, law: Law = NORMAL, *, prior: float, benchmark: float = 0.0
) -> float | None:
    """Level at which the planned share of false findings is `rate`; None where no level between 1e-12 and 1 does it."""

    def excess(log_level: float) -> float:
        level = math.exp(log_level)
        found = power(periods, alternative, law, benchmark=benchmark, level=level)
        return math.nan if found is None else (planned_fdr(level, found, prior) or 0.0) - rate

    low, high = math.log(1e-12), math.log(1 - 1e-12)
    if not excess(low) < 0 < excess(high):
        return None
    return math.exp(cast(float, brentq(excess, low, high, xtol=1e-14)))
