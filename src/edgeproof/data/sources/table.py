"""A table as it came, and the long table of bars that it becomes: symbol, time, prices, volume, row."""

# N rows

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from edgeproof.core.errors import DataError
from edgeproof.core.finding import Finding
from edgeproof.data.bars import OHLCV
from edgeproof.data.sources.columns import find_columns
from edgeproof.data.sources.times import parse_times

__all__ = ["Table", "normalise"]

ABSENT = ("", "null", "nan", "none", "na", "n/a", "-", "nil")


@dataclass(frozen=True)
class Table:
    """A source's rows before anything is understood.

    Attributes:
        frame: N rows as read; text from CSV, typed from Parquet and frames.
        rows: i64[N] line numbers in the source.
        name: of the file or frame, for messages.
        header: `name row 2`, where the columns are named.
        symbol: of the rows where no column says so.
        findings: what reading it repaired.
    """

    frame: pl.DataFrame
    rows: np.ndarray
    name: str
    header: str
    symbol: str
    findings: tuple[Finding, ...] = field(default=())


def normalise(table: Table) -> tuple[pl.DataFrame, list[Finding]]:
    """The long table: symbol str, time i64 ns, open, high, low, close, volume f64, row i64; in the source's order.

    Raises:
        DataError: a missing column, or a time, number or symbol that is not understood, with its row.
    """
    if not table.frame.height:
        raise DataError(f"{table.name}: no bars below the header; check that the download worked")
    columns = find_columns(table.frame.columns, table.header, _hint(table))
    moments = table.frame[columns.time]
    if columns.clock and table.frame[columns.clock].dtype == pl.String:
        moments = pl.Series(columns.time, moments.cast(pl.String) + " " + table.frame[columns.clock])
    times, findings = parse_times(moments, table.rows, f"{table.name}, column {columns.time!r}")
    long = {"symbol": _symbols(table, columns.symbol), "time": times}
    for name in OHLCV:
        column = getattr(columns, name)
        long[name] = _numbers(table.frame[column], table, column)
    return pl.DataFrame({**long, "row": table.rows}), [*table.findings, *findings]


def _hint(table: Table) -> str:
    for column in table.frame.columns:
        if column.strip().lower() in ("symbol", "ticker", "pair"):
            return str(table.frame[column][0])
    return table.symbol


def _symbols(table: Table, column: str) -> pl.Series:
    if not column:
        return pl.Series([table.symbol]).new_from_index(0, table.frame.height)
    names = table.frame[column].cast(pl.String).str.strip_chars()
    empty = names.is_null() | (names == "")
    if empty.any():
        row = table.rows[int(empty.arg_max() or 0)]
        raise DataError(f"{table.name}, column {column!r}, row {row}: no symbol; fill it in or remove the row")
    return names


def _numbers(values: pl.Series, table: Table, column: str) -> np.ndarray:
    if values.dtype.is_numeric():
        return values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    text = values.cast(pl.String).str.strip_chars()
    text = text.set(text.str.to_lowercase().is_in(ABSENT).fill_null(value=False), None)
    numbers = text.cast(pl.Float64, strict=False)
    odd = numbers.is_null() & text.is_not_null()
    if odd.any():
        numbers = _separators(text).cast(pl.Float64, strict=False)
        odd = numbers.is_null() & text.is_not_null()
    if odd.any():
        first = int(odd.arg_max() or 0)
        raise DataError(
            f"{table.name}, column {column!r}, row {table.rows[first]}: {text[first]!r} is not a number; "
            "correct or remove the row"
        )
    return numbers.fill_null(float("nan")).to_numpy()


def _separators(text: pl.Series) -> pl.Series:
    """1,234.5 -> 1234.5 and 1.234,5 or 0,5 -> 1234.5, 0.5, where no value of the column can be read both ways."""
    if text.str.contains(r"^-?\d{1,3}(,\d{3})*(\.\d+)?$").all():
        return text.str.replace_all(",", "")
    if text.str.contains(r"^-?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?$").all():
        return text.str.replace_all(".", "", literal=True).str.replace(",", ".")
    return text
