"""A trial, a seal or an opening belongs to every market that shares bars with the one it was recorded for."""

from collections.abc import Sequence
from typing import Any

from edgeproof.core.errors import DataError, LedgerError
from edgeproof.core.files import read_json, write_bytes
from edgeproof.core.identity import canonical_json
from edgeproof.ledger.fingerprint import Fingerprints, shares_bars
from edgeproof.ledger.store import Ledger, Row

__all__ = ["known_markets", "rows_of", "sharing_markets", "store_fingerprints"]


def store_fingerprints(ledger: Ledger, fingerprints: Fingerprints) -> None:
    """Write the prints beside the ledger, named by their hash."""
    path = ledger.fingerprints_path(fingerprints.hash)
    if path.exists():
        return
    try:
        write_bytes(path, canonical_json(fingerprints.to_json()).encode())
    except DataError as error:
        raise LedgerError(str(error)) from error


def known_markets(ledger: Ledger, rows: Sequence[Row]) -> dict[str, Fingerprints]:
    """Every market in the ledger with its prints, in the order of their first use.

    Raises:
        LedgerError: prints are missing or altered; without them nothing can be counted.
    """
    return {row.body["market"]: _read(ledger, row.body["market"]) for row in rows if row.kind == "market"}


def _read(ledger: Ledger, market: str) -> Fingerprints:
    path = ledger.fingerprints_path(market)
    try:
        found = Fingerprints.from_json(_as_prints(read_json(path)))
    except (DataError, TypeError, ValueError) as error:
        raise LedgerError(f"{path}: prints of a counted market cannot be read; restore the file from a copy") from error
    if found.hash != market:
        raise LedgerError(f"{path}: altered after it was written; restore the file from a copy")
    return found


def _as_prints(body: Any) -> list[list[list[int | str]]]:
    if not isinstance(body, list):
        raise TypeError("prints are a list")
    return body


def sharing_markets(ledger: Ledger, rows: Sequence[Row], fingerprints: Fingerprints) -> dict[str, Fingerprints]:
    """The markets in the ledger that share bars with this one, itself included where it is known."""
    return {
        market: prints for market, prints in known_markets(ledger, rows).items() if shares_bars(prints, fingerprints)
    }


def rows_of(ledger: Ledger, fingerprints: Fingerprints) -> list[Row]:
    """All rows that belong to a market: what a verdict on it stands on, for `Ledger.export`."""
    rows = ledger.rows()
    sharing = sharing_markets(ledger, rows, fingerprints)
    return [row for row in rows if row.body.get("market") in sharing]
