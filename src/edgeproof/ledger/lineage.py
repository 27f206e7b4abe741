"""Where a candidate comes from, and whether it was fixed before anyone looked at the sealed span."""

from collections.abc import Sequence
from typing import Any

from edgeproof.core.errors import LedgerError, SealError
from edgeproof.ledger.fingerprint import Fingerprints
from edgeproof.ledger.markets import rows_of
from edgeproof.ledger.seal import seal_date
from edgeproof.ledger.store import Entry, Ledger, Row

__all__ = ["candidate_before_opening", "openings", "record_candidate", "smallest_sharpe"]


def record_candidate(
    ledger: Ledger,
    market: str,
    bundle_sha: str,
    trial_id: str,
    *,
    smallest_sharpe: float | None = None,
    parents: Sequence[str] = (),
) -> None:
    """Fix a bundle as a candidate, with the smallest Sharpe ratio that its user cares about.

    A candidate that began with the weights of other bundles names them, the nearest first.

    The same candidate again adds nothing unless that figure changed; what is written after the first opening of the
    sealed span is kept and has no effect on it.

    Raises:
        LedgerError: the trial has no row, or the ledger cannot be written.
    """
    body: dict[str, Any] = {
        "market": market,
        "bundle": bundle_sha,
        "trial": trial_id,
        "smallest_sharpe": smallest_sharpe,
    }
    body |= {"parents": list(parents)} if parents else {}

    def decide(rows: list[Row]) -> list[Entry]:
        if not any(row.body.get("trial") == trial_id for row in rows if row.kind in ("training", "trial")):
            raise LedgerError(f"{ledger.path}: trial {trial_id[:12]} has no row; record it before its bundle")
        same = [row for row in rows if row.kind == "candidate" and row.body["bundle"] == bundle_sha]
        return [] if same and same[-1].body == body else [("candidate", body)]

    ledger.extend(decide)


def openings(ledger: Ledger, fingerprints: Fingerprints) -> list[Row]:
    """Openings that read bars after the seal as it stands now, of all markets that share bars, in order."""
    rows = rows_of(ledger, fingerprints)
    found = [row for row in rows if row.kind == "opening"]
    if not found:
        return []
    seal_ns = seal_date(ledger, ledger.rows(), fingerprints)
    return [row for row in found if row.body["end_ns"] > seal_ns]


def candidate_before_opening(ledger: Ledger, fingerprints: Fingerprints, bundle_sha: str) -> bool:
    """Whether the bundle was in the ledger before the sealed span was first opened."""
    return bool(_candidates(ledger, fingerprints, bundle_sha))


def smallest_sharpe(ledger: Ledger, fingerprints: Fingerprints, bundle_sha: str) -> float | None:
    """The smallest interesting Sharpe ratio that was last fixed for a bundle before the first opening; None if none.

    Raises:
        SealError: the bundle was not in the ledger before the first opening.
    """
    found = _candidates(ledger, fingerprints, bundle_sha)
    if not found:
        raise SealError(f"bundle {bundle_sha[:12]} was not in the ledger before the sealed span was first opened")
    return found[-1].body["smallest_sharpe"]


def _candidates(ledger: Ledger, fingerprints: Fingerprints, bundle_sha: str) -> list[Row]:
    first = next((row.seq for row in openings(ledger, fingerprints)), None)
    rows = [row for row in ledger.rows("candidate") if row.body["bundle"] == bundle_sha]
    return [row for row in rows if first is None or row.seq < first]
