"""Effective number of trials: how many independent ones would be as varied; a description that decides nothing.

No single number is right, because the true one depends on the level that is asked for. Size of Sidak's test at a
nominal 5% with each as N, by simulation (with the number that would give 5%, and the one that fits the median):

| structure                             | truth at 5% / median | raw N | entropy | average correlation | Nyholt |
| ------------------------------------- | -------------------- | ----- | ------- | ------------------- | ------ |
| 100 trials, all correlated 0.5        | 45 / 18              | 2.5   | 9.5     | 4.6                 | 3.3    |
| 100 trials, 10 blocks of 0.9          | 34 / 26              | 2.0   | 9.7     | 2.1                 | 2.1    |
| 1,000 trials, all correlated 0.5      | 247 / 62             | 1.8   | 12.6    | 2.8                 | 2.2    |
| 1,000 trials, all correlated 0.9      | 11 / 4               | 0.1   | 13.6    | 0.9                 | 0.6    |
| 1,000 trials, 10 blocks of 0.9        | 94 / 54              | 0.5   | 16.2    | 0.6                 | 0.6    |
| 1,000 trials, smooth in 3 settings    | 110 / 58             | 0.7   | 19.0    | 0.9                 | 0.8    |

So the eigenvalues' entropy is anti-conservative, up to four times. Average correlation reaches 6 to 7% at 10 trials
and is conservative from 100 on; raw N and Nyholt's never exceeded 5.3%. The maximum's bootstrap (`compare`) needs none.
"""

# T bars, N trials

from dataclasses import dataclass

import numpy as np

__all__ = ["LARGEST", "Effective", "average_correlation_trials", "effective_trials", "entropy_trials", "nyholt_trials"]

LARGEST = 1000  # trials; the correlation matrix of more would take seconds and then minutes
_STILL = 1e-12  # variance below this share of the sum of squares is rounding, not variation


@dataclass(frozen=True)
class Effective:
    """Effective numbers of the trials whose returns vary.

    Attributes:
        varied: how many vary; flat ones say nothing and are left out.
        correlation: mean correlation of two different trials; None for one.
        by_correlation: `average_correlation_trials`.
        by_entropy, by_nyholt: `entropy_trials`, `nyholt_trials`; None for more than 1,000 trials.
    """

    varied: int
    correlation: float | None
    by_correlation: float
    by_entropy: float | None
    by_nyholt: float | None


def effective_trials(returns: np.ndarray) -> Effective | None:
    """Effective numbers of trials from their returns on the same bars.

    Args:
        returns: f64[T, N] net return per bar of every trial.

    Returns:
        None where no trial varies, or a return is not finite.
    """
    x = np.asarray(returns, dtype=np.float64)
    if x.ndim != 2 or len(x) < 2 or not np.isfinite(x).all():
        return None
    centred = x - x.mean(axis=0)
    squares = (centred**2).sum(axis=0)
    varies = squares > _STILL * (x**2).sum(axis=0)
    count = int(varies.sum())
    if count == 0:
        return None
    scaled = centred[:, varies] / np.sqrt(squares[varies])
    both = scaled.sum(axis=1)
    mean = (float(both @ both) - count) / (count * (count - 1)) if count > 1 else None
    correlation = scaled.T @ scaled if count <= LARGEST else None
    return Effective(
        varied=count,
        correlation=mean,
        by_correlation=_by_mean(mean or 0.0, count),
        by_entropy=None if correlation is None else entropy_trials(correlation),
        by_nyholt=None if correlation is None else nyholt_trials(correlation),
    )


def average_correlation_trials(correlation: np.ndarray) -> float | None:
    """N (1 - rho) + rho with the mean correlation rho, 0 where it is negative; None where one is not finite.

    Bailey & Lopez de Prado (2014), J. of Portfolio Management 40(5), appendix. Anti-conservative for few trials.
    """
    if not np.isfinite(correlation).all():
        return None
    count = len(correlation)
    mean = float(correlation.sum() - np.trace(correlation)) / (count * (count - 1)) if count > 1 else 0.0
    return _by_mean(mean, count)


def entropy_trials(correlation: np.ndarray) -> float | None:
    """exp(-sum p ln p) with the shares p of the correlation matrix's eigenvalues; N for independent trials.

    None where a correlation is not finite.

    Roy & Vetterli (2007), "The effective rank", EUSIPCO. Anti-conservative, up to four times.
    """
    if not np.isfinite(correlation).all():
        return None
    values = np.linalg.eigvalsh(correlation)
    share = values[values > 0] / values.sum()
    return float(np.exp(-(share * np.log(share)).sum()))


def nyholt_trials(correlation: np.ndarray) -> float | None:
    """1 + (N - 1)(1 - Var(lambda)/N) with the variance (ddof 1) of the eigenvalues.

    Nyholt (2004), American J. of Human Genetics 74:765. Conservative. The eigenvalues' mean is 1 and their squares
    sum to those of the matrix, so that none is computed. None where a correlation is not finite.
    """
    if not np.isfinite(correlation).all():
        return None
    count = len(correlation)
    if count < 2:
        return float(count)
    variance = (float((correlation**2).sum()) - count) / (count - 1)
    return 1 + (count - 1) * (1 - variance / count)


def _by_mean(correlation: float, count: int) -> float:
    rho = max(correlation, 0.0)
    return rho + (1 - rho) * count
