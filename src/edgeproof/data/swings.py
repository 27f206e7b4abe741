"""Moves that no market makes: closes that go and come back, opens that jump by a whole factor.

These rules look at the bar after; they are for findings alone and never decide which bar is used.
"""

# T bars of one symbol, in order of time

import numpy as np

from edgeproof.data.masks import bad_price

__all__ = ["open_jumps", "reverting", "robust_volatility", "whole_factor"]

REVERT_LOG = 0.26  # a close 30% away ...
REVERT_VOLATILITIES = 15.0  # ... and 15 usual moves, undone by three quarters in the next bar
REVERT_LEFT = 0.25
JUMP_LOG = 0.37  # 1.45 times: the smallest common split is 3 for 2
FACTORS = np.array(
    [1.5, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 25, 30, 40, 50, 100, 200, 250, 500, 1e3, 1e4, 1e5, 1e6]
)
NEAR = 0.05


def robust_volatility(close: np.ndarray) -> float:
    """Standard deviation of log returns from the median of their absolute values, zeros left out."""
    moves = np.abs(np.diff(np.log(close)))
    moves = moves[moves > 0]
    return float(1.4826 * np.median(moves)) if moves.size else 0.0


def reverting(ohlcv: np.ndarray) -> np.ndarray:
    """bool[T]: the close is far from the one before, and the next close is back."""
    found = np.zeros(len(ohlcv), dtype=bool)
    good = np.flatnonzero(~bad_price(ohlcv))
    if good.size < 3:
        return found
    close = ohlcv[good, 3]
    moves = np.diff(np.log(close))
    there, back = moves[:-1], moves[1:]
    far = np.abs(there) > max(REVERT_LOG, REVERT_VOLATILITIES * robust_volatility(close))
    found[good[1:-1]] = far & (np.abs(there + back) < REVERT_LEFT * np.abs(there))
    return found


def open_jumps(ohlcv: np.ndarray) -> np.ndarray:
    """f64[T]: log(open / last close) where it is at least 45% and the bar's own close stays there, else 0."""
    jumps = np.zeros(len(ohlcv))
    good = np.flatnonzero(~bad_price(ohlcv))
    opened, close = np.log(ohlcv[good, 0]), np.log(ohlcv[good, 3])
    jump = opened[1:] - close[:-1]
    stays = np.abs(close[1:] - opened[1:]) < 0.5 * np.abs(jump)
    jumps[good[1:]] = np.where((np.abs(jump) >= JUMP_LOG) & stays, jump, 0.0)
    return jumps


def whole_factor(jumps: np.ndarray) -> np.ndarray:
    """f64[T]: the split-like factor within 5% of exp(|jump|), 0 where there is none."""
    ratio = np.exp(np.abs(jumps))
    nearest = FACTORS[np.abs(np.log(ratio)[:, None] - np.log(FACTORS)).argmin(axis=1)]
    return np.where((jumps != 0) & (np.abs(ratio / nearest - 1) < NEAR), nearest, 0.0)
