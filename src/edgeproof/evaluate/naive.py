"""Naive forecasts that a model has to beat: the prior, the last label, past returns, a logistic regression.

Each turns what is known at the close of the decision bar into a probability by the training samples alone, and is
scored on others. The first three say the share of positives among training samples of the same state.
"""

# S symbols, T bars, N samples, F features, K coefficients

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from edgeproof.stats.classify import auc, log_loss

__all__ = ["Naive", "last_label", "logistic", "momentum", "naive_forecasts", "shares"]

UNKNOWN = 2  # state of a sample without a past
PAST_BARS = 24
ROUNDS = 12
RIDGE = 1.0  # so that columns that say the same do not run away; nothing beside thousands of samples


@dataclass(frozen=True)
class Naive:
    """One naive forecast on held-out samples.

    Attributes:
        name: `prior`, `persistence`, `momentum` or `logistic`.
        log_loss: in nats.
        auc: None where the samples are of one class.
    """

    name: str
    log_loss: float | None
    auc: float | None


def naive_forecasts(
    y: np.ndarray, states: Mapping[str, np.ndarray], linear: np.ndarray, train: np.ndarray, asked: np.ndarray
) -> list[Naive]:
    """The prior, a forecast by each state, and the logistic one, scored.

    Args:
        y: f[N] labels of all samples.
        states: name -> i[N] 0, 1 or `UNKNOWN`, known at each sample's decision bar.
        linear: f64[N] probability of the logistic regression.
        train: i64[M] samples whose labels may be used.
        asked: i64[K] samples to score.
    """
    said = {"prior": np.full(len(y), y[train].mean(dtype=np.float64))}
    said |= {name: shares(state, y, train) for name, state in states.items()}
    said["logistic"] = linear
    aims = y[asked]
    return [Naive(name, log_loss(p[asked], aims), auc(p[asked], aims)) for name, p in said.items()]


def shares(state: np.ndarray, y: np.ndarray, train: np.ndarray) -> np.ndarray:
    """f64[N]: the share of positives among training samples of the same state, one of each class added (Laplace)."""
    count = np.bincount(state[train], minlength=UNKNOWN + 1)
    positive = np.bincount(state[train], weights=y[train], minlength=UNKNOWN + 1)
    return ((positive + 1) / (count + 2))[state]


def last_label(y: np.ndarray, known: np.ndarray, resolved_at: np.ndarray) -> np.ndarray:
    """i8[S, T]: the label of the same symbol that was resolved last, at or before each bar; `UNKNOWN` before the first.

    Args:
        y: f[S, T] labels.
        known: bool[S, T] the label exists.
        resolved_at: i[S, T] bar at which it is known.
    """
    found = np.full(y.shape, UNKNOWN, np.int8)
    for s in range(len(y)):
        made = np.flatnonzero(known[s])
        order = made[np.argsort(resolved_at[s, made], kind="stable")]
        place = np.searchsorted(resolved_at[s, order], np.arange(y.shape[1]), side="right") - 1
        seen = place >= 0
        found[s, seen] = y[s, order[place[seen]]] > 0.5
    return found


def momentum(close: np.ndarray, present: np.ndarray, bars: int = PAST_BARS) -> np.ndarray:
    """i8[S, T]: whether the close lies above that of `bars` bars ago; `UNKNOWN` where one of the two is missing."""
    found = np.full(close.shape, UNKNOWN, np.int8)
    both = present[:, bars:] & present[:, :-bars]
    found[:, bars:][both] = (close[:, bars:] > close[:, :-bars])[both]
    return found


def logistic(x: np.ndarray, y: np.ndarray, train: np.ndarray) -> np.ndarray:
    """f64[N]: logistic regression (Cox 1958, J. Royal Statistical Society B 20:215) on the columns of f[N, F].

    Newton's method on the penalised log-likelihood (McCullagh & Nelder 1989, section 4.4), columns in training
    deviations: b <- b + (X'WX + R)^-1 (X'(y - p) - R b), with W = p (1 - p) and R = 1 but for the constant.
    """
    mean, spread = x[train].mean(axis=0, dtype=np.float64), x[train].std(axis=0, dtype=np.float64)
    z = np.c_[np.ones(len(x)), (x - mean) / np.where(spread > 0, spread, 1.0)]
    z_train, aims = z[train], y[train].astype(np.float64)
    penalty = RIDGE * np.eye(z.shape[1])
    penalty[0, 0] = 1e-9
    b_K = np.zeros(z.shape[1])
    for _ in range(ROUNDS):
        p = expit(z_train @ b_K)
        slope = z_train.T @ (aims - p) - penalty @ b_K
        step = np.linalg.solve((z_train * (p * (1 - p))[:, None]).T @ z_train + penalty, slope)
        b_K += step
        if np.abs(step).max() < 1e-6:
            break
    return expit(z @ b_K)
