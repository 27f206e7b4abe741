"""Features of the market as a whole, defined over bars that exist.

The market's return at t is the equal-weight mean of ln(C_t / C_p) over the symbols present both at t and at p, the last
slot before t at which any symbol has a bar. So a slot that the whole market misses (an exchange's outage) is bridged,
and a symbol that misses bars is compared with the market over exactly the bars between its own.
"""

# S symbols, T bars, n rows

import numpy as np
from numba import njit

from edgeproof.features.feature import Rows
from edgeproof.features.rolling import rolling_sum

__all__ = ["market_return", "market_returns", "relative_strength"]


def market_returns(log_close: np.ndarray, usable: np.ndarray, max_gap_bars: int) -> np.ndarray:
    """f64[T]: the market's log return; 0 where no symbol has a bar, NaN where none has both bars.

    NaN, too, where the market itself was away for more than `max_gap_bars` slots.
    """
    alive = np.logical_or.reduce(usable, axis=0)
    slots = np.flatnonzero(alive)
    before = np.full(usable.shape[1], -1)
    before[slots[1:]] = np.where(np.diff(slots) - 1 <= max_gap_bars, slots[:-1], -1)
    total, count = _summed_returns(log_close, usable, before)
    return np.divide(total, count, out=np.where(alive, np.nan, 0.0), where=count > 0)


@njit(cache=True, nogil=True)
def _summed_returns(log_close: np.ndarray, usable: np.ndarray, before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    S, T = usable.shape
    total, count = np.zeros(T), np.zeros(T, np.int64)
    for s in range(S):
        for t in range(T):
            p = before[t]
            if p >= 0 and usable[s, t] and usable[s, p]:
                total[t] += log_close[s, t] - log_close[s, p]
                count[t] += 1
    return total, count


def market_return(rows: Rows) -> np.ndarray:
    """The market's return at this bar."""
    return rows.market_return


def relative_strength(rows: Rows, window: int) -> np.ndarray:
    """The symbol's log return over `window` bars minus the market's over the same time."""
    return rolling_sum(rows.log_return - rows.market_since, window)
