"""Per-bar returns of trials lie beside the ledger, in files named by the hash of their bytes."""

# T bars, N trials

import io
from collections.abc import Sequence

import numpy as np

from edgeproof.core.errors import DataError, LedgerError
from edgeproof.core.files import write_bytes
from edgeproof.core.identity import sha_bytes
from edgeproof.ledger.store import Ledger

__all__ = ["read_returns", "write_returns"]


def write_returns(ledger: Ledger, names: Sequence[str], returns: np.ndarray, close_time: np.ndarray) -> str:
    """Store returns f64[T, N], one column a name, with their close times i64[T]; answers the file's hash.

    Raises:
        LedgerError: shapes that do not belong together, values that are not finite, or a place that cannot be written.
    """
    if returns.shape != (len(close_time), len(names)):
        raise LedgerError(
            f"returns of shape {returns.shape} for {len(close_time)} bars and {len(names)} trials; "
            "give one row a bar and one column a trial"
        )
    if not np.isfinite(returns).all():
        bar, column = np.argwhere(~np.isfinite(returns))[0]
        raise LedgerError(f"return of trial {names[column]} at bar {bar} is not a number; a bar without a trade is 0.0")
    if len(close_time) == 0 or (np.diff(close_time) <= 0).any():
        raise LedgerError("close times of returns do not rise; give one row a bar in order of time")
    import polars as pl

    columns = {"close_time": close_time.astype(np.int64)}
    columns |= {name: np.ascontiguousarray(returns[:, n], dtype=np.float64) for n, name in enumerate(names)}
    stream = io.BytesIO()
    pl.DataFrame(columns).write_parquet(stream)
    data = stream.getvalue()
    sha = sha_bytes(data)
    try:
        write_bytes(ledger.returns_path(sha), data)
    except DataError as error:
        raise LedgerError(str(error)) from error
    return sha


def read_returns(ledger: Ledger, sha: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Close times i64[T] and returns f64[T] by trial.

    Raises:
        LedgerError: the file was removed or altered: the trials in it stay counted, so nothing can be judged without.
    """
    path = ledger.returns_path(sha)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LedgerError(
            f"{path}: returns of counted trials are missing ({error.strerror}); restore the file from a copy"
        ) from error
    if sha_bytes(data) != sha:
        raise LedgerError(f"{path}: altered after it was written; restore the file from a copy")
    import polars as pl

    frame = pl.read_parquet(io.BytesIO(data))
    arrays = {name: frame[name].to_numpy() for name in frame.columns}
    return arrays.pop("close_time"), arrays
