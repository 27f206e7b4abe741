"""The law of the next bar: what a known-truth market states about the future, in closed form.

Body of bar t+1 given the bars to t: R = kappa g_t sigma + sigma e, e Student t with 5 degrees of freedom and unit
variance; then a gap exp(sqrt(delta) sigma n - delta sigma^2 / 2), n standard normal, leads to the next open. So

    P(open_{t+2} > open_{t+1}) = E_n[1 - T_5(sqrt(5/3) (x_n - kappa g_t sigma) / sigma)],
    x_n = exp(-(sqrt(delta) sigma n - delta sigma^2 / 2)) - 1,

with mean kappa g_t sigma and volatility sigma sqrt(1 + delta). The expectation is a 32-point Gauss-Hermite sum.
"""

# S symbols, T bars

import math
from typing import NamedTuple

import numpy as np
from numba import njit

__all__ = ["FREEDOM", "WARM_UP_BARS", "Law", "up_probability"]

FREEDOM = 5.0  # degrees of freedom of the body's Student t; the closed form of `_student_5` belongs to this value
WARM_UP_BARS = 400  # bars made and thrown away first: the slowest memory is .91 a bar, so nothing of the start is left
NODES = 32


class Law(NamedTuple):
    """Parameters of the generator; one record goes to the compiled recursion and to the manifest."""

    sigma: float = 0.007  # typical volatility of a bar's body; each symbol's own is this times a lognormal
    sigma_spread: float = 0.2  # sd of the logarithm of a symbol's own volatility
    factor: float = 0.7  # loading on the market's normal draw: correlation of two symbols about .4
    gap: float = 0.02  # delta: variance of the gap to the next open, in variances of the bar before it
    day: float = 0.25  # amplitude of volatility over the day
    own_news: float = 0.08  # share of the last squared shock in a symbol's own variance
    own_memory: float = 0.91
    market_news: float = 0.12
    market_memory: float = 0.87
    shock_cap: float = 16.0  # squared shocks above it count as this much in the variances
    shock_mean: float = 0.9555  # E[min(e^2, 16)] for Student t_5 of unit variance
    floor: float = -0.5  # no body falls by more
    wick_scale: float = 0.2748  # sd of (lower wick - upper wick) / range
    signal_memory: float = 0.9  # phi of the wick signal: what a window of 24 bars cuts off costs .3% of correlation
    signal_cap: float = 3.0
    volume_day: float = 0.3
    volume_memory: float = 0.95
    volume_sd: float = 0.5  # sd of the slow part of log volume
    volume_size: float = 0.35  # how much log volume rises with |body| in volatilities
    volume_noise: float = 0.3


@njit(cache=True)
def _student_5(x: float) -> float:
    """Distribution function of Student's t with 5 degrees of freedom (Abramowitz & Stegun 1964, 26.7.3).

    With theta = atan(x / sqrt 5): 1/2 + (theta + sin theta (cos theta + 2/3 cos^3 theta)) / pi.
    """
    ratio = x / 2.23606797749979
    cosine = 1.0 / math.sqrt(1.0 + ratio * ratio)
    sine = ratio * cosine
    return 0.5 + (math.atan(ratio) + sine * cosine * (1.0 + 2.0 / 3.0 * cosine * cosine)) / math.pi


@njit(cache=True)
def _sum_over_gaps(
    drift_N: np.ndarray, sigma_N: np.ndarray, node_K: np.ndarray, weight_K: np.ndarray, delta: float
) -> np.ndarray:
    up_N = np.empty(len(drift_N))
    root, stretch = math.sqrt(delta), math.sqrt(FREEDOM / (FREEDOM - 2.0))
    for i in range(len(drift_N)):
        sigma, total = sigma_N[i], 0.0
        for k in range(len(node_K)):
            needed = math.expm1(0.5 * delta * sigma * sigma - root * sigma * node_K[k])
            total += weight_K[k] * _student_5(stretch * (drift_N[i] - needed / sigma))
        up_N[i] = total
    return up_N


def up_probability(drift_ST: np.ndarray, sigma_ST: np.ndarray, delta: float) -> np.ndarray:
    """P(open of t+2 > open of t+1 | bars to t), the tradable one-bar label.

    Args:
        drift_ST: f64[S, T] kappa g_t, the mean of the next body in volatilities.
        sigma_ST: f64[S, T] volatility of the next body, above zero.
        delta: variance of the gap in variances of that body.

    Returns:
        f64[S, T] probabilities.
    """
    node_K, weight_K = np.polynomial.hermite_e.hermegauss(NODES)
    weight_K = weight_K / weight_K.sum()
    kept = weight_K > 1e-20  # below the rounding of the sum: the outermost nodes lie 10 sd out
    up_N = _sum_over_gaps(drift_ST.ravel(), sigma_ST.ravel(), node_K[kept], weight_K[kept], delta)
    return up_N.reshape(drift_ST.shape)
