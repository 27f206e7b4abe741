"""Columns of numbers to Parquet bytes and back."""

import io
from collections.abc import Mapping, Sequence

import numpy as np

__all__ = ["decode", "encode"]


def encode(columns: Mapping[str, np.ndarray]) -> bytes:
    """Parquet bytes (zstd) of equally long columns."""
    import polars as pl

    buffer = io.BytesIO()
    pl.DataFrame({name: np.ascontiguousarray(column) for name, column in columns.items()}).write_parquet(
        buffer, compression="zstd"
    )
    return buffer.getvalue()


def decode(data: bytes, columns: Sequence[str]) -> dict[str, np.ndarray]:
    """The named columns of Parquet bytes as contiguous arrays."""
    import polars as pl

    frame = pl.read_parquet(io.BytesIO(data), columns=list(columns))
    return {name: np.ascontiguousarray(frame[name].to_numpy()) for name in columns}
