"""The panel: one market's open bars as dense arrays on one clock."""

# S symbols, T bars

from dataclasses import dataclass

import numpy as np

from edgeproof.core.clock import iso
from edgeproof.core.errors import DataError
from edgeproof.core.identity import sha_array, sha_json
from edgeproof.data.quality import QualityConfig, keep_mask
from edgeproof.data.store import Market
from edgeproof.data.universe import member_mask
from edgeproof.ledger.span import Span

__all__ = ["Panel", "build_panel"]


@dataclass(frozen=True)
class Panel:
    """Bars of every symbol on the market's clock, up to the end of the span it was built for.

    Attributes:
        prices: f64[S, T, 5] open, high, low, close, volume; 0 where no bar is present.
        present: bool[S, T] a usable bar: it exists and is not masked by the quality config.
        open_time: i64[T] ns UTC.
        close_time: i64[T] ns UTC, strictly increasing.
        symbols: S names.
        interval_ns: length of a bar.
        calendar: `continuous` (every interval of the clock is a slot) or `sessions` (slots are the open times seen).
        sha: content hash of all of the above.
    """

    prices: np.ndarray
    present: np.ndarray
    open_time: np.ndarray
    close_time: np.ndarray
    symbols: tuple[str, ...]
    interval_ns: int
    calendar: str
    sha: str


def build_panel(market: Market, span: Span, quality: QualityConfig) -> Panel:
    """Bars of every symbol that close within the span, on the clock from the market's start.

    A bar is present when it exists, `quality` does not mask it, and its symbol was a member of the universe then.

    Raises:
        DataError: no bar lies within the span.
    """
    manifest = market.manifest
    end_ns = span.end_ns if span.opening is not None else min(span.end_ns, span.seal_ns)
    open_time = market.clock(end_ns)
    if not len(open_time):
        raise DataError(f"{market.path}: no bar closes at or before {iso(end_ns)}; choose a later span")
    shape = (len(market.symbols), len(open_time))
    prices, present = np.zeros((*shape, 5)), np.zeros(shape, dtype=bool)
    members = market.membership()
    for row, entry in enumerate(manifest.symbols):
        bars = market.bars(entry.symbol, span)
        keep = keep_mask(bars.ohlcv, quality)
        if manifest.universe == "point_in_time":
            keep &= member_mask(bars.open_time, bars.close_time, members.get(entry.cut_from or entry.symbol, []))
        slots = np.searchsorted(open_time, bars.open_time[keep])
        prices[row, slots] = bars.ohlcv[keep]
        present[row, slots] = True
    head = {"symbols": market.symbols, "interval_ns": manifest.interval_ns, "calendar": manifest.calendar}
    return Panel(
        prices=prices,
        present=present,
        open_time=open_time,
        close_time=open_time + manifest.interval_ns,
        symbols=market.symbols,
        interval_ns=manifest.interval_ns,
        calendar=manifest.calendar,
        sha=sha_json([head, sha_array(prices, present, open_time)]),
    )
