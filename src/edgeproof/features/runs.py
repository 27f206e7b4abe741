"""Runs: a symbol's bars in order, cut where it was away for longer than `max_gap_bars` slots."""

# S symbols, T bars (slots of the market's clock), n rows (bars of one run)

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numba import njit

from edgeproof.data.panel import Panel
from edgeproof.features.cross import market_returns, market_since
from edgeproof.features.feature import Rows

__all__ = ["Market", "Run", "market_of", "symbol_runs", "usable_bars"]


@dataclass(frozen=True)
class Run:
    """An unbroken run of one symbol's bars.

    Attributes:
        slots: i64[n] clock index of each row.
        rows: the bars.
    """

    slots: np.ndarray
    rows: Rows


@dataclass(frozen=True)
class Market:
    """The market's log return at each slot, f64[T] (`cross.market_returns`)."""

    returns: np.ndarray


@njit(cache=True, nogil=True)
def _usable(prices: np.ndarray, present: np.ndarray) -> np.ndarray:
    S, T = present.shape
    out = np.zeros((S, T), np.bool_)
    for s in range(S):
        for t in range(T):
            if present[s, t]:
                good = 0.0 <= prices[s, t, 4] < np.inf
                for c in range(4):
                    good &= 0.0 < prices[s, t, c] < np.inf
                out[s, t] = good
    return out


@njit(cache=True, nogil=True)
def _columns(prices: np.ndarray, slots: np.ndarray) -> np.ndarray:
    out = np.empty((5, slots.shape[0]))
    for i in range(slots.shape[0]):
        for c in range(5):
            out[c, i] = prices[slots[i], c]
    return out


def usable_bars(panel: Panel) -> np.ndarray:
    """bool[S, T]: present, prices positive and finite, volume finite and not negative."""
    return _usable(panel.prices, panel.present)


def market_of(panel: Panel, usable: np.ndarray, max_gap_bars: int) -> Market:
    """The market's returns over these bars."""
    return Market(market_returns(panel.prices, usable, max_gap_bars))


def symbol_runs(panel: Panel, s: int, usable: np.ndarray, market: Market | None, max_gap_bars: int) -> Iterator[Run]:
    """The runs of symbol `s`, oldest first; `usable` is its bool[T]. Without a market its columns are NaN."""
    slots = np.flatnonzero(usable)
    if not len(slots):
        return
    columns = _columns(panel.prices[s], slots)
    cuts = np.flatnonzero(np.diff(slots) - 1 > max_gap_bars) + 1
    for low, high in zip([0, *cuts], [*cuts, len(slots)], strict=True):
        own = slots[low:high]
        absent = np.full(len(own), np.nan)
        rows = Rows(
            *columns[:, low:high],
            close_time=panel.close_time[own],
            market_return=market.returns[own] if market else absent,
            market_since=market_since(market.returns, own) if market else absent,
        )
        yield Run(own, rows)
