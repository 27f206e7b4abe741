"""The one way in: files or a frame to a market, every repair and every defect a finding beside the bars."""

from pathlib import Path
from typing import Any

from edgeproof.core.errors import DataError
from edgeproof.core.identity import sha_json
from edgeproof.data.arrange import Arranged
from edgeproof.data.manifest import UNIVERSES
from edgeproof.data.masks import bad_price
from edgeproof.data.quality import check_series
from edgeproof.data.reuse import cut_reused
from edgeproof.data.sources.files import read_files
from edgeproof.data.sources.frames import read_frame
from edgeproof.data.store import Market, clock_of, open_market, write_market
from edgeproof.data.universe import read_membership, unlisted

__all__ = ["from_frame", "import_market"]


def import_market(
    source: Path,
    out: Path,
    *,
    universe: str = "survivors",
    retrieved_ns: int | None = None,
    drop_last: bool = False,
) -> Market:
    """Read CSV or Parquet bars, repair what can be repaired in the open, and write a market.

    Args:
        source: a file, or a folder with one file a symbol or with symbol columns.
        out: a folder that does not exist or is empty.
        universe: `survivors`, `fixed` (chosen without looking at the span), or the path of a membership file.
        retrieved_ns: when the files were fetched; bars that close later are dropped.
        drop_last: drop the last bar of every symbol that lives to the end of its file.

    Raises:
        DataError: one line that names the file and, where there is one, row and column; nothing is written.
    """
    return _write(read_files(Path(source), retrieved_ns=retrieved_ns, drop_last=drop_last), Path(out), universe)


def from_frame(
    frame: Any,
    out: Path | None = None,
    *,
    symbol: str = "ASSET",
    universe: str = "survivors",
    retrieved_ns: int | None = None,
    drop_last: bool = False,
) -> Market:
    """A market from a pandas or Polars frame, along the same road as files.

    Args:
        frame: long format: a time column or index, OHLCV, a symbol column where there are several.
        out: the market's folder; default: one named by its content under `.edgeproof/frames` in the current folder.
        symbol: name of the symbol where no column says so.
        universe: as of `import_market`.
        retrieved_ns: as of `import_market`.
        drop_last: as of `import_market`.

    Raises:
        DataError: what a file with such content would be refused for.
    """
    arranged = read_frame(frame, symbol=symbol, retrieved_ns=retrieved_ns, drop_last=drop_last)
    if out is not None:
        return _write(arranged, Path(out), universe)
    content = [[bars.symbol, bars.sha] for bars in arranged.bars]
    name = sha_json([content, arranged.interval_ns, arranged.calendar, _members_key(universe)])[:16]
    place = Path(".edgeproof") / "frames" / name
    return open_market(place) if (place / "manifest.json").is_file() else _write(arranged, place, universe)


def _members_key(universe: str) -> str:
    return universe if universe in UNIVERSES else sha_json({"members": read_membership(Path(universe))})


def _write(arranged: Arranged, out: Path, universe: str) -> Market:
    members, kind = None, universe
    if all(bad_price(item.ohlcv).all() for item in arranged.bars):
        raise DataError(f"{arranged.bars[0].source}: no bar has positive prices and a volume; check the columns")
    bars, cuts = cut_reused(arranged.bars, arranged.interval_ns)
    findings = [*arranged.findings, *cuts]
    if universe not in ("survivors", "fixed"):
        kind, members = "point_in_time", read_membership(Path(universe))
        findings += unlisted([item.cut_from or item.symbol for item in bars], members, Path(universe).name)
    clock = clock_of(bars, arranged.interval_ns, arranged.calendar)
    return write_market(
        out,
        bars,
        interval_ns=arranged.interval_ns,
        calendar=arranged.calendar,
        universe=kind,
        source=arranged.bars[0].source,
        findings=[*findings, *check_series(bars, arranged.interval_ns, clock, kind)],
        membership=members,
    )
