"""Point-in-time universes: which symbols were in the universe, and when."""

# T bars

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from edgeproof.core.errors import DataError
from edgeproof.core.finding import Finding
from edgeproof.data.sources.columns import canonical
from edgeproof.data.sources.times import parse_times

__all__ = ["FOREVER_NS", "member_mask", "read_membership", "unlisted"]

FOREVER_NS = 2**63 - 1
NAMES = {
    "symbol": ("symbol", "ticker", "pair"),
    "from": ("from", "start", "from_date", "start_date", "since", "added"),
    "to": ("to", "end", "to_date", "end_date", "until", "removed"),
}


def member_mask(open_time: np.ndarray, close_time: np.ndarray, spans: Sequence[tuple[int, int]]) -> np.ndarray:
    """bool[T]: bars that open at or after a `from` and close at or before its `to` (ns UTC)."""
    inside = np.zeros(len(open_time), dtype=bool)
    for start, end in spans:
        inside |= (open_time >= start) & (close_time <= end)
    return inside


def read_membership(path: Path) -> dict[str, list[tuple[int, int]]]:
    """Symbol -> [from, to) in ns UTC, of a CSV or Parquet file with columns symbol, from, to (empty: still a member).

    Raises:
        DataError: a missing column, a time that is not understood, or `to` not after `from`, with its row.
    """
    path = Path(path)
    frame = _read(path)
    rows = np.arange(2, len(frame) + 2)  # the header is row 1
    columns = {canonical(name): name for name in reversed(frame.columns)}
    chosen = {key: next((columns[name] for name in names if name in columns), "") for key, names in NAMES.items()}
    missing = [key for key, name in chosen.items() if not name]
    if missing:
        raise DataError(
            f"{path}: no column for {', '.join(missing)}; columns found: {', '.join(frame.columns)}; "
            "a membership file has symbol, from, to"
        )
    symbols = frame[chosen["symbol"]].cast(pl.String).str.strip_chars().to_list()
    starts = _times(frame[chosen["from"]], rows, f"{path.name}, column {chosen['from']!r}", 0)
    ends = _times(frame[chosen["to"]], rows, f"{path.name}, column {chosen['to']!r}", FOREVER_NS)
    wrong = np.flatnonzero(ends <= starts)
    if wrong.size:
        raise DataError(f"{path.name}, row {rows[wrong[0]]}: 'to' is not after 'from'; correct the row")
    members: dict[str, list[tuple[int, int]]] = {}
    for symbol, start, end in zip(symbols, starts.tolist(), ends.tolist(), strict=True):
        members.setdefault(str(symbol), []).append((start, end))
    if not members:
        raise DataError(f"{path.name}: no rows; a membership file has one row a symbol and stay")
    return members


def _read(path: Path) -> pl.DataFrame:
    if not path.is_file():
        raise DataError(
            f"universe {str(path)!r}: no such membership file; write survivors, fixed, or the path of a CSV or Parquet "
            "file with columns symbol, from, to"
        )
    try:
        return pl.read_parquet(path) if path.suffix in (".parquet", ".pq") else pl.read_csv(path, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path}: not readable ({str(error).splitlines()[0]}); write symbol, from, to") from error


def _times(values: pl.Series, rows: np.ndarray, where: str, empty: int) -> np.ndarray:
    absent = values.is_null()
    if values.dtype == pl.String:
        absent |= values.str.strip_chars() == ""
    result = np.full(len(values), empty, dtype=np.int64)
    there = ~absent.to_numpy()
    if there.any():
        result[there], _ = parse_times(values.filter(~absent), rows[there], where)
    return result


def unlisted(symbols: Sequence[str], members: dict[str, list[tuple[int, int]]], source: str) -> list[Finding]:
    """What of the bars and the membership does not meet.

    Raises:
        DataError: no symbol of the bars is in the membership.
    """
    absent, extra = sorted(set(symbols) - set(members)), sorted(set(members) - set(symbols))
    if len(absent) == len(set(symbols)):
        raise DataError(
            f"{source}: none of the market's symbols is a member ({', '.join(absent[:5])} against "
            f"{', '.join(extra[:5])}); write the names as in the bars"
        )
    found = []
    if extra:
        claim = f"{len(extra)} members of the universe have no bars: the universe is not whole"
        remedy = "add the bars of these symbols, the delisted ones above all"
        found.append(
            Finding("quality.universe", "warning", claim, {"count": len(extra), "symbols": extra[:20]}, source, remedy)
        )
    if absent:
        claim = f"{len(absent)} symbols were never members; their bars are masked throughout"
        evidence = {"count": len(absent), "symbols": absent[:20]}
        found.append(Finding("quality.universe", "info", claim, evidence, source, "nothing to do"))
    return found
