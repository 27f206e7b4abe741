"""The manifest says what a market holds, and its hash is the identity of the bars."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edgeproof.core.errors import DataError
from edgeproof.core.files import read_json
from edgeproof.core.identity import sha_json

__all__ = ["CALENDARS", "UNIVERSES", "Manifest", "SymbolEntry", "content_hash", "parse_manifest"]

FORMAT = "edgeproof-market-1"
CALENDARS = ("continuous", "sessions")
UNIVERSES = ("survivors", "fixed", "point_in_time")


@dataclass(frozen=True)
class SymbolEntry:
    """One symbol of a market.

    Attributes:
        symbol: its name, unique in the market.
        bars: number of bars, the sealed ones included.
        first_ns: open time of the first bar.
        last_ns: close time of the last bar.
        sha: content hash of its bars.
        sealed_bars: bars stored apart.
        cut_from: the ticker that was cut after its reuse; empty for the others.
    """

    symbol: str
    bars: int
    first_ns: int
    last_ns: int
    sha: str
    sealed_bars: int
    cut_from: str = ""


@dataclass(frozen=True)
class Manifest:
    """What a market holds.

    Attributes:
        interval_ns: length of a bar.
        calendar: `continuous` (every interval of the clock is a slot) or `sessions` (slots are the open times seen).
        universe: `survivors`, `fixed` or `point_in_time`.
        kind: `bars` for real data, else the generator's name.
        source: where the bars came from, for people.
        symbols: one entry a symbol.
        apart_ns: bars that close after this are stored apart, in `sealed/`.
        truth: the generator's parameters; empty for real data.
        hash: content hash over the symbols' bars, interval and calendar.
        files: relative path -> SHA-256 of every data file.
    """

    interval_ns: int
    calendar: str
    universe: str
    kind: str
    source: str
    symbols: tuple[SymbolEntry, ...]
    apart_ns: int
    truth: dict[str, Any]
    hash: str
    files: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The manifest as a JSON object."""
        return {"format": FORMAT, **asdict(self)}


def content_hash(symbols: Sequence[SymbolEntry], interval_ns: int, calendar: str) -> str:
    """Hash over names, bars, interval and calendar; independent of where the market lies."""
    bars = [[entry.symbol, entry.sha] for entry in symbols]
    return sha_json({"symbols": bars, "interval_ns": interval_ns, "calendar": calendar})


def parse_manifest(path: Path) -> Manifest:
    """Read and verify `manifest.json`.

    Raises:
        DataError: not a manifest of this version, empty, or altered since it was written.
    """
    body = read_json(path)
    if not isinstance(body, dict) or body.get("format") != FORMAT:
        raise DataError(f"{path}: not a manifest of this version of edgeproof; import the market again")
    try:
        entries = tuple(SymbolEntry(**entry) for entry in body["symbols"])
        fields = {key: value for key, value in body.items() if key not in ("format", "symbols")}
        manifest = Manifest(symbols=entries, **fields)
        sha = content_hash(entries, manifest.interval_ns, manifest.calendar)
    except (TypeError, KeyError) as error:
        raise DataError(f"{path}: incomplete manifest ({error}); import the market again") from error
    if not entries:
        raise DataError(f"{path}: the market is empty; import it again from a file with bars")
    if sha != manifest.hash:
        raise DataError(f"{path}: altered since it was written (hash differs); import the market again")
    return manifest
