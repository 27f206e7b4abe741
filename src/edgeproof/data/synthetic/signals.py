"""Signals of known-truth markets: each is a scalar recursion over one symbol's past bars, and nothing else.

`WICK`, an AR(1) of the wick asymmetry, white over time and independent of the return's sign:

    x_t = (lower wick - upper wick) / range / 0.2748,   s_t = phi s_{t-1} + sqrt(1 - phi^2) x_t,   g = s clipped at +-3

`LEVEL` and `SLOPE`, momentum that volume turns round; y is the z-score of log volume over 168 bars, clipped at +-3:

    r = (RSI_14 - 0.5) / 0.105
    LEVEL  g = r tanh(2 (q - 0.2)) / 0.78,     q_t = 0.9 q_{t-1} + 0.1 y_t                   (an interaction)
    SLOPE  g = r tanh(1.5 (d - 0.2)) / 0.81,   d = mean of the last 12 y - mean of the 12 before (order matters)

Volume rises with |return|; without the shift of 0.2 that would leave a linear part. RSI after Wilder (1978).
`REGIME` is a switch of the whole market, on above 1.25 and off below 0.8 of a ratio of two moving mean squares of the
market's log return (24 and 168 bars); between the two it stays as it was.
"""

# S symbols, K numbers of a symbol's state

import math

import numpy as np
from numba import njit

from edgeproof.data.synthetic.law import Law

__all__ = [
    "FORMULAS",
    "LEVEL_SIGNAL",
    "NO_SIGNAL",
    "REGIME",
    "SLOPE_SIGNAL",
    "WICK_SIGNAL",
    "signal_after",
    "state_size",
    "switch_after",
]

NO_SIGNAL, WICK_SIGNAL, LEVEL_SIGNAL, SLOPE_SIGNAL = 0, 1, 2, 3
REGIME = {"fast_bars": 24, "slow_bars": 168, "on_above": 1.25, "off_below": 0.8}
FORMULAS = {
    NO_SIGNAL: "0",
    WICK_SIGNAL: "AR(1) of (lower wick - upper wick) / range, clipped at 3",
    LEVEL_SIGNAL: "(rsi_14 - 0.5) / 0.105 tanh(2 (q - 0.2)) / 0.78, q = EWMA(0.9) of log_volume_z_168 clipped at 3",
    SLOPE_SIGNAL: "(rsi_14 - 0.5) / 0.105 tanh(1.5 (d - 0.2)) / 0.81, d = mean over 12 bars of log_volume_z_168 "
    "clipped at 3, less that over the 12 before",
}

PERIOD = 14  # of RSI
RSI_SD = 0.105
WINDOW = 168  # of the volume z-score
CLIP = 3.0
HALF = 12
SHIFT = 0.2
LEVEL_MEMORY, LEVEL_STEEP, LEVEL_SD = 0.9, 2.0, 0.78
SLOPE_STEEP, SLOPE_SD = 1.5, 0.81
# state of the volume signals: rise, fall, close before, q, bars seen; then rings of log volume and of y
RISE, FALL, BEFORE, LEVEL, SEEN, RINGS = 0, 1, 2, 3, 4, 5
FAST_RATE, SLOW_RATE = 1.0 / REGIME["fast_bars"], 1.0 / REGIME["slow_bars"]
ON_ABOVE, OFF_BELOW = REGIME["on_above"], REGIME["off_below"]


def state_size(code: int) -> int:
    """How many numbers of a symbol's past a signal keeps, K."""
    return RINGS + WINDOW + 2 * HALF if code in (LEVEL_SIGNAL, SLOPE_SIGNAL) else 1


@njit(cache=True)
def _wick_signal(state_K: np.ndarray, bar_5: np.ndarray, law: Law) -> float:
    # (lower wick - upper wick) / range = 2 (C-L)/(H-L) - 1 - (C-O)/(H-L): symmetric and independent of the return's
    # sign, so that a planted market looks like noise
    opened, high, low, close = bar_5[0], bar_5[1], bar_5[2], bar_5[3]
    asymmetry = ((close - low) - (high - close) - (close - opened)) / (high - low) / law.wick_scale
    phi = law.signal_memory
    state_K[0] = phi * state_K[0] + math.sqrt(1.0 - phi * phi) * asymmetry
    return min(max(state_K[0], -law.signal_cap), law.signal_cap)


@njit(cache=True)
def _rsi(state_K: np.ndarray, close: float) -> float:
    """Wilder's RSI, 0 to 1; what it began with weighs 1e-13 after the warm-up of 400 bars."""
    move = close - state_K[BEFORE] if state_K[SEEN] > 0.0 else 0.0
    state_K[BEFORE] = close
    state_K[RISE] += (max(move, 0.0) - state_K[RISE]) / PERIOD
    state_K[FALL] += (max(-move, 0.0) - state_K[FALL]) / PERIOD
    total = state_K[RISE] + state_K[FALL]
    return state_K[RISE] / total if total > 0.0 else 0.5


@njit(cache=True)
def _log_volume_z(ring_W: np.ndarray, seen: int, volume: float) -> float:
    """Z-score of log volume over the last 168 bars in two passes, clipped; 0 before there are as many."""
    newest = math.log(volume)
    ring_W[seen % WINDOW] = newest
    if seen + 1 < WINDOW:
        return 0.0
    mean = ring_W.sum() / WINDOW
    squares = ((ring_W - mean) ** 2).sum()
    z = (newest - mean) / math.sqrt(squares / (WINDOW - 1.0))
    return min(max(z, -CLIP), CLIP)


@njit(cache=True)
def _slope(ring_H: np.ndarray, seen: int) -> float:
    later = earlier = 0.0
    for back in range(HALF):
        later += ring_H[(seen - back) % (2 * HALF)]
        earlier += ring_H[(seen - HALF - back) % (2 * HALF)]
    return (later - earlier) / HALF


@njit(cache=True)
def _volume_signal(code: int, state_K: np.ndarray, bar_5: np.ndarray) -> float:
    seen = int(state_K[SEEN])
    momentum = (_rsi(state_K, bar_5[3]) - 0.5) / RSI_SD
    y = _log_volume_z(state_K[RINGS : RINGS + WINDOW], seen, bar_5[4])
    ring_H = state_K[RINGS + WINDOW :]
    ring_H[seen % (2 * HALF)] = y
    state_K[LEVEL] = LEVEL_MEMORY * state_K[LEVEL] + (1.0 - LEVEL_MEMORY) * y
    state_K[SEEN] = seen + 1.0
    if code == LEVEL_SIGNAL:
        return momentum * math.tanh(LEVEL_STEEP * (state_K[LEVEL] - SHIFT)) / LEVEL_SD
    return momentum * math.tanh(SLOPE_STEEP * (_slope(ring_H, seen) - SHIFT)) / SLOPE_SD


@njit(cache=True)
def signal_after(code: int, state_K: np.ndarray, bar_5: np.ndarray, law: Law) -> float:
    """The signal g after a bar; the state takes the bar in.

    Args:
        code: one of the signals' codes.
        state_K: f64[state_size(code)] of one symbol, zeros before its first bar; changed.
        bar_5: open, high, low, close, volume.
        law: parameters of the generator.
    """
    if code == WICK_SIGNAL:
        return _wick_signal(state_K, bar_5, law)
    if code in (LEVEL_SIGNAL, SLOPE_SIGNAL):
        return _volume_signal(code, state_K, bar_5)
    return 0.0


@njit(cache=True)
def switch_after(state_3: np.ndarray, market_return: float) -> float:
    """Whether the regime is on after a bar, 1 or 0; hysteresis keeps it from flickering.

    Args:
        state_3: f64[3] fast and slow mean square and the switch; zeros before the first bar; changed.
        market_return: mean over symbols of the log return from close to close.
    """
    squared = market_return * market_return
    state_3[0] += FAST_RATE * (squared - state_3[0])
    state_3[1] += SLOW_RATE * (squared - state_3[1])
    if state_3[0] > ON_ABOVE * state_3[1]:
        state_3[2] = 1.0
    elif state_3[0] < OFF_BELOW * state_3[1]:
        state_3[2] = 0.0
    return state_3[2]
