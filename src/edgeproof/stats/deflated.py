"""What the best of N Sharpe ratios is worth: the maximum of normals, DSR in three forms; none of them decides."""

# T periods, N trials

import math
from functools import lru_cache

import numpy as np
from scipy.special import log_ndtr, ndtri

from edgeproof.stats.sharpe import NORMAL, Law, psr, psr_under_null

__all__ = [
    "dsr",
    "dsr_sidak",
    "dsr_under_null",
    "expected_maximum",
    "maximum_mean",
    "maximum_variance",
    "minimum_backtest",
    "minimum_backtest_bound",
    "sidak_critical",
]

_STEP = 0.05
_GRID = np.arange(-800, 801) * _STEP  # the trapezoid rule is exact to rounding on a smooth density


def expected_maximum(trials: float) -> float:
    """Expected maximum of N independent standard normals, (1-ge) Z(1-1/N) + ge Z(1-1/(N e)); 0 for one trial.

    Bailey & Lopez de Prado (2014), the "false strategy theorem"; ge is Euler's constant. 8% low at N = 2, 0.2 to
    2.6% high from N = 3 on; an effective N need not be whole, and where the formula falls below 0 (N < 1.31) it is 0.
    """
    _require(trials)
    if trials == 1:
        return 0.0
    value = (1 - np.euler_gamma) * ndtri(1 - 1 / trials) + np.euler_gamma * ndtri(1 - 1 / (trials * math.e))
    return max(float(value), 0.0)


def maximum_mean(trials: float) -> float:
    """The same exactly, the integral of x N phi(x) Phi(x)^(N-1): 1/sqrt(pi) for two, 3/(2 sqrt(pi)) for three."""
    return _maximum(float(trials))[0]


def maximum_variance(trials: float) -> float:
    """Variance of the maximum of N independent standard normals by the same integral: 1 - 1/pi for two."""
    return _maximum(float(trials))[1]


def dsr(sharpe: float, periods: int, law: Law = NORMAL, *, trials: float, trial_variance: float) -> float | None:
    """Deflated Sharpe ratio: PSR against sqrt(V) E[max of N], V the variance of the trials' Sharpe ratios.

    Bailey & Lopez de Prado (2014), J. of Portfolio Management 40(5). Not a calibrated p-value: "DSR > 0.95" has a
    true size of 0.15% at N = 100. `sharpe` and V are in the same per-period units; N may be an effective number.
    """
    return psr(sharpe, periods, law, benchmark=_deviation(trial_variance) * expected_maximum(trials))


def dsr_under_null(
    sharpe: float, periods: int, law: Law = NORMAL, *, trials: float, trial_variance: float
) -> float | None:
    """The same with the variance at the benchmark, times that of the maximum of N normals.

    Lopez de Prado, Lipton & Zoonekynd (2025). Close to a p-value, and slightly too generous: "> 0.95" has a true
    size of 5.3% (N = 5) to 6.3% (N = 10,000) where V is the sampling variance, because a maximum is skewed.
    """
    benchmark = _deviation(trial_variance) * expected_maximum(trials)
    return psr_under_null(sharpe, periods, law, benchmark=benchmark, scale=maximum_variance(trials))


def dsr_sidak(sharpe: float, periods: int, law: Law = NORMAL, *, trials: float) -> float | None:
    """1 - p of the best of N independent trials without an edge, Phi(z)^N with z = SR / standard error at zero.

    Sidak (1967), JASA 62. "> 0.95" has a size of 5% for independent trials and less for positively dependent ones;
    it needs no variance of the trials. `sharpe` is the best one.
    """
    _require(trials)
    variance = law.variance(0.0)
    if variance is None or periods < 1 or not math.isfinite(sharpe):
        return None
    return math.exp(trials * float(log_ndtr(sharpe * math.sqrt(periods / variance))))


def sidak_critical(trials: float, *, level: float = 0.05) -> float:
    """Statistic that the best of N independent trials without an edge exceeds with probability `level`."""
    _require(trials)
    return float(-ndtri(-math.expm1(math.log1p(-level) / trials)))


def minimum_backtest(trials: float, *, sharpe: float = 1.0) -> float | None:
    """Years that a backtest needs so that the best of N worthless trials is expected below an annual Sharpe ratio.

    (E[max of N] / SR)^2, Bailey, Borwein, Lopez de Prado & Zhu (2014), Notices of the AMS 61(5). None for SR <= 0.
    """
    return (expected_maximum(trials) / sharpe) ** 2 if 0 < sharpe < math.inf else None


def minimum_backtest_bound(trials: float, *, sharpe: float = 1.0) -> float | None:
    """The paper's upper bound of it, 2 ln N / SR^2 years."""
    _require(trials)
    return 2 * math.log(trials) / sharpe**2 if 0 < sharpe < math.inf else None


@lru_cache(maxsize=256)
def _maximum(trials: float) -> tuple[float, float]:
    _require(trials)
    log_density = -(_GRID**2) / 2 - math.log(2 * math.pi) / 2
    weight = np.exp(math.log(trials) + log_density + (trials - 1) * log_ndtr(_GRID)) * _STEP
    mean = float(weight @ _GRID)
    return mean, float(weight @ (_GRID - mean) ** 2)


def _deviation(variance: float) -> float:
    """Its root; NaN, for which every ratio is None, where it is not finite."""
    return math.sqrt(max(variance, 0.0)) if math.isfinite(variance) else math.nan


def _require(trials: float) -> None:
    if not 1 <= trials < math.inf:
        raise ValueError(f"{trials} trials: at least the judged one is a trial")
