"""Does any of K models beat the benchmark: White's reality check, Hansen's studentised SPA, Romano and Wolf's StepM.

The reality check is not studentised, so one wild model hides a good one; SPA divides each mean by its standard error
and is the same whatever the models' scales.
"""

# T bars, K models, Z repetitions

import math
from dataclasses import dataclass

import numpy as np

from edgeproof.stats.bootstrap import resampled_means, variance_of_mean

__all__ = ["RealityCheck", "SuperiorAbility", "reality_check", "step_m", "superior_ability"]

_STILL, _NOTHING = 1e-12, 1e-50  # variation below this share of the size, or at all, is rounding
_LEAST_BARS = 20


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
        omega2: f64[K] variance of sqrt(T) mean, of the stationary bootstrap itself.
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
    excess: np.ndarray, generator: np.random.Generator, *, block_bars: float, repetitions: int = 999
) -> RealityCheck | None:
    """White's reality check (2000, Econometrica 68:1097): H0, no model beats the benchmark.

    V = max_k sqrt(T) d_k against V* = max_k sqrt(T) (d*_k - d_k) over stationary-bootstrap resamples;
    p = (1 + #{V* >= V}) / (Z + 1).

    Args:
        excess: f64[T, K] model minus benchmark, larger is better (returns, or benchmark loss minus model loss).
        generator: of the resamples.
        block_bars: mean block length.
        repetitions: Z.

    Returns:
        None without a model or under 20 bars.
    """
    x = _checked(excess)
    if x is None:
        return None
    mean = x.mean(axis=0)
    drawn = resampled_means(x, generator, block_bars=block_bars, repetitions=repetitions) - mean
    best = int(mean.argmax())
    return RealityCheck(math.sqrt(len(x)) * float(mean[best]), _p(drawn.max(axis=1), float(mean[best])), best)


def superior_ability(
    excess: np.ndarray, generator: np.random.Generator, *, block_bars: float, repetitions: int = 999
) -> SuperiorAbility | None:
    """Hansen's studentised SPA (2005, J. of Business & Economic Statistics 23:365): H0, no model beats the benchmark.

    T = max(0, max_k sqrt(T) d_k / w_k) with w_k^2 = T `variance_of_mean`, against the same maximum of d*_k - g(d_k):
    lower g = max(d_k, 0), consistent g = d_k where sqrt(T) d_k / w_k >= -sqrt(2 log log T) else 0, upper g = d_k.
    p = (1 + #{T* >= T}) / (Z + 1), lower <= consistent <= upper. A model whose excess does not vary takes no part.

    Args:
        excess: f64[T, K] model minus benchmark, larger is better.
        generator: of the resamples.
        block_bars: mean block length.
        repetitions: Z.

    Returns:
        None without a model or under 20 bars.
    """
    x = _checked(excess)
    if x is None:
        return None
    mean, omega2, t = _studentised(x, block_bars)
    recentred = t >= -math.sqrt(2 * math.log(math.log(len(x))))
    drawn = resampled_means(x, generator, block_bars=block_bars, repetitions=repetitions)
    centres = (np.maximum(mean, 0.0), np.where(recentred, mean, 0.0), mean)
    observed = max(0.0, float(t.max()))
    largest = [np.maximum(_t(drawn - centre, omega2, len(x)).max(axis=1), 0.0) for centre in centres]
    lower, consistent, upper = (_p(values, observed) for values in largest)
    return SuperiorAbility(observed, t, omega2, recentred, lower, consistent, upper)


def step_m(
    excess: np.ndarray, generator: np.random.Generator, *, block_bars: float, repetitions: int = 999
) -> np.ndarray | None:
    """Adjusted p-values f64[K] that name the models that beat the benchmark: those <= a, with P(any false one) <= a.

    Studentised StepM (Romano & Wolf 2005, Econometrica 73:1237): the best t is compared with the maximum over all
    models, the next with the maximum over those left; a p-value never falls from one step to the next (Romano & Wolf
    2016, Statistics & Probability Letters 113:38).

    Args:
        excess: f64[T, K] model minus benchmark, larger is better.
        generator: of the resamples.
        block_bars: mean block length.
        repetitions: Z.

    Returns:
        None without a model or under 20 bars.
    """
    x = _checked(excess)
    if x is None:
        return None
    mean, omega2, t = _studentised(x, block_bars)
    drawn = _t(resampled_means(x, generator, block_bars=block_bars, repetitions=repetitions) - mean, omega2, len(x))
    order = np.argsort(-t, kind="stable")
    left = np.maximum.accumulate(drawn[:, order][:, ::-1], axis=1)[:, ::-1]  # maximum over the models not yet removed
    steps = (1 + (left >= t[order]).sum(axis=0)) / (repetitions + 1)
    adjusted = np.empty(len(t))
    adjusted[order] = np.maximum.accumulate(steps)
    return adjusted


def _checked(excess: np.ndarray) -> np.ndarray | None:
    x = np.asarray(excess, dtype=np.float64)
    if x.ndim != 2:
        raise ValueError(f"excess has {x.ndim} axes: expected bars x models; write x[:, None] for one model")
    return x if len(x) >= _LEAST_BARS and x.shape[1] else None


def _studentised(x: np.ndarray, block_bars: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, omega^2 and t of each model; omega^2 and t are 0 where the excess does not vary."""
    mean = x.mean(axis=0)
    varies = np.ptp(x, axis=0) > np.maximum(_STILL * np.abs(x).max(axis=0), _NOTHING)
    omega2 = np.where(varies, len(x) * variance_of_mean(x, block_bars=block_bars), 0.0)
    return mean, omega2, _t(mean, omega2, len(x))


def _t(mean: np.ndarray, omega2: np.ndarray, bars: int) -> np.ndarray:
    safe = np.where(omega2 > 0, omega2, 1.0)
    return np.where(omega2 > 0, mean * np.sqrt(bars / safe), 0.0)


def _p(drawn: np.ndarray, observed: float) -> float:
    return (1 + int((drawn >= observed).sum())) / (drawn.size + 1)
