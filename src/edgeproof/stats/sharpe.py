"""What a Sharpe ratio is worth: its standard errors, PSR and the track record it needs; conventions, they never decide.

Ratios here are per period and not annualised; kurtosis is raw (normal: 3). What is undefined is None, never infinite:
returns without variation, moments that no law has, a ratio at or below its benchmark. `performance` names the reason.
"""

# T periods

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

__all__ = [
    "NORMAL",
    "Law",
    "Moments",
    "minimum_track",
    "minimum_track_under_null",
    "moments",
    "psr",
    "psr_under_null",
    "standard_error",
]

_STILL = 1e-12  # a spread below this share of the largest return is rounding, not variation
_ABSURD, _NOTHING = 1e50, 1e-50  # the fourth moment of larger returns overflows, of smaller ones vanishes


@dataclass(frozen=True)
class Law:
    """What the standard error needs to know of the returns; the default is independent and normal.

    Attributes:
        skew, kurtosis: of the marginal law; kurtosis raw.
        autocorrelation: at lag 1, of a linear AR(1).
    """

    skew: float = 0.0
    kurtosis: float = 3.0
    autocorrelation: float = 0.0

    def variance(self, sharpe: float) -> float | None:
        """T times the variance of the estimated ratio; None where no law has such moments.

        a - b g3 SR + c (g4 - 1)/4 SR^2 with a = (1+r)/(1-r), b = 1 + r/(1-r) + r^2/(1-r^2), c = (1+r^2)/(1-r^2).
        """
        r = self.autocorrelation
        if not -1 < r < 1:
            return None
        a, b, c = (1 + r) / (1 - r), 1 + r / (1 - r) + r * r / (1 - r * r), (1 + r * r) / (1 - r * r)
        factor = a - b * self.skew * sharpe + c * (self.kurtosis - 1) / 4 * sharpe**2
        return factor if 0 < factor < math.inf else None


NORMAL = Law()


@dataclass(frozen=True)
class Moments:
    """Sharpe ratio (ddof 1), skewness, raw kurtosis (divisor T) and lag-1 autocorrelation of T returns."""

    sharpe: float
    skew: float
    kurtosis: float
    autocorrelation: float
    periods: int

    @property
    def independent(self) -> Law:
        """The law as if the returns were independent."""
        return Law(self.skew, self.kurtosis)

    @property
    def dependent(self) -> Law:
        """The law with its autocorrelation."""
        return Law(self.skew, self.kurtosis, self.autocorrelation)


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
        autocorrelation=float(centred[1:] @ centred[:-1]) / float(centred @ centred),
        periods=x.size,
    )


def standard_error(sharpe: float, periods: float, law: Law = NORMAL) -> float | None:
    """Standard error of an estimated Sharpe ratio from the law of its returns.

    Normal and independent: sqrt((1 + SR^2/2)/T) (Lo 2002, FAJ 58(4)). Independent of any law:
    sqrt((1 - g3 SR + (g4 - 1)/4 SR^2)/T) (Mertens 2002; Christie 2005; Opdyke 2007, J. of Asset Management 8).
    Linear AR(1): see `Law.variance` (Lopez de Prado, Lipton & Zoonekynd 2025, "How to Use the Sharpe Ratio", ADIA
    Lab 19); under clustered volatility its last term is too small. None for T <= 0 or moments that no law has.
    """
    variance = law.variance(sharpe)
    return math.sqrt(variance / periods) if variance is not None and periods > 0 else None


def psr(sharpe: float, periods: float, law: Law = NORMAL, *, benchmark: float = 0.0) -> float | None:
    """Probabilistic Sharpe ratio: Phi((SR - SR*) sqrt(T-1) / sqrt(1 - g3 SR + (g4-1)/4 SR^2)).

    Bailey & Lopez de Prado (2012), J. of Risk 15(2). None for T < 2 or a variance that is not positive.
    """
    error = standard_error(sharpe, periods - 1, law)
    return None if error is None or not math.isfinite(benchmark) else float(ndtr((sharpe - benchmark) / error))


def psr_under_null(
    sharpe: float, periods: float, law: Law = NORMAL, *, benchmark: float = 0.0, scale: float = 1.0
) -> float | None:
    """PSR with the variance at the benchmark, as a test of SR = SR* asks for, and divisor T.

    Lopez de Prado, Lipton & Zoonekynd (2025). Against zero, skewness and kurtosis drop out.

    Args:
        sharpe: per period.
        periods: T.
        law: of the returns.
        benchmark: SR*.
        scale: multiplies the variance, such as that of the maximum of N normals.
    """
    error = standard_error(benchmark, periods, law)
    if error is None or not 0 < scale < math.inf or not math.isfinite(sharpe):
        return None
    return float(ndtr((sharpe - benchmark) / (error * math.sqrt(scale))))


def minimum_track(
    sharpe: float, law: Law = NORMAL, *, benchmark: float = 0.0, confidence: float = 0.95
) -> float | None:
    """Minimum track record length in periods, at which PSR(SR*) reaches the confidence.

    1 + (1 - g3 SR + (g4-1)/4 SR^2) (Z_confidence / (SR - SR*))^2, Bailey & Lopez de Prado (2012). None for SR <= SR*:
    no length would do.
    """
    if (variance := law.variance(sharpe)) is None or sharpe <= benchmark:
        return None
    return _finite(1 + variance * _squared(confidence, sharpe - benchmark))


def minimum_track_under_null(
    sharpe: float, law: Law = NORMAL, *, benchmark: float = 0.0, confidence: float = 0.95
) -> float | None:
    """The same for `psr_under_null`: V(SR*) (Z_confidence / (SR - SR*))^2 periods (Lopez de Prado et al. 2025)."""
    if (variance := law.variance(benchmark)) is None or not benchmark < sharpe < math.inf:
        return None
    return _finite(variance * _squared(confidence, sharpe - benchmark))


def _squared(confidence: float, distance: float) -> float:
    ratio = float(ndtri(confidence)) / distance
    return ratio * ratio


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
