"""The span of a market that may be read: everything that touches bars asks for this token."""

from dataclasses import dataclass

__all__ = ["Span"]


@dataclass(frozen=True)
class Span:
    """Bars whose close lies at or before `end_ns` may be read.

    Attributes:
        market: record of the market in the ledger (hash over its fingerprints).
        end_ns: close time of the last readable bar, ns UTC.
        seal_ns: close time of the last open bar; equal to `end_ns` until the seal is opened.
        opening: hash of the ledger's row that opened the seal; None for the open span. Only `ledger.vault` sets it.
    """

    market: str
    end_ns: int
    seal_ns: int
    opening: str | None = None
