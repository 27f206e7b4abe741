"""Does any of K models beat the benchmark: White's reality check, Hansen's studentised SPA, Romano and Wolf's StepM.

The reality check is not studentised, so one wild model hides a good one; SPA divides each mean by its standard error
and is the same whatever the models' scales. The stationary bootstrap sees too little of a positive autocorrelation: it
misses sum |k| g_k / b of the long-run variance at mean block b (Lahiri 1999, Annals of Statistics 27:386; Politis &
White 2004, Econometric Reviews 23:53), and the tests as published claim too often. By default the resamples give the
shape of the maximum only, and the scale of each model is `long_run_variance`.
"""

# T bars, K models, Z repetitions

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from edgeproof.stats.bootstrap import resampled_means, variance_of_mean
from edgeproof.stats.dependence import long_run_variance

__all__ = ["Error", "RealityCheck", "SuperiorAbility", "reality_check", "step_m", "superior_ability"]

_STILL, _NOTHING = 1e-12, 1e-50  # variation below this share of the size, or at all, is rounding
_LEAST_BARS = 20

Error = Literal["prewhitened", "bootstrap"]


@dataclass(frozen=True)
class RealityCheck:
    """The largest sqrt(T) mean against the bootstrap distribution of the maximum, and the model that has it."""

    statistic: float
    p: float
    best: int


@dataclass(frozen=True)
class SuperiorAbility:
    """Hansen's test of superior predictive ability.

    Attributes:
        statistic: max(0, largest t).
        t: f64[K] sqrt(T) mean / omega; 0 for a model whose excess does not vary.
        omega2: f64[K] variance of sqrt(T) mean, the long-run one or the stationary bootstrap's own.
        recentred: bool[K] models not so bad that the consistent test leaves them out.
        lower: p-value as if only models better than the benchmark had a chance (too small).
        consistent: the p-value to report.
        upper: p-value as if every model were as good as the benchmark (too large if some are bad).
    """

    statistic: float
    t: np.ndarray
    omega2: np.ndarray
    recentred: np.ndarray
    lower: float
    consistent: float
    upper: float


def reality_check(
    excess: np.ndarray,
    generator: np.random.Generator,
    *,
    block_bars: float,
    repetitions: int = 999,
    error: Error = "prewhitened",
) -> RealityCheck | None:
    """White's reality check (2000, Econometrica 68:1097): H0, no model beats the benchmark.

    V = max_k sqrt(T) d_k against V* = max_k sqrt(T) (d*_k - d_k) w_k / b_k over stationary-bootstrap resamples, b_k^2
    = T `variance_of_mean` and w_k^2 the `long_run_variance` (Andrews & Monahan 1992); p = (1 + #{V* >= V}) / (Z + 1).

    Args:
        excess: f64[T, K] model minus benchmark, larger is better (returns, or benchmark loss minus model loss).
        generator: of the resamples.
        block_bars: mean block length.
        repetitions: Z.
        error: "bootstrap" for White's own test, w_k = b_k.

    Returns:
        None without a model, under 20 bars, or with an excess that is not finite.
    """
    x = _checked(excess)
    if x is None:
        return None
    mean, (omega2, own) = x.mean(axis=0), _variances(x, block_bars, error)
    drawn = resampled_means(x, generator, block_bars=block_bars, repetitions=repetitions) - mean
    drawn *= np.sqrt(np.divide(omega2, own, out=np.ones_like(own), where=own > 0))
    best = int(mean.argmax())
    return RealityCheck(math.sqrt(len(x)) * float(mean[best]), _p(drawn.max(axis=1), float(mean[best])), best)


def superior_ability(
    excess: np.ndarray,
    generator: np.random.Generator,
    *,
    block_bars: float,
    repetitions: int = 999,
    error: Error = "prewhitened",
) -> SuperiorAbility | None:
    """Hansen's studentised SPA (2005, J. of Business & Economic Statistics 23:365): H0, no model beats the benchmark.

    max(0, max_k t_k), t_k = sqrt(T) d_k / w_k, against the same maximum of sqrt(T) (d*_k - d_k) / b_k + t_k - g(t_k):
    lower g = max(t_k, 0), consistent g = t_k where t_k >= -sqrt(2 log log T) else 0, upper g = t_k. b_k^2 is T
    `variance_of_mean`, w_k^2 the `long_run_variance` (Andrews & Monahan 1992). p = (1 + #{T* >= T}) / (Z + 1), lower
    <= consistent <= upper. A model whose excess does not vary takes no part.

    Args:
        excess: f64[T, K] model minus benchmark, larger is better.
        generator: of the resamples.
        block_bars: mean block length.
        repetitions: Z.
        error: "bootstrap" for Hansen's own test, w_k = b_k.

    Returns:
        None without a model, under 20 bars, or with an excess that is not finite.
    """
    x = _checked(excess)
    if x is None:
        return None
    omega2, own = _variances(x, block_bars, error)
    mean = x.mean(axis=0)
    t = _t(mean, omega2, len(x))
    recentred = t >= -math.sqrt(2 * math.log(math.log(len(x))))
    drawn = resampled_means(x, generator, block_bars=block_bars, repetitions=repetitions) - mean
    drawn = _t(drawn, own, len(x))
    shifts = (np.minimum(t, 0.0), np.where(recentred, 0.0, t), np.zeros_like(t))
    observed = max(0.0, float(t.max()))
    lower, consistent, upper = (_p(np.maximum((drawn + shift).max(axis=1), 0.0), observed) for shift in shifts)
    return SuperiorAbility(observed, t, omega2, recentred, lower, consistent, upper)


def step_m(
    excess: np.ndarray,
    generator: np.random.Generator,
    *,
    block_bars: float,
    repetitions: int = 999,
    error: Error = "prewhitened",
) -> np.ndarray | None:
    """Adjusted p-values f64[K] that name the models that beat the benchmark: those <= a, with P(any false one) <= a.

    Studentised StepM (Romano & Wolf 2005, Econometrica 73:1237): the best t is compared with the maximum over all
    models, the next with the maximum over those left; a p-value never falls from one step to the next (Romano & Wolf
    2016, Statistics & Probability Letters 113:38). t and resamples are those of `superior_ability`.

    Args:
        excess: f64[T, K] model minus benchmark, larger is better.
        generator: of the resamples.
        block_bars: mean block length.
        repetitions: Z.
        error: "bootstrap" for the stationary bootstrap's own standard error, as `superior_ability` has it.

    Returns:
        None without a model, under 20 bars, or with an excess that is not finite.
    """
    x = _checked(excess)
    if x is None:
        return None
    mean, (omega2, own) = x.mean(axis=0), _variances(x, block_bars, error)
    t = _t(mean, omega2, len(x))
    drawn = resampled_means(x, generator, block_bars=block_bars, repetitions=repetitions) - mean
    order = np.argsort(-t, kind="stable")
    ranked = _t(drawn, own, len(x))[:, order]
    left = np.maximum.accumulate(ranked[:, ::-1], axis=1)[:, ::-1]  # maximum over the models not yet removed
    steps = (1 + (left >= t[order]).sum(axis=0)) / (repetitions + 1)
    adjusted = np.empty(len(t))
    adjusted[order] = np.maximum.accumulate(steps)
    return adjusted


def _checked(excess: np.ndarray) -> np.ndarray | None:
    x = np.asarray(excess, dtype=np.float64)
    if x.ndim != 2:
        raise ValueError(f"excess has {x.ndim} axes: expected bars x models; write x[:, None] for one model")
    return x if len(x) >= _LEAST_BARS and x.shape[1] and np.isfinite(x).all() else None


def _variances(x: np.ndarray, block_bars: float, error: Error) -> tuple[np.ndarray, np.ndarray]:
    """Variances f64[K] of sqrt(T) mean: the one to divide by and the resamples' own; 0 where a model takes no part."""
    varies = np.ptp(x, axis=0) > np.maximum(_STILL * np.abs(x).max(axis=0), _NOTHING)
    own = np.where(varies, len(x) * variance_of_mean(x, block_bars=block_bars), 0.0)
    if error == "bootstrap":
        return own, own
    found = np.array([long_run_variance(series) or 0.0 for series in np.ascontiguousarray(x.T)])
    known = (own > 0) & (found > 0)
    return np.where(known, found, 0.0), np.where(known, own, 0.0)


def _t(mean: np.ndarray, omega2: np.ndarray, bars: int) -> np.ndarray:
    safe = np.where(omega2 > 0, omega2, 1.0)
    return np.where(omega2 > 0, mean * np.sqrt(bars / safe), 0.0)


def _p(drawn: np.ndarray, observed: float) -> float:
    return (1 + int((drawn >= observed).sum())) / (drawn.size + 1)
