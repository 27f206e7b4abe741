"""The recursion of known-truth bars: all that moves the next bar's law is a function of past bars.

Symbol s, bar t; everything on the right is known at the close of t-1 except the draws f, n, W, n', E, n'', n''':

    sigma_t = own_s sqrt(hM_{t-1} hI_{t-1}) (1 + day cos(2 pi hour / 24))
    e_t     = (beta f_t + sqrt(1 - beta^2) n_t) sqrt((nu - 2) / W_t)             Student t_nu, unit variance
    R_t     = max(kappa_t g_{t-1} sigma_t + sigma_t e_t, -0.5),  C = O (1 + R)   a simple return: noise is a martingale
    O_t     = C_{t-1} exp(sqrt(delta) sigma_{t-1} n' - delta sigma_{t-1}^2 / 2)
    H, L    = max(O, C) exp(w), min(O, C) exp(-w'),  w = (sqrt(b^2 + 2 sigma^2 E) - |b|) / 2,  b = ln(1 + R)
    log V_t = base + 0.3 cos(2 pi hour / 24) + l_t + 0.35 (min(|b| / sigma, 4) - 0.75) + 0.3 n'',  l an AR(1)
    hI_t    = (1 - a - b) + a min(e_t^2, 16) / 0.9555 + b hI_{t-1};  hM the same on the mean over symbols

w is the exact excess of a Brownian bridge from 0 to b over its ends (E standard exponential; Karatzas & Shreve 1991,
4.3.40). A signal is a code with its own scalar state (`signals`), so that one compiled recursion carries every kind.
Where the market has a regime, g counts only while that is on.
"""

# S symbols, T bars (warm-up included), K numbers of a signal's state

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from edgeproof.data.synthetic.law import Law
from edgeproof.data.synthetic.signals import signal_after, switch_after

__all__ = ["Draws", "Setting", "Walk", "walk"]


class Draws(NamedTuple):
    """Every random number of a market, drawn before the recursion starts; f64[S, T] but the first."""

    market: np.ndarray  # f64[T], f
    own: np.ndarray  # n
    tail: np.ndarray  # sqrt((nu - 2) / W)
    gap: np.ndarray  # n'
    upper: np.ndarray  # E of the upper wick
    lower: np.ndarray  # E of the lower wick
    level: np.ndarray  # n''' moves the slow part of log volume
    volume: np.ndarray  # n''


class Setting(NamedTuple):
    """What is fixed before the first draw; the paths run one bar past the end, for the law after the last bar."""

    sigma: np.ndarray  # f64[S] own volatility
    price: np.ndarray  # f64[S] price before the first bar
    volume: np.ndarray  # f64[S] base of log volume
    kappa: np.ndarray  # f64[T + 1] strength of the signal
    day: np.ndarray  # f64[T + 1] cos(2 pi hour / 24)


class Walk(NamedTuple):
    """Bars, and of the bar after each of them: drift kappa g in volatilities, and volatility."""

    ohlcv: np.ndarray  # f64[S, T, 5]
    drift: np.ndarray  # f64[S, T]
    sigma: np.ndarray  # f64[S, T]


@njit(cache=True)
def _sigma(own: float, variance: float, day: float, law: Law) -> float:
    return own * math.sqrt(variance) * (1.0 + law.day * day)


@njit(cache=True)
def _variance(last: float, squared: float, news: float, memory: float, law: Law) -> float:
    return (1.0 - news - memory) + news * squared / law.shock_mean + memory * last


@njit(cache=True)
def _wick(log_body: float, sigma: float, exponential: float) -> float:
    return 0.5 * (math.sqrt(log_body * log_body + 2.0 * sigma * sigma * exponential) - abs(log_body))


@njit(cache=True)
def _volume(level: float, day: float, log_body: float, sigma: float, law: Law) -> float:
    size = min(abs(log_body) / sigma, 4.0) - 0.75
    return math.exp(level + law.volume_day * day + law.volume_size * size)


@njit(cache=True)
def _shock(s: int, t: int, draws: Draws, law: Law) -> float:
    normal = law.factor * draws.market[t] + math.sqrt(1.0 - law.factor * law.factor) * draws.own[s, t]
    return normal * draws.tail[s, t]


@njit(cache=True)
def walk(draws: Draws, setting: Setting, start_SK: np.ndarray, signal: tuple[int, bool], law: Law) -> Walk:
    """Run the recursion of this module over all symbols, bar by bar.

    Args:
        draws: every random number, T bars.
        setting: symbols' constants, strength and hour of each bar.
        start_SK: f64[S, K] zeros, K the signal's `state_size`.
        signal: code of the signal, and whether it counts in one regime only.
        law: parameters.

    Returns:
        Bars and the law of the bar after each of them.
    """
    S, T = draws.own.shape
    ohlcv_ST5, drift_ST, sigma_ST = np.empty((S, T, 5)), np.empty((S, T)), np.empty((S, T))
    close_S, level_S, state_SK = setting.price.copy(), np.zeros(S), start_SK.copy()
    own_S, market, switch_3 = np.ones(S), 1.0, np.zeros(3)
    code, switched = signal
    # the law of the bar at hand is (drift, sigma); the gap before it has the volatility of the bar before (last)
    drift_S, sigma_S, root_gap = np.zeros(S), setting.sigma.copy(), math.sqrt(law.gap)
    last_S = sigma_S.copy()
    level_sd = law.volume_sd * math.sqrt(1.0 - law.volume_memory * law.volume_memory)
    for t in range(T):
        shocks = moved = 0.0
        for s in range(S):
            bar_5, sigma, mean, last = ohlcv_ST5[s, t], sigma_S[s], drift_S[s] * sigma_S[s], last_S[s]
            body = max(mean + sigma * _shock(s, t, draws, law), law.floor)
            log_body = math.log(1.0 + body)
            bar_5[0] = close_S[s] * math.exp(root_gap * last * draws.gap[s, t] - 0.5 * law.gap * last * last)
            before, bar_5[3] = close_S[s], bar_5[0] * (1.0 + body)
            close_S[s] = bar_5[3]
            bar_5[1] = max(bar_5[0], bar_5[3]) * math.exp(_wick(log_body, sigma, draws.upper[s, t]))
            bar_5[2] = min(bar_5[0], bar_5[3]) * math.exp(-_wick(log_body, sigma, draws.lower[s, t]))
            level_S[s] = law.volume_memory * level_S[s] + level_sd * draws.level[s, t]
            level = setting.volume[s] + level_S[s] + law.volume_noise * draws.volume[s, t]
            bar_5[4] = _volume(level, setting.day[t], log_body, sigma, law)
            squared = min(((body - mean) / sigma) ** 2, law.shock_cap)
            shocks += squared
            own_S[s] = _variance(own_S[s], squared, law.own_news, law.own_memory, law)
            drift_S[s] = setting.kappa[t + 1] * signal_after(code, state_SK[s], bar_5, law)
            moved += math.log(bar_5[3] / before) if switched else 0.0
            last_S[s] = sigma
        market = _variance(market, shocks / S, law.market_news, law.market_memory, law)
        if switched and switch_after(switch_3, moved / S) == 0.0:
            drift_S[:] = 0.0
        for s in range(S):
            sigma_S[s] = _sigma(setting.sigma[s], market * own_S[s], setting.day[t + 1], law)
            drift_ST[s, t], sigma_ST[s, t] = drift_S[s], sigma_S[s]
    return Walk(ohlcv_ST5, drift_ST, sigma_ST)
