"""Surrogates: a market's own bars with every predictability of returns taken out and all else kept.

`sign_flip` turns whole bars over, one fair sign a slot for all symbols: E[return | everything else] is exactly 0, so
every predictor is dead by construction, market-wide or cross-sectional. `row_permutation` deals the standardised bars
of all symbols anew, row by row, without replacement; it keeps drift and skew and is the second opinion.

What would look right and is not: flipping log returns adds a drift of sigma^2/2 a bar; blocks longer than a feature's
lag keep what is predictable within them; drawing with replacement puts equal bars into training and test; shifting
labels against features also hides a look-ahead bug, which these two leave in plain sight.
"""

# S symbols, T slots

from collections.abc import Callable
from pathlib import Path

import numba
import numpy as np

from edgeproof.core.errors import DataError
from edgeproof.core.lately import known_before
from edgeproof.data.bars import Bars
from edgeproof.data.panel import Panel
from edgeproof.data.store import Market, write_market

__all__ = ["SURROGATES", "make_surrogate", "row_permutation", "sign_flip"]

DECAY = 0.97  # of the volatility that standardises a bar: a memory of about 33 bars
WARM_BARS = 33  # until then the first bars' own mean stands in
COMMON_ROWS = 50  # rows of one presence pattern that are enough to be dealt among themselves


def sign_flip(prices: np.ndarray, present: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Bars with one fair sign a slot for all symbols, on simple returns; volume, gaps and mask stay.

    With x = bar / previous close - 1 the bar becomes 1 + s x, for s = -1 high and low change places. A symbol's first
    bar stays. Bars with some |x| >= 1 cannot be turned over; they go, whatever their sign, and their return with them.
    From close to close the prices are an exact martingale. From one open to the next, where fills are, they are one
    only where a bar's gap (open over the close before) and its move inside are uncorrelated: both share one sign, which
    falls out of their product, and to second order the drift of a bar is minus gap times move.

    Args:
        prices: f64[S, T, 5].
        present: bool[S, T].
        generator: of the signs.

    Returns:
        New prices f64[S, T, 5] (0 where no bar is) and present bool[S, T].
    """
    sign = np.where(generator.random(present.shape[1]) < 0.5, -1.0, 1.0)
    moves = _moves(prices, present)
    kept = present & (np.abs(moves) < 1.0).all(axis=2)
    flipped = sign[:, np.newaxis] * moves
    turned = sign < 0
    flipped[:, turned, 1], flipped[:, turned, 2] = -moves[:, turned, 2], -moves[:, turned, 1]
    return _chain(prices, kept, 1.0 + flipped), kept


def row_permutation(
    prices: np.ndarray, present: np.ndarray, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Bars of whole slots in another order: log bars over past volatility, dealt without replacement, scaled back.

    Slots at which the same symbols have a bar are dealt among themselves, so that rows stay whole and no mask moves;
    the rest symbol by symbol. The volatility (EWMA 0.97 of the squared log return, known before the bar) keeps its
    place; log volume moves as the residual from its own EWMA.

    What one span receives another lacks: without replacement the drifts of training and sealed bars, shares a and b of
    all, correlate by about -sqrt(a b / ((1 - a)(1 - b))), -0.6 at 60% and 20%. A pipeline that goes with the drift of
    its training bars claims too seldom on these (the check is conservative), one that goes against it too often.

    Args:
        prices: f64[S, T, 5].
        present: bool[S, T].
        generator: of the order.

    Returns:
        New prices f64[S, T, 5] (0 where no bar is) and present bool[S, T], which is the old one.
    """
    key = _dealt(present, generator)
    ratios, volume = np.zeros((*present.shape, 4)), np.zeros(present.shape)
    for s in range(len(prices)):
        at = np.flatnonzero(present[s])[1:]  # a symbol's first bar has no return and stays
        if len(at) == 0:
            continue
        log_bar = np.log1p(_moves(prices[s : s + 1], present[s : s + 1])[0, at])
        volatility = np.sqrt(_before(log_bar[:, 3] ** 2))
        scaled = np.divide(log_bar, volatility[:, None], out=np.zeros_like(log_bar), where=volatility[:, None] > 0)
        residual, level = _volume_residual(prices[s, at, 4])
        source = _sources(at, key)
        ratios[s, at] = np.exp(scaled[source] * volatility[:, None])
        volume[s, at] = np.exp(residual[source] + level)
    made = _chain(prices, present, np.where(present[:, :, None], ratios, 1.0))
    moved = present & (np.cumsum(present, axis=1) > 1)
    made[:, :, 4] = np.where(moved, volume, made[:, :, 4])
    return made, present.copy()


SURROGATES: dict[str, Callable[..., tuple[np.ndarray, np.ndarray]]] = {
    "sign_flip": sign_flip,
    "row_permutation": row_permutation,
}


def make_surrogate(kind: str, panel: Panel, out: Path, generator: np.random.Generator) -> Market:
    """Write a surrogate of a panel's bars as a market of its own; nothing beyond the panel is read.

    Its universe is `fixed`: what is left of a survivor's history holds no choice that pays.

    Args:
        kind: a key of `SURROGATES`.
        panel: the open bars that the config leaves in.
        out: a folder that does not exist or is empty.
        generator: of signs or order.

    Raises:
        DataError: no symbol keeps two bars.
    """
    prices, present = SURROGATES[kind](panel.prices, panel.present, generator)
    bars = [
        Bars(symbol, panel.open_time[at], panel.close_time[at], prices[s, at], f"surrogate {kind}")
        for s, symbol in enumerate(panel.symbols)
        if len(at := np.flatnonzero(present[s])) > 1
    ]
    if not bars:
        raise DataError("surrogate: no symbol has two usable bars in the open span; bring more bars")
    return write_market(
        out,
        bars,
        interval_ns=panel.interval_ns,
        calendar=panel.calendar,
        universe="fixed",
        kind="surrogate",
        source=f"surrogate {kind}",
    )


def _moves(prices: np.ndarray, present: np.ndarray) -> np.ndarray:
    """f64[S, T, 4] open, high, low, close over the symbol's previous close, minus 1; 0 at its first bar."""
    before = known_before(prices[:, :, 3], present, 0.0)
    known = present & (before > 0)
    safe = np.where(known, before, 1.0)[:, :, np.newaxis]
    return np.where(known[:, :, np.newaxis], prices[:, :, :4] / safe - 1.0, 0.0)


@numba.njit(cache=True)
def _chain(prices: np.ndarray, present: np.ndarray, ratios: np.ndarray) -> np.ndarray:
    """Prices whose bars are `ratios` of the close before; a symbol's first bar and the volumes are the old ones."""
    made = np.zeros_like(prices)
    for s in range(prices.shape[0]):
        close = 0.0
        for t in range(prices.shape[1]):
            if not present[s, t]:
                continue
            for column in range(4):
                made[s, t, column] = close * ratios[s, t, column] if close > 0.0 else prices[s, t, column]
            made[s, t, 4] = prices[s, t, 4]
            close = made[s, t, 3]
    return made


@numba.njit(cache=True)
def _before(values: np.ndarray) -> np.ndarray:
    """EWMA of the values before each one; at first the mean of the first `WARM_BARS`."""
    out = np.empty_like(values)
    level = values[:WARM_BARS].mean()
    for t in range(len(values)):
        out[t] = level
        level = DECAY * level + (1.0 - DECAY) * values[t]
    return out


def _volume_residual(volume: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log volume beyond its EWMA, and that EWMA; a bar without volume has residual -inf and stays one wherever it goes.

    Both f64[T].
    """
    traded = volume > 0
    if not traded.any():
        return np.full(len(volume), -np.inf), np.zeros(len(volume))
    log = np.log(np.where(traded, volume, 1.0))
    level = _before(np.where(traded, log, log[traded].mean()))
    return np.where(traded, log - level, -np.inf), level


def _dealt(present: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """The slot whose row each slot receives, i64[T]: slots of one presence pattern deal among themselves.

    Patterns of fewer than `COMMON_ROWS` slots are dealt together.
    """
    packed = np.packbits(present, axis=0)
    _, pattern, count = np.unique(packed, axis=1, return_inverse=True, return_counts=True)
    pattern = pattern.reshape(-1)
    key = np.arange(present.shape[1])
    common = count[pattern] >= COMMON_ROWS
    for number in np.flatnonzero(count >= COMMON_ROWS):
        rows = np.flatnonzero(pattern == number)
        key[rows] = generator.permutation(rows)
    rare = np.flatnonzero(~common)
    key[rare] = generator.permutation(rare)
    return key


def _sources(at: np.ndarray, key: np.ndarray) -> np.ndarray:
    """Positions among a symbol's slots `at` from which each of them receives its bar: a permutation.

    Slots whose dealt row has no bar of this symbol take, in the order of the deal, the bars that no slot took.
    """
    place = np.full(len(key), -1)
    place[at] = np.arange(len(at))
    source = place[key[at]]
    missing = np.flatnonzero(source < 0)
    left = np.setdiff1d(np.arange(len(at)), source[source >= 0])
    source[missing] = left[np.argsort(key[at[left]], kind="stable")]
    return source
