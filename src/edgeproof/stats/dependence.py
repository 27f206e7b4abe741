"""What dependence between bars does to a Sharpe ratio: HAC standard error, autocorrelation, time aggregation."""

# T periods

import math

import numpy as np

from edgeproof.stats.sharpe import moments

__all__ = ["aggregation", "autocorrelation", "hac_standard_error", "long_run_variance"]

_STILL, _NOTHING = 1e-12, 1e-50  # variation below this share of the size, or at all, is rounding
_LARGEST_ROOT = 0.97  # of the prewhitening, as in Andrews & Monahan (1992)


def hac_standard_error(returns: np.ndarray, *, lags: int | None = None) -> float | None:
    """Standard error from the returns themselves, whatever their dependence: Lo's (2002) GMM with HAC.

    `long_run_variance` of u_t = z_t - SR/2 (z_t^2 - 1), z the standardised returns, over T.

    Args:
        returns: f64[T].
        lags: instead, plain Newey & West weights 1 - k/(L + 1) without prewhitening.

    Returns:
        None where `moments` is None or T is not above the lags.
    """
    known = moments(returns)
    if known is None or (lags is not None and not 0 <= lags < known.periods):
        return None
    x = np.asarray(returns, dtype=np.float64)
    z = (x - x.mean()) / x.std()
    u = z - known.sharpe / 2 * (z * z - 1)
    variance = _prewhitened(u) if lags is None else _newey_west(u, lags)
    return math.sqrt(variance / known.periods) if variance > 0 else None


def long_run_variance(x: np.ndarray) -> float | None:
    """Variance of sqrt(T) times the mean of x, whatever its dependence.

    x about its mean is prewhitened by an AR(1) with |r| <= 0.97 (Andrews & Monahan 1992, Econometrica 60:953), its
    residuals are weighted by Bartlett's kernel (Newey & West 1987) with L = floor(1.1447 (4 r^2 T / (1 - r^2)^2)^(1/3))
    lags, r their lag-1 autocorrelation (Andrews 1991, Econometrica 59:817), and the result is divided by (1 - r_AR)^2.

    Args:
        x: f64[T].

    Returns:
        None for fewer than 3 bars, no variation, or one that is not finite.
    """
    series = np.asarray(x, dtype=np.float64)
    if series.size < 3 or not np.ptp(series) > max(_STILL * float(np.abs(series).max()), _NOTHING):
        return None
    return _prewhitened(series - series.mean())


def aggregation(periods: int, rho: np.ndarray) -> float | None:
    """Factor from the Sharpe ratio of one period to that of q, eta = q / sqrt(q + 2 sum_{k<q} (q - k) rho_k).

    Lo (2002), FAJ 58(4); sqrt(q) only where returns are uncorrelated.

    Args:
        periods: q.
        rho: f64[q-1] or longer, autocorrelations from lag 1.

    Returns:
        None where the autocorrelations leave no variance, or one of them is not finite.
    """
    if periods < 1 or len(rho) < periods - 1:
        raise ValueError(f"{len(rho)} autocorrelations for {periods} periods: one less than the periods is needed")
    lag = np.arange(1, periods)
    spread = periods + 2 * float(((periods - lag) * np.asarray(rho)[: periods - 1]).sum())
    return periods / math.sqrt(spread) if 0 < spread < math.inf else None


def autocorrelation(returns: np.ndarray, lags: int) -> np.ndarray | None:
    """Autocorrelations at lags 1 to `lags`, f64[lags]: sums of products over the sum of squares about the mean.

    None where `moments` is None or T is not above the lags.
    """
    known = moments(returns)
    if known is None or not 0 <= lags < known.periods:
        return None
    centred = np.asarray(returns, dtype=np.float64) - np.mean(returns)
    return np.array([centred[k:] @ centred[:-k] for k in range(1, lags + 1)]) / (centred @ centred)


def _prewhitened(u: np.ndarray) -> float:
    root = min(max(_lag_one(u), -_LARGEST_ROOT), _LARGEST_ROOT)
    left = u[1:] - root * u[:-1]
    r = min(max(_lag_one(left), -_LARGEST_ROOT), _LARGEST_ROOT)
    lags = math.floor(1.1447 * (4 * r * r * len(left) / (1 - r * r) ** 2) ** (1 / 3))
    return _newey_west(left, min(lags, len(left) - 1)) / (1 - root) ** 2


def _lag_one(u: np.ndarray) -> float:
    squares = float(u @ u)
    return float(u[1:] @ u[:-1]) / squares if squares > 0 else 0.0


def _newey_west(u: np.ndarray, lags: int) -> float:
    """Long-run variance of a series with mean zero: g_0 + 2 sum_k (1 - k/(L+1)) g_k, divisor T."""
    later = sum((1 - k / (lags + 1)) * float(u[k:] @ u[:-k]) for k in range(1, lags + 1))
    return (float(u @ u) + 2 * later) / len(u)
