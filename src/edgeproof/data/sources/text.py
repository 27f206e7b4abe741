"""CSV as people publish it: banners, repeated headers, blank lines, other separators, no header at all."""

import csv
import gzip
import io
from pathlib import Path

import numpy as np
import polars as pl

from edgeproof.core.errors import DataError
from edgeproof.core.finding import Finding
from edgeproof.data.sources.columns import recognised
from edgeproof.data.sources.table import Table

__all__ = ["read_csv"]

SEPARATORS = (",", ";", "\t", "|")
HEAD_LINES = 30
HEADERLESS = ("open_time", "open", "high", "low", "close", "volume")


def read_csv(path: Path, symbol: str) -> Table:
    """The rows of a CSV file as text, with their line numbers.

    Raises:
        DataError: empty, no header and no klines, or a row with more fields than the header.
    """
    text = _decoded(path)
    if not text.strip():
        raise DataError(f"{path}: empty file; download it again")
    line, separator, names = _header(path, text)
    findings = []
    if line > 0:
        claim = f"{line} banner line{'s' if line > 1 else ''} above the header left out"
        evidence = {"count": line, "rows": list(range(1, min(line, 10) + 1))}
        findings.append(Finding("quality.banner", "info", claim, evidence, path.name, "nothing to do"))
    if line < 0:
        claim = "no header: columns read as open time, open, high, low, close, volume"
        findings.append(
            Finding("quality.header", "info", claim, {"count": 1, "rows": [1]}, path.name, "check the order")
        )
    body = text.split("\n", line + 1)[line + 1] if line >= 0 and text.count("\n") > line else text if line < 0 else ""
    frame = _parsed(path, body, separator, names, line + 2)
    rows = np.arange(len(frame), dtype=np.int64) + line + 2
    filled = (
        ~frame.select(pl.all_horizontal(pl.all().is_null())).to_series()
        if len(frame)
        else pl.Series([], dtype=pl.Boolean)
    )
    again = _repeats(frame, names)
    if again.any():
        at = rows[again.to_numpy()]
        evidence = {"count": len(at), "rows": at[:10].tolist()}
        claim = f"the header is repeated {len(at)} times; those rows were left out"
        findings.append(Finding("quality.headers", "info", claim, evidence, path.name, "nothing to do"))
    keep = filled & ~again
    header = f"{path.name} row {line + 1}" if line >= 0 else path.name
    return Table(frame.filter(keep), rows[keep.to_numpy()], path.name, header, symbol, tuple(findings))


def _decoded(path: Path) -> str:
    try:
        data = path.read_bytes()
        data = gzip.decompress(data) if path.suffix == ".gz" else data
    except (OSError, EOFError) as error:
        raise DataError(f"{path}: cannot be read ({error}); check the file") from error
    for encoding in ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "latin-1"):
        try:
            return data.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
        except UnicodeDecodeError:
            continue
    raise DataError(f"{path}: not a text file; export it as CSV in UTF-8")


def _header(path: Path, text: str) -> tuple[int, str, list[str]]:
    """Index of the header line (-1: none, klines begin at once), the separator, and the column names."""
    lines = text.split("\n", HEAD_LINES)[:HEAD_LINES]
    best = (0, 0, ",", [""])
    for number, line in enumerate(lines):
        for separator in SEPARATORS:
            fields = next(csv.reader([line], delimiter=separator), [])
            score = recognised(fields)
            if score > best[0]:
                best = (score, number, separator, fields)
    if best[0] >= 3:
        return best[1], best[2], _unique(best[3])
    for separator in SEPARATORS:
        fields = next(csv.reader([lines[0]], delimiter=separator), [])
        if len(fields) >= len(HEADERLESS) and all(_number(field) for field in fields[:6]):
            extra = [f"column_{place}" for place in range(len(HEADERLESS), len(fields))]
            return -1, separator, [*HEADERLESS, *extra]
    start = next(line for line in lines if line.strip()).strip()[:40]
    raise DataError(
        f"{path}: no header with a time and open, high, low, close, volume in its first lines; it begins with "
        f"{start!r}: check that the download worked"
    )


def _number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _unique(names: list[str]) -> list[str]:
    """Unnamed columns get a name; a name that comes twice keeps its case apart for the column finder to refuse."""
    whole: list[str] = []
    for place, name in enumerate(names):
        plain = name.strip() or f"column_{place}"
        whole.append(plain if plain not in whole else f"{plain} " if plain.strip() else f"{plain}_{place}")
    return whole


def _parsed(path: Path, body: str, separator: str, names: list[str], first_row: int) -> pl.DataFrame:
    schema = dict.fromkeys(names, pl.String)
    if not body.strip():
        return pl.DataFrame(schema=schema)
    try:
        return pl.read_csv(
            io.BytesIO(body.encode()), has_header=False, schema=schema, separator=separator, infer_schema=False
        )
    except pl.exceptions.PolarsError as error:
        for number, fields in enumerate(csv.reader(io.StringIO(body), delimiter=separator)):
            if len(fields) > len(names):
                raise DataError(
                    f"{path} row {first_row + number}: {len(fields)} fields under {len(names)} columns; correct the row"
                ) from error
        reason = str(error).split("\n", 1)[0]
        raise DataError(f"{path}: not readable as CSV ({reason}); export it again") from error


def _repeats(frame: pl.DataFrame, names: list[str]) -> pl.Series:
    if not len(frame):
        return pl.Series([], dtype=pl.Boolean)
    return frame.select(
        pl.all_horizontal(pl.col(name).str.strip_chars().eq_missing(pl.lit(name.strip())) for name in names[:4])
    ).to_series()
