"""The one act that opens the sealed span: recorded first, read afterwards, counted for ever."""

from dataclasses import dataclass

from edgeproof.ledger.span import Span
from edgeproof.ledger.store import Ledger
from edgeproof.ledger.vault import open_sealed

__all__ = ["Opened", "open_seal"]


@dataclass(frozen=True)
class Opened:
    """An opened span.

    Attributes:
        span: the token that lets sealed bars be read.
        opening: its number k, 1 for the first opening of this span; the level of the test is `stats.blocks.alpha(k)`.
        fresh: False where the same candidate was printed again.
    """

    span: Span
    opening: int
    fresh: bool


def open_seal(ledger: Ledger, span: Span, *, candidate: str, end_ns: int) -> Opened:
    """Open the sealed bars up to `end_ns` for one candidate; the row is on disk before a bar can be read.

    Args:
        ledger: the workspace's ledger.
        span: the market's open span.
        candidate: hash of the bundle.
        end_ns: close time of the last bar to read.

    Raises:
        SealError: nothing is sealed up to `end_ns`, or the market has no seal in this ledger.
        LedgerError: the ledger is not sound or cannot be written: then nothing is opened.
    """
    opened, number, fresh = open_sealed(ledger, span, candidate=candidate, end_ns=end_ns)
    return Opened(opened, number, fresh)
