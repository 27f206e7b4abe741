"""The seal is a date, fixed at a market's first use; no name, share or re-import moves it later for the same bars.

The last open bar is number floor((1 - sealed_share) * T) of the market's clock, counted from 1. A market that shares
bars with earlier ones takes their date, the earliest of several, whatever its own share says; bars appended later are
sealed. `reseal` moves the date forward, and only over bars that an opening has spent.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from edgeproof.core.clock import iso
from edgeproof.core.errors import DataError, SealError
from edgeproof.ledger.fingerprint import Fingerprints, covers, shares_bars
from edgeproof.ledger.markets import known_markets, store_fingerprints
from edgeproof.ledger.span import Span
from edgeproof.ledger.store import Entry, Ledger, Row

__all__ = ["open_span", "reseal", "seal_date"]

# T bars


def open_span(
    ledger: Ledger, fingerprints: Fingerprints, *, close_time: np.ndarray, sealed_share: float, bars_hash: str
) -> Span:
    """The open span of a market; at its first use the seal is fixed as a row.

    Args:
        ledger: the workspace's ledger.
        fingerprints: of all bars of the market, sealed ones included.
        close_time: i64[T] ns UTC of the market's clock, rising.
        sealed_share: share of the clock to seal, in (0, 1); without effect where a seal holds already.
        bars_hash: content hash of the market's bars, for people.

    Raises:
        DataError: nothing in the market can be recognised again.
        SealError: a share outside (0, 1), or no bar is open.
        LedgerError: the ledger is not sound or cannot be written.
    """
    if not fingerprints.prints:
        raise DataError("market: its closes hardly change, or it has too few bars to be recognised; give it more bars")
    if not 0 < sealed_share < 1:
        raise SealError(f"sealed share {sealed_share} leaves nothing open or nothing sealed; choose one such as 0.2")

    def first_use(rows: list[Row]) -> list[Entry]:
        if _market_row(rows, fingerprints.hash) is not None:
            return []
        earlier = _earlier_seals(rows, fingerprints, known_markets(ledger, rows))
        seal_ns = min(earlier.values()) if earlier else _own_seal(close_time, sealed_share)
        store_fingerprints(ledger, fingerprints)
        body = {
            "market": fingerprints.hash,
            "bars": bars_hash,
            "symbols": len(fingerprints.weeks),
            "start_ns": int(close_time[0]),
            "end_ns": int(close_time[-1]),
            "seal_ns": seal_ns,
            "sealed_share": float(sealed_share),
            "seal_of": min(earlier, key=lambda market: earlier[market]) if earlier else None,
        }
        return [("market", body)]

    rows = ledger.rows()
    if _market_row(rows, fingerprints.hash) is None:
        ledger.extend(first_use)
        rows = ledger.rows()
    seal_ns = seal_date(ledger, rows, fingerprints)
    return _span(fingerprints.hash, close_time, seal_ns)


def seal_date(ledger: Ledger, rows: Sequence[Row], fingerprints: Fingerprints) -> int:
    """The date (ns UTC) that holds for a market: of its first use, moved by what was resealed since.

    A market that the ledger does not know has the earliest date of those that share bars with it.

    Raises:
        SealError: neither the market nor one that shares bars with it is in the ledger.
    """
    known = known_markets(ledger, rows)
    if (own := _market_row(rows, fingerprints.hash)) is not None:
        return _moved(own.body["seal_ns"], fingerprints, rows, known)
    earlier = _earlier_seals(rows, fingerprints, known)
    if not earlier:
        raise SealError(f"market {fingerprints.hash[:12]} has no seal yet; open its span first")
    return min(earlier.values())


def reseal(ledger: Ledger, fingerprints: Fingerprints, *, to_ns: int | None = None) -> int:
    """Move the seal forward over bars that an opening has spent, as a row; answers the new date.

    Args:
        ledger: the workspace's ledger.
        fingerprints: of the market; it must be in the ledger.
        to_ns: the new date; None for the end of what was opened.

    Raises:
        SealError: nothing was opened, or the date lies before the seal or after what was opened.
    """

    def forward(rows: list[Row]) -> list[Entry]:
        now = seal_date(ledger, rows, fingerprints)
        spent, opening = _spent(ledger, rows, fingerprints, now)
        if opening is None:
            raise SealError(f"no opening has spent bars after the seal {iso(now)}; open the sealed span first")
        target = spent if to_ns is None else int(to_ns)
        if not now < target <= spent:
            raise SealError(
                f"the seal {iso(now)} cannot move to {iso(target)}; bars are spent up to {iso(spent)}, "
                "and it moves forward only"
            )
        return [
            ("reseal", {"market": fingerprints.hash, "from_ns": now, "to_ns": target, "opening": opening.hash}),
        ]

    return ledger.extend(forward)[0].body["to_ns"]


def _market_row(rows: Sequence[Row], market: str) -> Row | None:
    return next((row for row in rows if row.kind == "market" and row.body["market"] == market), None)


def _own_seal(close_time: np.ndarray, sealed_share: float) -> int:
    bars = math.floor((1.0 - sealed_share) * len(close_time) + 1e-9)  # 0.1 * 10 bars is one bar, not none
    if not 0 < bars < len(close_time):
        raise SealError(
            f"{len(close_time)} bars with a sealed share of {sealed_share} leave {bars} open; give more bars"
        )
    return int(close_time[bars - 1])


def _earlier_seals(
    rows: Sequence[Row], fingerprints: Fingerprints, known: Mapping[str, Fingerprints]
) -> dict[str, int]:
    """The present date of every market in the ledger that shares bars with this one."""
    dates = {row.body["market"]: row.body["seal_ns"] for row in rows if row.kind == "market"}
    return {
        market: _moved(dates[market], prints, rows, known)
        for market, prints in known.items()
        if shares_bars(prints, fingerprints)
    }


def _moved(seal_ns: int, fingerprints: Fingerprints, rows: Sequence[Row], known: Mapping[str, Fingerprints]) -> int:
    """The date after every later reseal of a market that covers all symbols of this one."""
    for row in rows:
        moves = row.kind == "reseal" and row.body["from_ns"] <= seal_ns < row.body["to_ns"]
        if moves and covers(known[row.body["market"]], fingerprints):
            seal_ns = row.body["to_ns"]
    return seal_ns


def _spent(ledger: Ledger, rows: Sequence[Row], fingerprints: Fingerprints, seal_ns: int) -> tuple[int, Row | None]:
    """How far openings that covered every symbol reach without a gap from the seal, and the last of them."""
    known, last = known_markets(ledger, rows), None
    for row in rows:
        spends = row.kind == "opening" and row.body["seal_ns"] <= seal_ns < row.body["end_ns"]
        if spends and covers(known[row.body["market"]], fingerprints):
            seal_ns, last = row.body["end_ns"], row
    return seal_ns, last


def _span(market: str, close_time: np.ndarray, seal_ns: int) -> Span:
    bars = int(np.searchsorted(close_time, seal_ns, side="right"))
    if bars == 0:
        raise SealError(
            f"every bar of this market closes after {iso(seal_ns)}, where the seal of bars that it shares was set; "
            "use earlier bars, or open the seal and `market reseal`"
        )
    return Span(market=market, end_ns=int(close_time[bars - 1]), seal_ns=int(close_time[bars - 1]))
