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
Where the market has a regime, g counts only while that is on. A bar is made in two steps: `make_bar` draws it from the
state; `take_in` and `close_bar` move the state by what the bar shows and nothing else, so that `paths` can follow bars.
"""

# S symbols, T bars (warm-up included), K numbers of a signal's state

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from edgeproof.data.synthetic.law import Law
from edgeproof.data.synthetic.signals import signal_after, switch_after

__all__ = ["Draws", "Setting", "State", "Walk", "close_bar", "make_bar", "start_state", "take_in", "walk"]


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


class State(NamedTuple):
    """All that the next bar's law and later bars depend on; its arrays change as bars are taken in."""

    close: np.ndarray  # f64[S]
    level: np.ndarray  # f64[S] slow part of log volume, the one thing that bars do not show exactly
    own: np.ndarray  # f64[S] hI
    drift: np.ndarray  # f64[S] mean of the next body in volatilities
    sigma: np.ndarray  # f64[S] volatility of the next body
    last: np.ndarray  # f64[S] volatility of the bar just taken in: its gap is still to come
    market: np.ndarray  # f64[1] hM
    switch: np.ndarray  # f64[3] see `switch_after`
    signal: np.ndarray  # f64[S, K] see `signal_after`


class Walk(NamedTuple):
    """Bars, and of the bar after each of them: drift kappa g in volatilities, and volatility."""

    ohlcv: np.ndarray  # f64[S, T, 5]
    drift: np.ndarray  # f64[S, T]
    sigma: np.ndarray  # f64[S, T]
    state: State  # after the last bar


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
def start_state(sigma_S: np.ndarray, price_S: np.ndarray, start_SK: np.ndarray) -> State:
    """The state before the first bar of the warm-up."""
    S = len(sigma_S)
    ones, zeros = np.ones(S), np.zeros(S)
    price, sigma, last, signal = price_S.copy(), sigma_S.copy(), sigma_S.copy(), start_SK.copy()
    return State(price, zeros.copy(), ones, zeros, sigma, last, np.ones(1), np.zeros(3), signal)


@njit(cache=True)
def make_bar(
    place: tuple[int, int], draws: Draws, state: State, known: tuple[float, float, Law], bar_5: np.ndarray
) -> float:
    """Draw the next bar of a symbol into bar_5; returns its body, a simple return.

    Args:
        place: symbol, and column of the draws.
        draws: random numbers.
        state: before the bar; the slow part of log volume moves.
        known: base of log volume, cos of the bar's hour, parameters.
        bar_5: open, high, low, close, volume; written.
    """
    (s, t), (base, day, law) = place, known
    sigma, mean, last = state.sigma[s], state.drift[s] * state.sigma[s], state.last[s]
    body = max(mean + sigma * _shock(s, t, draws, law), law.floor)
    log_body = math.log(1.0 + body)
    bar_5[0] = state.close[s] * math.exp(math.sqrt(law.gap) * last * draws.gap[s, t] - 0.5 * law.gap * last * last)
    bar_5[3] = bar_5[0] * (1.0 + body)
    bar_5[1] = max(bar_5[0], bar_5[3]) * math.exp(_wick(log_body, sigma, draws.upper[s, t]))
    bar_5[2] = min(bar_5[0], bar_5[3]) * math.exp(-_wick(log_body, sigma, draws.lower[s, t]))
    level_sd = law.volume_sd * math.sqrt(1.0 - law.volume_memory * law.volume_memory)
    state.level[s] = law.volume_memory * state.level[s] + level_sd * draws.level[s, t]
    level = base + state.level[s] + law.volume_noise * draws.volume[s, t]
    bar_5[4] = _volume(level, day, log_body, sigma, law)
    return body


@njit(cache=True)
def take_in(s: int, bar_5: np.ndarray, body: float, state: State, known: tuple[float, int, Law]) -> float:
    """Move symbol s's part of the state by a bar and its body; returns its squared shock.

    `known` is the strength of the bar after it, the signal's code and the parameters.
    """
    kappa, code, law = known
    sigma = state.sigma[s]
    squared = min(((body - state.drift[s] * sigma) / sigma) ** 2, law.shock_cap)
    state.own[s] = _variance(state.own[s], squared, law.own_news, law.own_memory, law)
    state.drift[s] = kappa * signal_after(code, state.signal[s], bar_5, law)
    state.close[s], state.last[s] = bar_5[3], sigma
    return squared


@njit(cache=True)
def close_bar(
    means: tuple[float, float], switched: bool, own_sigma_S: np.ndarray, state: State, known: tuple[float, Law]
) -> None:
    """Move the market's part of the state by a bar.

    Args:
        means: over symbols, of squared shocks and of log returns.
        switched: the signal counts in one regime only.
        own_sigma_S: symbols' own volatilities.
        state: with every symbol's bar taken in.
        known: cos of the hour of the bar after it, parameters.
    """
    (squared, moved), (day, law) = means, known
    state.market[0] = _variance(state.market[0], squared, law.market_news, law.market_memory, law)
    if switched and switch_after(state.switch, moved) == 0.0:
        state.drift[:] = 0.0
    for s in range(len(own_sigma_S)):
        state.sigma[s] = _sigma(own_sigma_S[s], state.market[0] * state.own[s], day, law)


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
        Bars, the law of the bar after each of them, and the state after the last.
    """
    S, T = draws.own.shape
    ohlcv_ST5, drift_ST, sigma_ST = np.empty((S, T, 5)), np.empty((S, T)), np.empty((S, T))
    state, (code, switched) = start_state(setting.sigma, setting.price, start_SK), signal
    for t in range(T):
        shocks = moved = 0.0
        for s in range(S):
            bar_5, before = ohlcv_ST5[s, t], state.close[s]
            body = make_bar((s, t), draws, state, (setting.volume[s], setting.day[t], law), bar_5)
            shocks += take_in(s, bar_5, body, state, (setting.kappa[t + 1], code, law))
            moved += math.log(bar_5[3] / before) if switched else 0.0
        close_bar((shocks / S, moved / S), switched, setting.sigma, state, (setting.day[t + 1], law))
        drift_ST[:, t], sigma_ST[:, t] = state.drift, state.sigma
    return Walk(ohlcv_ST5, drift_ST, sigma_ST, state)
