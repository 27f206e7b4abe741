"""pandas and Polars frames to bars, along the same road as files."""

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from edgeproof.core.errors import DataError
from edgeproof.data.arrange import Arranged
from edgeproof.data.sources.columns import TIME, canonical
from edgeproof.data.sources.files import arrange_tables
from edgeproof.data.sources.table import Table
from edgeproof.data.unclosed import Retrieval

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_frame", "to_polars"]


def read_frame(
    frame: Any, *, symbol: str = "ASSET", retrieved_ns: int | None = None, drop_last: bool = False
) -> Arranged:
    """Bars of a long frame: a time column or index, OHLCV, and a symbol column where there are several.

    Args:
        frame: pandas or Polars; pandas is imported only if a pandas frame is given.
        symbol: name of the symbol where no column says so.
        retrieved_ns: when the bars were fetched; bars that close later are dropped.
        drop_last: drop the last bar of every symbol that lives to the end of the frame.

    Raises:
        DataError: not a frame, or what a file with such content would be refused for.
    """
    whole = to_polars(frame)
    rows = np.arange(len(whole), dtype=np.int64)
    return arrange_tables([Table(whole, rows, "frame", "frame", symbol)], Retrieval(retrieved_ns, (), drop_last))


def to_polars(frame: Any) -> pl.DataFrame:
    """A pandas or Polars frame as Polars; a time index becomes a column.

    Raises:
        DataError: not a frame, or columns that are not told apart.
    """
    if isinstance(frame, pl.LazyFrame):
        return frame.collect()
    return frame if isinstance(frame, pl.DataFrame) else _from_pandas(frame)


def _from_pandas(frame: "pd.DataFrame") -> pl.DataFrame:
    kind = type(frame)
    if kind.__name__ != "DataFrame" or not kind.__module__.startswith("pandas"):
        raise DataError(f"a {kind.__module__}.{kind.__name__} is not a frame; give a pandas or Polars DataFrame")
    if frame.columns.nlevels > 1:
        raise DataError("frame: columns on several levels; give the long format, `frame.stack()` makes it")
    if frame.index.nlevels > 1 or frame.index.dtype.kind in "Mm" or _named_like_time(frame):
        names = [name or "time" if level.dtype.kind == "M" else name for name, level in _levels(frame)]
        frame = frame.reset_index(names=names if len(names) > 1 else names[0])
    names = [str(name) for name in frame.columns]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"frame: column {twice!r} comes twice; rename or remove one")
    return pl.DataFrame({name: _column(frame.iloc[:, n]) for n, name in enumerate(names)})


def _named_like_time(frame: "pd.DataFrame") -> bool:
    name = frame.index.name
    return name is not None and canonical(str(name)) in TIME and name not in frame.columns


def _levels(frame: "pd.DataFrame") -> list[tuple[Any, Any]]:
    index = frame.index
    if index.nlevels == 1:
        return [(index.name, index)]
    return [(name or f"level_{n}", index.get_level_values(n)) for n, name in enumerate(index.names)]


def _column(values: "pd.Series") -> pl.Series:
    kind = values.dtype.kind
    if kind == "M":
        moments = values.dt.tz_convert("UTC").dt.tz_localize(None) if values.dt.tz is not None else values
        return pl.Series(moments.to_numpy(dtype="datetime64[ns]"))
    if kind in "iuf":
        return pl.Series(values.to_numpy(dtype=np.float64 if values.isna().any() else None))
    texts = (None if absent else str(value) for value, absent in zip(values, values.isna(), strict=True))
    return pl.Series(list(texts), dtype=pl.String)
