"""CSV and Parquet files, one or a folder of them, to bars."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from edgeproof.core.clock import parse_time
from edgeproof.core.errors import ConfigError, DataError
from edgeproof.core.files import read_json
from edgeproof.core.finding import Finding
from edgeproof.data.arrange import Arranged, arrange
from edgeproof.data.sources.table import Table, normalise
from edgeproof.data.sources.text import read_csv
from edgeproof.data.unclosed import Retrieval

__all__ = ["arrange_tables", "read_files", "symbol_of"]

TEXT = (".csv", ".txt", ".tsv")
PARQUET = (".parquet", ".pq")
INTERVAL = r"[_\- ](\d+ ?(s|m|h|d|w|min|hr|hour|day)s?|daily|hourly|weekly)$"


def symbol_of(path: Path) -> str:
    """The symbol that a file name states: `LUNAUSDT_1h.csv` -> `LUNAUSDT`."""
    name = path.name
    for suffix in (".gz", *TEXT, *PARQUET):
        name = name[: -len(suffix)] if name.lower().endswith(suffix) else name
    return re.sub(INTERVAL, "", name, flags=re.IGNORECASE) or name


def read_files(source: Path, *, retrieved_ns: int | None = None, drop_last: bool = False) -> Arranged:
    """Bars of a CSV or Parquet file, or of all such files in a folder (one file a symbol, or a symbol column).

    Args:
        source: the file or folder.
        retrieved_ns: when the files were fetched; bars that close later are dropped. Default: `retrieved` in the
            folder's `manifest.json`, else a file's modification time where that lies inside its last bar.
        drop_last: drop the last bar of every symbol that lives to the end of its file.

    Raises:
        DataError: one line that names the file and, where there is one, row and column.
    """
    source = Path(source)
    paths, skipped = _paths(source)
    tables = [_read(path) for path in paths]
    stated = retrieved_ns if retrieved_ns is not None else _stated(source)
    written = tuple(path.stat().st_mtime_ns for path in paths)
    arranged = arrange_tables(tables, Retrieval(stated, written, drop_last))
    if not skipped:
        return arranged
    claim = f"{len(skipped)} files of other kinds in the folder were left out"
    found = Finding("quality.files", "info", claim, {"count": len(skipped), "files": skipped[:10]}, source.name)
    return Arranged(arranged.bars, [found, *arranged.findings], arranged.interval_ns, arranged.calendar)


def arrange_tables(tables: Sequence[Table], retrieval: Retrieval) -> Arranged:
    """Bars from tables in the order of their names."""
    longs, findings = [], []
    for number, table in enumerate(tables):
        long, found = normalise(table)
        longs.append(long.with_columns(file=pl.lit(number, dtype=pl.Int64)))
        findings += found
    arranged = arrange(pl.concat(longs), [table.name for table in tables], retrieval)
    return Arranged(arranged.bars, [*findings, *arranged.findings], arranged.interval_ns, arranged.calendar)


def _paths(source: Path) -> tuple[list[Path], list[str]]:
    if source.is_file():
        if not _known(source):
            raise DataError(f"{source}: {source.suffix or 'no'} extension; bars are read from {_extensions()}")
        return [source], []
    if not source.is_dir():
        raise DataError(f"{source}: no such file or folder; check the path")
    inside = sorted(path for path in source.iterdir() if path.is_file() and not path.name.startswith("."))
    paths = [path for path in inside if _known(path)]
    if not paths:
        raise DataError(f"{source}: the folder is empty of bars; it needs files with {_extensions()}")
    return paths, [path.name for path in inside if not _known(path) and path.name != "manifest.json"]


def _known(path: Path) -> bool:
    return path.name.lower().removesuffix(".gz").endswith(TEXT) or path.name.lower().endswith(PARQUET)


def _extensions() -> str:
    return ", ".join((*TEXT, ".csv.gz", *PARQUET))


def _read(path: Path) -> Table:
    if not path.name.lower().endswith(PARQUET):
        return read_csv(path, symbol_of(path))
    if not path.stat().st_size:
        raise DataError(f"{path}: empty file; download it again")
    try:
        frame = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).split("\n", 1)[0]
        raise DataError(f"{path}: not readable as Parquet ({reason}); download or export it again") from error
    rows = np.arange(1, len(frame) + 1, dtype=np.int64)
    return Table(frame, rows, path.name, path.name, symbol_of(path))


def _stated(source: Path) -> int | None:
    manifest = source / "manifest.json" if source.is_dir() else source.parent / "manifest.json"
    if not manifest.is_file():
        return None
    body = read_json(manifest)
    text = body.get("retrieved") if isinstance(body, dict) else None
    if text is None:
        return None
    try:
        return parse_time(str(text))
    except ConfigError as error:
        raise DataError(f"{manifest}: retrieved: {error}") from error
