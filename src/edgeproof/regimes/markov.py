"""A hidden Markov model with Gaussian states: EM for its numbers, the forward filter for the state at a bar.

A chain of K hidden states moves by move[i, j] = P(state_t = j | state_{t-1} = i); in state k an observation is
Gaussian with mean[k] and variance[k], its D parts independent (Hamilton 1989, Econometrica 57:357). The forward
recursion is scaled at every bar (Rabiner 1989, Proc. IEEE 77:257, section V.A):

f_t[j] = b_j(x_t) sum_i f_{t-1}[i] move[i, j] / c_t,   c_t so that f_t sums to 1,   log L = sum log c_t

f_t is P(state_t | x_1 .. x_t): filtered. Smoothed probabilities, which also look at later bars, are used inside EM
alone. A missing observation says nothing: its density is 1 in every state.
"""

# T bars, K states, D parts of an observation

from typing import NamedTuple

import numpy as np
from numba import njit

__all__ = ["Chain", "Fitted", "chain_of_quantiles", "em_step", "filter_states", "fit_chain"]

LEAST_SHARE = 1e-6  # of a part's variance over all bars: no state may shrink to a point
SMALLEST = 1e-250  # of a scale
LEAST_WEIGHT = 1e-8  # bars in a state below which its numbers stay as they were


class Chain(NamedTuple):
    """The model's numbers: start f64[K], move f64[K, K] (rows sum to 1), mean f64[K, D], variance f64[K, D]."""

    start: np.ndarray
    move: np.ndarray
    mean: np.ndarray
    variance: np.ndarray


class Fitted(NamedTuple):
    """A chain after EM, the log likelihood before each step and after the last, and whether the gain had faded."""

    chain: Chain
    log_likelihood: tuple[float, ...]
    settled: bool


def chain_of_quantiles(x_TD: np.ndarray, known: np.ndarray, states: int) -> Chain:
    """Where EM starts: equal groups by the last part of the observations, and states that last 20 bars.

    Args:
        x_TD: observations.
        known: bool[T] where there is one.
        states: K.
    """
    x = x_TD[known]
    groups = np.array_split(x[np.argsort(x[:, -1], kind="stable")], states)
    least = np.maximum(LEAST_SHARE * x.var(axis=0), 1e-300)
    move = np.full((states, states), 0.05 / max(states - 1, 1))
    np.fill_diagonal(move, 0.95 if states > 1 else 1.0)
    mean = np.array([group.mean(axis=0) for group in groups])
    variance = np.array([np.maximum(group.var(axis=0), least) for group in groups])
    return Chain(np.full(states, 1.0 / states), move, mean, variance)


def fit_chain(
    x_TD: np.ndarray, known: np.ndarray, chain: Chain, *, most_steps: int = 100, gain: float = 1e-7
) -> Fitted:
    """EM from a chain until a step gains less than `gain` of log likelihood a bar (Baum et al. 1970).

    Args:
        x_TD: observations, all of them before the moment of the fit.
        known: bool[T] where there is one.
        chain: to start from.
        most_steps: steps at most.
        gain: smallest gain a bar that is worth another step.
    """
    least = np.maximum(LEAST_SHARE * x_TD[known].var(axis=0), 1e-300)
    said: list[float] = []
    for _ in range(most_steps):
        after, value = em_step(x_TD, known, chain, least)
        said.append(float(value))
        if len(said) > 1 and said[-1] - said[-2] < gain * len(x_TD):
            return Fitted(chain, tuple(said), settled=True)
        chain = after
    said.append(float(filter_states(x_TD, known, chain)[1]))
    return Fitted(chain, tuple(said), settled=False)


@njit(cache=True, nogil=True)
def _densities(x_TD: np.ndarray, known: np.ndarray, chain: Chain) -> tuple[np.ndarray, np.ndarray]:
    """Densities f64[T, K] divided by each bar's largest, and the logarithm of that largest f64[T]."""
    T, D = x_TD.shape
    K = len(chain.start)
    b, largest = np.ones((T, K)), np.zeros(T)
    for t in range(T):
        if known[t]:
            for k in range(K):
                total = 0.0
                for d in range(D):
                    off = x_TD[t, d] - chain.mean[k, d]
                    total -= 0.5 * (off * off / chain.variance[k, d] + np.log(2.0 * np.pi * chain.variance[k, d]))
                b[t, k] = total
            largest[t] = b[t].max()
            for k in range(K):
                b[t, k] = np.exp(b[t, k] - largest[t])
    return b, largest


@njit(cache=True, nogil=True)
def _forward(b: np.ndarray, start: np.ndarray, move: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Filtered probabilities f64[T, K] and their scales c f64[T].

    An observation that the reachable states cannot give at all is taken as a new start.
    """
    T, K = b.shape
    f, c = np.empty((T, K)), np.empty(T)
    for t in range(T):
        total = 0.0
        for j in range(K):
            prior = start[j]
            if t > 0:
                prior = 0.0
                for i in range(K):
                    prior += f[t - 1, i] * move[i, j]
            f[t, j] = prior * b[t, j]
            total += f[t, j]
        if total < SMALLEST:
            f[t] = b[t]
            total = b[t].sum()
            c[t] = SMALLEST
        else:
            c[t] = total
        for j in range(K):
            f[t, j] /= total
    return f, c


@njit(cache=True, nogil=True)
def filter_states(x_TD: np.ndarray, known: np.ndarray, chain: Chain) -> tuple[np.ndarray, float]:
    """P(state_t | x_1 .. x_t) f64[T, K], and the log likelihood of all observations."""
    b, largest = _densities(x_TD, known, chain)
    f, c = _forward(b, chain.start, chain.move)
    return f, np.log(c).sum() + largest.sum()


@njit(cache=True, nogil=True)
def _expect(b: np.ndarray, chain: Chain) -> tuple[np.ndarray, np.ndarray, float]:
    """Smoothed probabilities f64[T, K], expected moves f64[K, K], and sum log c."""
    T, K = b.shape
    f, c = _forward(b, chain.start, chain.move)
    later, before = np.ones(K), np.ones(K)
    smoothed, moves = np.empty((T, K)), np.zeros((K, K))
    smoothed[T - 1] = f[T - 1]
    for t in range(T - 2, -1, -1):
        for i in range(K):
            before[i] = 0.0
            for j in range(K):
                step = chain.move[i, j] * b[t + 1, j] * later[j] / c[t + 1]
                moves[i, j] += f[t, i] * step
                before[i] += step
        for i in range(K):
            later[i] = before[i]
            smoothed[t, i] = f[t, i] * before[i]
    return smoothed, moves, np.log(c).sum()


@njit(cache=True, nogil=True)
def em_step(x_TD: np.ndarray, known: np.ndarray, chain: Chain, least: np.ndarray) -> tuple[Chain, float]:
    """One step of EM: a chain whose likelihood is no lower, and the log likelihood of the one that was given.

    Args:
        x_TD: observations.
        known: bool[T] where there is one.
        chain: before the step.
        least: f64[D] smallest variance of a state.
    """
    b, largest = _densities(x_TD, known, chain)
    smoothed, moves, said = _expect(b, chain)
    K, D = chain.mean.shape
    move, mean, variance = chain.move.copy(), chain.mean.copy(), chain.variance.copy()
    weight = smoothed * known.astype(np.float64).reshape(-1, 1)
    for k in range(K):
        left, total = moves[k].sum(), weight[:, k].sum()
        if left > LEAST_WEIGHT:
            move[k] = moves[k] / left
        if total > LEAST_WEIGHT:
            for d in range(D):
                mean[k, d] = (weight[:, k] * x_TD[:, d]).sum() / total
                off = x_TD[:, d] - mean[k, d]
                variance[k, d] = max((weight[:, k] * off * off).sum() / total, least[d])
    return Chain(smoothed[0].copy(), move, mean, variance), said + largest.sum()
