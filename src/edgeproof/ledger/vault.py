"""The one way to the sealed bars: an opening is a row, and each further candidate is one more. Only verdict may ask."""

from dataclasses import replace

from edgeproof.core.clock import iso
from edgeproof.core.errors import SealError
from edgeproof.ledger.lineage import openings
from edgeproof.ledger.markets import known_markets
from edgeproof.ledger.seal import seal_date
from edgeproof.ledger.span import Span
from edgeproof.ledger.store import Entry, Ledger, Row

__all__ = ["open_sealed"]


def open_sealed(ledger: Ledger, span: Span, *, candidate: str, end_ns: int) -> tuple[Span, int, bool]:
    """Open the bars from the seal to `end_ns` for one candidate.

    The row is on disk before this returns, so a bar that was read is always accounted for. The same candidate on the
    same bars is the same opening again. Any other candidate, and the same one on other bars, is a further opening of
    every market that shares bars.

    Args:
        ledger: the workspace's ledger.
        span: the market's open span.
        candidate: hash of the bundle.
        end_ns: close time of the last bar to read.

    Returns:
        The opened span, the number of the opening (1 for the first), and whether it is a new one.

    Raises:
        SealError: the market has no seal in this ledger, or no sealed bar up to `end_ns`.
        LedgerError: the ledger is not sound or cannot be written: then nothing is opened.
    """
    outcome: list[tuple[Row | None, int]] = []

    def decide(rows: list[Row]) -> list[Entry]:
        known = known_markets(ledger, rows)
        if span.market not in known:
            raise SealError(f"market {span.market[:12]} has no seal in {ledger.path}; open its span first")
        seal_ns = seal_date(ledger, rows, known[span.market])
        if end_ns <= seal_ns:
            raise SealError(f"no bar lies between the seal {iso(seal_ns)} and {iso(end_ns)}; nothing to open")
        body = {"market": span.market, "candidate": candidate, "seal_ns": seal_ns, "end_ns": int(end_ns)}
        earlier = openings(ledger, known[span.market])
        for row in earlier:
            if {name: row.body[name] for name in body} == body:
                outcome.append((row, row.body["number"]))
                return []
        outcome.append((None, len(earlier) + 1))
        return [("opening", {**body, "number": len(earlier) + 1})]

    written = ledger.extend(decide)
    row, number = outcome[0]
    opening = row.hash if row is not None else written[0].hash
    return replace(span, end_ns=int(end_ns), opening=opening), number, row is None
