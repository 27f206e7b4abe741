"""Runs: a symbol's bars in order, cut where it was away for longer than `max_gap_bars` slots."""

# S symbols, T bars (slots of the market's clock), n rows (bars of one run)

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numba import njit

from edgeproof.data.panel import Panel
from edgeproof.features.cross import market_returns
from edgeproof.features.feature import Rows

__all__ = ["Run", "Survey", "survey_of", "symbol_runs"]


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
class Survey:
    """What every feature needs of the whole panel.

    Attributes:
        usable: bool[S, T] present, prices positive and finite, volume finite and not negative.
        log_close: f64[S, T] ln C where usable, else NaN.
        market: f64[T] the market's log return (`cross.market_returns`).
    """

    usable: np.ndarray
    log_close: np.ndarray
    market: np.ndarray


@njit(cache=True, nogil=True)
def _usable_closes(prices: np.ndarray, present: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    S, T = present.shape
    usable, close = np.empty((S, T), np.bool_), np.empty((S, T))
    for s in range(S):
        for t in range(T):
            bar = prices[s, t]
            positive = (bar[0] > 0.0) & (bar[1] > 0.0) & (bar[2] > 0.0) & (bar[3] > 0.0) & (bar[4] >= 0.0)
            good = present[s, t] & positive & (bar[0] + bar[1] + bar[2] + bar[3] + bar[4] < np.inf)
            usable[s, t] = good
            close[s, t] = bar[3] if good else np.nan
    return usable, close


def survey_of(panel: Panel, max_gap_bars: int) -> Survey:
    """Usable bars, their closes and the market's returns over them."""
    usable, close = _usable_closes(panel.prices, panel.present)
    log_close = np.log(close, out=close)
    return Survey(usable, log_close, market_returns(log_close, usable, max_gap_bars))


@njit(cache=True, nogil=True)
def _gathered(
    prices: np.ndarray, log_close: np.ndarray, market: np.ndarray, usable: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Slots i64[n] of the usable bars, and f64[8, n]: open, high, low, close, volume, ln C, market at and since."""
    slots = np.flatnonzero(usable)
    out = np.empty((8, len(slots)))
    o, h, l, c, v, logs, at, since = out[0], out[1], out[2], out[3], out[4], out[5], out[6], out[7]  # noqa: E741
    last = 0
    for i in range(len(slots)):
        t = slots[i]
        bar = prices[t]
        o[i], h[i], l[i], c[i], v[i] = bar[0], bar[1], bar[2], bar[3], bar[4]
        logs[i], at[i], since[i] = log_close[t], market[t], market[t]
        for missed in range(last + 1, t):
            since[i] += market[missed]
        last = t
    return slots, out


def symbol_runs(panel: Panel, s: int, survey: Survey, max_gap_bars: int) -> Iterator[Run]:
    """The runs of symbol `s`, oldest first."""
    slots, columns = _gathered(panel.prices[s], survey.log_close[s], survey.market, survey.usable[s])
    if not len(slots):
        return
    columns[7, 0] = np.nan
    cuts = np.flatnonzero(np.diff(slots) - 1 > max_gap_bars) + 1
    columns[7, cuts] = np.nan
    for low, high in zip([0, *cuts], [*cuts, len(slots)], strict=True):
        o, h, l, c, v, log_close, at, since = columns[:, low:high]  # noqa: E741 - the columns of a bar
        own = slots[low:high]
        yield Run(own, Rows(o, h, l, c, v, panel.close_time[own], log_close, at, since))
