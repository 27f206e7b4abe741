"""Other futures of a known-truth market: the generator's state after any bar, and bars drawn onwards from there.

The state is found by taking in the market's bars one by one, as the recursion does (`walk`), from its state before the
first bar. The slow part l of log volume alone is not shown by bars, log V being l plus noise: it is filtered (Kalman
1960) and each path draws its own, so that paths have the law given past bars and nothing else.
"""

# K chosen bars, S symbols, T bars, M paths, H steps onwards, J = K M H draws of a symbol

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from edgeproof.core.rng import Rng
from edgeproof.data.synthetic.generate import beginning
from edgeproof.data.synthetic.law import FREEDOM, Law
from edgeproof.data.synthetic.planted import KINDS
from edgeproof.data.synthetic.walk import Draws, Setting, State, close_bar, make_bar, take_in

__all__ = ["MOST_BARS", "States", "follow", "futures"]

MOST_BARS = 1_000  # of one future


class _Stack(NamedTuple):
    """The arrays of `State` after each chosen bar, K first, and the spread of what is known of l."""

    close: np.ndarray
    level: np.ndarray
    own: np.ndarray
    drift: np.ndarray
    sigma: np.ndarray
    last: np.ndarray
    market: np.ndarray
    switch: np.ndarray
    signal: np.ndarray
    level_sd: np.ndarray  # f64[1]


@dataclass(frozen=True)
class States:
    """The state of a market after chosen bars.

    Attributes:
        at: i64[K] the bars.
        stack: the state after each of them.
        setting: constants of symbols and clock.
        signal: code of the signal, and whether it counts in one regime only.
        law: parameters.
    """

    at: np.ndarray
    stack: _Stack
    setting: Setting
    signal: tuple[int, bool]
    law: Law

    def summary(self) -> np.ndarray:
        """f64[K, S, D]: signal first, log volatility next, then what else the bars to come depend on most."""
        stack, S = self.stack, self.stack.own.shape[1]
        level = np.log(self.setting.sigma * np.sqrt(stack.own * stack.market))
        ratio = np.log((stack.switch[:, 0] + 1e-12) / (stack.switch[:, 1] + 1e-12))
        clock = (self.setting.day[self.at + 1], np.log(stack.market[:, 0]), ratio, stack.switch[:, 2])
        main, *others = self._signals()
        return np.stack([main, level, *others, *(one[:, None].repeat(S, 1) for one in clock)], axis=-1)

    def _signals(self) -> list[np.ndarray]:
        signal, drift = self.stack.signal, self.stack.drift
        if signal.shape[2] == 1:
            return [signal[:, :, 0], drift]  # it counts later even where the regime is off now
        total = signal[:, :, 0] + signal[:, :, 1]  # RSI's rise and fall, then the level of volume
        rsi = np.divide(signal[:, :, 0], total, out=np.full(total.shape, 0.5), where=total > 0.0)
        return [drift, rsi, signal[:, :, 3]]


@njit(cache=True)
def _observe(level: float, spread: float, seen: float, law: Law) -> float:
    """Mean of l after one more log volume (less its known parts), l known to `spread` (a variance) before it."""
    return level + spread / (spread + law.volume_noise * law.volume_noise) * (seen - level)


@njit(cache=True)
def _follow(
    ohlcv_ST5: np.ndarray, at_K: np.ndarray, setting: Setting, state: State, known: tuple[int, bool, Law]
) -> _Stack:
    code, switched, law = known
    S, K = len(ohlcv_ST5), len(at_K)
    state.level[:] = 0.0  # known no better than its law
    out = _Stack(
        np.empty((K, S)),
        np.empty((K, S)),
        np.empty((K, S)),
        np.empty((K, S)),
        np.empty((K, S)),
        np.empty((K, S)),
        np.empty((K, 1)),
        np.empty((K, 3)),
        np.empty((K, S, state.signal.shape[1])),
        np.empty(1),
    )
    spread, left, memory2, k = law.volume_sd**2, 0.0, law.volume_memory**2, 0
    for t in range(at_K[-1] + 1):
        shocks = moved = 0.0
        before_S = state.close.copy()
        left = spread * law.volume_noise**2 / (spread + law.volume_noise**2)
        for s in range(S):
            bar_5 = ohlcv_ST5[s, t]
            body = bar_5[3] / bar_5[0] - 1.0
            size = min(abs(math.log(1.0 + body)) / state.sigma[s], 4.0) - 0.75
            seen = math.log(bar_5[4]) - setting.volume[s] - law.volume_day * setting.day[t] - law.volume_size * size
            state.level[s] = _observe(law.volume_memory * state.level[s], spread, seen, law)
            shocks += take_in(s, bar_5, body, state, (setting.kappa[t + 1], code, law))
            moved += math.log(bar_5[3] / before_S[s]) if switched else 0.0
        spread = memory2 * left + law.volume_sd**2 * (1.0 - memory2)
        close_bar((shocks / S, moved / S), switched, setting.sigma, state, (setting.day[t + 1], law))
        if t == at_K[k]:
            out.close[k], out.level[k], out.own[k], out.drift[k] = state.close, state.level, state.own, state.drift
            out.sigma[k], out.last[k], out.market[k] = state.sigma, state.last, state.market
            out.switch[k], out.signal[k] = state.switch, state.signal
            k += 1
    out.level_sd[0] = math.sqrt(left)
    return out


def follow(truth: Mapping[str, Any], ohlcv_ST5: np.ndarray, at_K: np.ndarray) -> States:
    """The state of a known-truth market after chosen bars, from its bars up to them and its parameters.

    Args:
        truth: the market's truth parameters.
        ohlcv_ST5: its bars from the first one on; none after the last chosen bar is read.
        at_K: i64[K] the bars, rising.

    Raises:
        ValueError: no bars chosen, beyond the market, or not rising.
    """
    at = np.asarray(at_K, dtype=np.int64)
    if not len(at) or at[0] < 0 or (np.diff(at) <= 0).any() or at[-1] >= ohlcv_ST5.shape[1]:
        raise ValueError("chosen bars must rise within the market")
    kind, law = KINDS[truth["kind"]], Law(**truth["law"])
    setting, state = beginning(truth, MOST_BARS + 2)
    stack = _follow(ohlcv_ST5, at, setting, state, (kind.signal, kind.switched, law))
    return States(at, stack, setting, (kind.signal, kind.switched), law)


@njit(cache=True)
def _copy(stack: _Stack, k: int) -> State:
    return State(
        stack.close[k].copy(),
        stack.level[k].copy(),
        stack.own[k].copy(),
        stack.drift[k].copy(),
        stack.sigma[k].copy(),
        stack.last[k].copy(),
        stack.market[k].copy(),
        stack.switch[k].copy(),
        stack.signal[k].copy(),
    )


@njit(cache=True)
def _onwards(
    stack: _Stack, at_K: np.ndarray, draws: Draws, start_SJ: np.ndarray, known: tuple[int, Setting, int, bool, Law]
) -> np.ndarray:
    H, setting, code, switched, law = known
    K, S = stack.own.shape
    M = start_SJ.shape[1] // K
    out = np.empty((K, M, S, H, 5))
    for k in range(K):
        for m in range(M):
            state, j = _copy(stack, k), k * M + m
            for s in range(S):
                state.level[s] += stack.level_sd[0] * start_SJ[s, j]
            for h in range(H):
                t, shocks, moved = int(at_K[k]) + 1 + h, 0.0, 0.0
                for s in range(S):
                    bar_5, before = out[k, m, s, h], state.close[s]
                    body = make_bar((s, j * H + h), draws, state, (setting.volume[s], setting.day[t], law), bar_5)
                    shocks += take_in(s, bar_5, body, state, (setting.kappa[t + 1], code, law))
                    moved += math.log(bar_5[3] / before) if switched else 0.0
                close_bar((shocks / S, moved / S), switched, setting.sigma, state, (setting.day[t + 1], law))
    return out


def futures(states: States, chosen: slice, paths: int, bars: int, rng: Rng) -> np.ndarray:
    """Bars that could have come after the chosen states; the symbols of one path belong together.

    Args:
        states: where the paths begin.
        chosen: which of the K states.
        paths: M, futures of each state.
        bars: H, bars of each future, at most 1,000.
        rng: of the draws.

    Returns:
        f64[K, M, S, H, 5] of open, high, low, close, volume.

    Raises:
        ValueError: more bars than the clock reaches.
    """
    if not 1 <= bars <= MOST_BARS:
        raise ValueError(f"{bars} bars: a future has 1 to {MOST_BARS:,}")
    at, generator = states.at[chosen], rng.numpy()
    stack = states.stack._replace(**{name: getattr(states.stack, name)[chosen] for name in State._fields})
    S, J = stack.own.shape[1], len(at) * paths
    shape = (S, J * bars)
    draws = Draws(
        market=generator.standard_normal(J * bars),
        own=generator.standard_normal(shape),
        tail=np.sqrt((FREEDOM - 2.0) / generator.chisquare(FREEDOM, shape)),
        gap=generator.standard_normal(shape),
        upper=generator.standard_exponential(shape),
        lower=generator.standard_exponential(shape),
        level=generator.standard_normal(shape),
        volume=generator.standard_normal(shape),
    )
    start_SJ = generator.standard_normal((S, J))
    return _onwards(stack, at, draws, start_SJ, (bars, states.setting, *states.signal, states.law))
