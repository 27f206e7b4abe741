"""Return series of other tools: one time column, one column a series, every refusal naming its row."""

# T bars, K series

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from edgeproof.core.errors import DataError
from edgeproof.data.cadence import infer_calendar, infer_interval
from edgeproof.data.sources.columns import TIME, canonical
from edgeproof.data.sources.frames import to_polars
from edgeproof.data.sources.times import parse_times

__all__ = ["ReturnSeries", "returns_of_file", "returns_of_frame"]

LIKE_EQUITY = 0.5  # the median of a return column; returns per bar are far below


@dataclass(frozen=True)
class ReturnSeries:
    """Simple net returns per bar, in order of time.

    Attributes:
        names: K column names.
        returns: f64[T, K], 0.01 is one per cent.
        time: i64[T] ns UTC.
        interval_ns: length of a bar.
        calendar: `continuous` or `sessions`.
    """

    names: tuple[str, ...]
    returns: np.ndarray
    time: np.ndarray
    interval_ns: int
    calendar: str


def returns_of_file(path: Path) -> ReturnSeries:
    """Returns from a CSV file with a header.

    Raises:
        DataError: what, in which file, row and column, and what to do.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file; give a CSV with a time column and one column of returns per bar")
    try:
        frame = pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        reason = str(error).split("\n", 1)[0]
        raise DataError(f"{path}: not readable as CSV ({reason}); export it again") from error
    return _series(frame, str(path), first_row=2)


def returns_of_frame(frame: Any) -> ReturnSeries:
    """Returns from a pandas Series or frame with a time index or column, or from a Polars frame.

    Raises:
        DataError: what, in which row and column, and what to do.
    """
    if hasattr(frame, "to_frame") and type(frame).__module__.startswith("pandas") and type(frame).__name__ == "Series":
        frame = frame.to_frame(name=frame.name or "returns")
    return _series(to_polars(frame), "frame", first_row=0)


def _series(frame: pl.DataFrame, where: str, *, first_row: int) -> ReturnSeries:
    rows = np.arange(len(frame)) + first_row
    time_name = next((name for name in frame.columns if canonical(name) in TIME), None)
    if time_name is None:
        raise DataError(f"{where}: no time column among {', '.join(frame.columns[:8])}; name one `time` or `date`")
    names = tuple(name for name in frame.columns if name != time_name)
    if not names or frame.height < 2:
        raise DataError(f"{where}: {frame.height} rows and {len(names)} columns beside the time; returns are missing")
    time, _ = parse_times(frame[time_name], rows, f"{where}, column {time_name!r}")
    late = np.flatnonzero(np.diff(time) <= 0)
    if late.size:
        row = rows[late[0] + 1]
        raise DataError(
            f"{where}, row {row}: its time is not after that of the row before; sort, and keep one row a bar"
        )
    returns = np.stack([_numbers(frame[name], rows, f"{where}, column {name!r}") for name in names], axis=1)
    interval = infer_interval([(where, time)], where)
    return ReturnSeries(names, returns, time, interval, infer_calendar([time], interval))


def _numbers(column: pl.Series, rows: np.ndarray, where: str) -> np.ndarray:
    """f64[T] of one column; whatever is no return is refused."""
    text = column.str.strip_chars() if column.dtype == pl.String else column
    values = text.cast(pl.Float64, strict=False).to_numpy()
    bad = ~np.isfinite(values)
    if bad.any():
        at = int(bad.argmax())
        if text[at] is None or text[at] == "":
            raise DataError(
                f"{where}, row {rows[at]}: an empty cell is not a return; write 0 for none, or drop the row"
            )
        raise DataError(f"{where}, row {rows[at]}: {column[at]!r} is not a return; write 0.01 for 1%, 0 for none")
    if (values < -1.0).any():
        at = int((values < -1.0).argmax())
        raise DataError(f"{where}, row {rows[at]}: {values[at]:g} loses more than everything; write 0.01 for 1%")
    if np.median(values) > LIKE_EQUITY:
        raise DataError(f"{where}: looks like equity or prices, its median is {np.median(values):g}; give net returns")
    return values
