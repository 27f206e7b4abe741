"""A feature is declared once: a function over one symbol's bars, how far back it reads, its formula.

The function sees `Rows`, an unbroken run of one symbol's bars in order, and returns one number a row. Where its formula
has no value (0/0, the logarithm of 0) the number is NaN or infinite. It never sees a gap: a new run starts behind it.
"""

# S symbols, T bars (slots of the market's clock), F features, n rows (bars of one run)

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from edgeproof.core.errors import DataError
from edgeproof.core.identity import sha_bytes
from edgeproof.features.rolling import rolling_moments

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Feature", "FeatureTable", "Rows", "evaluate", "from_expression"]


@dataclass(frozen=True)
class Rows:
    """An unbroken run of one symbol's bars, oldest first.

    Attributes:
        open: f64[n], and likewise high, low, close, all > 0; volume f64[n] >= 0.
        close_time: i64[n] ns UTC.
        log_close: f64[n] ln C.
        market_return: f64[n] mean log return of the symbols that have this bar and the market's bar before it.
        market_since: f64[n] the market's return since this symbol's row before, over bars that the symbol missed too;
            NaN at the first row. Both are NaN where the market has no return.
    """

    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume: np.ndarray
    close_time: np.ndarray
    log_close: np.ndarray
    market_return: np.ndarray
    market_since: np.ndarray

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.close)

    @cached_property
    def log_return(self) -> np.ndarray:
        """f64[n]: ln(C_t / C_{t-1}), NaN at the first row."""
        return np.concatenate(([np.nan], np.diff(self.log_close)))

    @cached_property
    def log_range(self) -> np.ndarray:
        """f64[n]: ln(H / L)."""
        return np.log(self.high / self.low)

    @cached_property
    def return_moments_24(self) -> tuple[np.ndarray, np.ndarray]:
        """f64[n] each: mean and sum of squared deviations of the last 24 log returns."""
        return rolling_moments(self.log_return, 24)


@dataclass(frozen=True)
class Feature:
    """One column of the feature table.

    Attributes:
        name: unique in its table.
        reach: bars before t that the value at t reads; for a recursion, after how many bars what came before weighs
            less than 1e-6 of the feature's scale.
        group: for reports: price, volatility, oscillator, volume, market, user.
        formula: one line in words or signs.
        function: `Rows` of n rows -> f64[n]; NaN or infinity where there is no value.
        universe: it reads other symbols' bars.
        version: identity of the function; tables with an unversioned feature ("") are never cached.
    """

    name: str
    reach: int
    group: str
    formula: str
    function: Callable[[Rows], np.ndarray]
    universe: bool = False
    version: str = ""


def evaluate(features: Sequence[Feature], rows: Rows, dtype: type = np.float64) -> np.ndarray:
    """[F, n]: every feature at every row; NaN or infinite where it has no value.

    Raises:
        DataError: a function does not return one number a row.
    """
    out = np.empty((len(features), len(rows)), dtype)
    with np.errstate(all="ignore"):  # what a formula does not define comes out as NaN or infinity
        for f, feature in enumerate(features):
            result = np.asarray(feature.function(rows))
            if result.shape != out[f].shape or result.dtype.kind not in "fiub":
                raise DataError(
                    f"feature {feature.name}: its function returned {result.dtype} of shape {result.shape} for "
                    f"{len(rows)} rows; return one number a row, NaN where there is none"
                )
            out[f] = result
    return out


@dataclass(frozen=True)
class FeatureTable:
    """Features of every symbol on the market's clock.

    Attributes:
        x: f32[S, T, F], 0 where not ready.
        ready: bool[S, T] the bar is present and every feature has a value there.
        first_read: i32[S, T] clock index of the first bar that any feature at (s, t) reads; valid where ready.
        names: F names.
        reach: i32[F] bars before t that each feature reads.
        sha: identity of the content: bars, features and config.
    """

    x: np.ndarray
    ready: np.ndarray
    first_read: np.ndarray
    names: tuple[str, ...]
    reach: np.ndarray
    sha: str


def from_expression(name: str, expression: "pl.Expr", *, reach: int, formula: str = "") -> Feature:
    """A feature written as a Polars expression over open, high, low, close, volume (Float64) and close_time (Int64).

    Nulls become NaN. The expression's own text is its version, unless it calls Python.
    """
    text = expression.meta.serialize(format="json")
    calls_python = "Python" in text or "Anonymous" in text

    def function(rows: Rows) -> np.ndarray:
        import polars as pl

        columns = ("open", "high", "low", "close", "volume", "close_time")
        frame = pl.DataFrame({column: getattr(rows, column) for column in columns})
        return frame.select(expression.cast(pl.Float64).fill_null(float("nan"))).to_series().to_numpy()

    version = "" if calls_python else sha_bytes(text.encode())
    return Feature(name, reach, "user", formula or str(expression), function, version=version)
