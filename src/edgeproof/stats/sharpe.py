"""What a Sharpe ratio is worth: its standard error, PSR and DSR; reported as conventions, they never decide.

Ratios here are per period and not annualised; kurtosis is raw (normal: 3). What is undefined is None.
"""

# T periods, N trials

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

__all__ = ["Moments", "dsr", "expected_maximum", "moments", "psr", "standard_error"]

_STILL = 1e-12  # a spread below this share of the largest return is rounding, not variation
_ABSURD, _NOTHING = 1e50, 1e-50  # the fourth moment of larger returns overflows, of smaller ones vanishes


@dataclass(frozen=True)
class Moments:
    """Sharpe ratio (ddof 1), skewness and raw kurtosis (divisor T) of T returns."""

    sharpe: float
    skew: float
    kurtosis: float
    periods: int


def moments(returns: np.ndarray) -> Moments | None:
    """Moments of a return series; None for fewer than 3 returns, no variation, or one beyond 1e50 or not finite."""
    x = np.asarray(returns, dtype=np.float64)
    if x.size < 3 or not np.isfinite(x).all():
        return None
    largest = float(np.abs(x).max())
    if largest > _ABSURD or np.ptp(x) <= max(_STILL * largest, _NOTHING):
        return None
    centred = x - x.mean()
    variance = float((centred**2).mean())
    return Moments(
        sharpe=float(x.mean() / x.std(ddof=1)),
        skew=float((centred**3).mean() / variance**1.5),
        kurtosis=float((centred**4).mean() / variance**2),
        periods=x.size,
    )


def standard_error(sharpe: float, periods: int, *, skew: float = 0.0, kurtosis: float = 3.0) -> float | None:
    """Standard error of an estimated Sharpe ratio of independent returns.

    sqrt((1 - g3 SR + (g4 - 1)/4 SR^2) / T) (Mertens 2002; Opdyke 2007); with normal moments it is Lo's (2002)
    sqrt((1 + SR^2/2)/T). None for T < 1 or where the moments make the variance not positive.
    """
    variance = 1 - skew * sharpe + (kurtosis - 1) / 4 * sharpe**2
    return math.sqrt(variance / periods) if periods >= 1 and variance > 0 else None


def psr(
    sharpe: float, periods: int, *, skew: float = 0.0, kurtosis: float = 3.0, benchmark: float = 0.0
) -> float | None:
    """Probabilistic Sharpe ratio: Phi((SR - SR*) sqrt(T-1) / sqrt(1 - g3 SR + (g4-1)/4 SR^2)).

    Bailey & Lopez de Prado (2012), J. of Risk 15(2). None for T < 2 or a variance that is not positive.
    """
    error = standard_error(sharpe, periods - 1, skew=skew, kurtosis=kurtosis) if periods > 1 else None
    return None if error is None else float(ndtr((sharpe - benchmark) / error))


def expected_maximum(trials: int) -> float:
    """Expected maximum of N independent standard normals, (1-ge) Z(1-1/N) + ge Z(1-1/(N e)); 0 for one trial.

    Bailey & Lopez de Prado (2014), the "false strategy theorem"; ge is Euler's constant. 8% low at N = 2, 0.2 to
    2.6% high from N = 3 on.
    """
    if trials < 1:
        raise ValueError(f"{trials} trials: at least the judged one is a trial")
    if trials == 1:
        return 0.0
    return float((1 - np.euler_gamma) * ndtri(1 - 1 / trials) + np.euler_gamma * ndtri(1 - 1 / (trials * math.e)))


def dsr(
    sharpe: float,
    periods: int,
    *,
    trials: int,
    trial_variance: float,
    skew: float = 0.0,
    kurtosis: float = 3.0,
) -> float | None:
    """Deflated Sharpe ratio: PSR against sqrt(V) E[max of N], V the variance of the trials' Sharpe ratios.

    Bailey & Lopez de Prado (2014), J. of Portfolio Management 40(5). Not a calibrated p-value: "DSR > 0.95" has a
    true size of 0.15% at N = 100. `sharpe` and V are in the same per-period units.
    """
    benchmark = math.sqrt(max(trial_variance, 0.0)) * expected_maximum(trials)
    return psr(sharpe, periods, skew=skew, kurtosis=kurtosis, benchmark=benchmark)
