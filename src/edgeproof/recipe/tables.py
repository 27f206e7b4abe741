"""The run's tables as Polars frames: what the report reads, and what a user opens."""

# S symbols, T bars, A assets

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from edgeproof.recipe.prepare import Prepared
from edgeproof.simulator.track import COST_KINDS, Track

__all__ = ["history_table", "predictions_table", "times", "track_table"]

TIME = pl.Datetime("ns", "UTC")


def times(close_time: np.ndarray) -> pl.Series:
    """Close times as UTC moments."""
    return pl.Series("close_time", close_time, dtype=pl.Int64).cast(pl.Datetime("ns")).dt.replace_time_zone("UTC")


def history_table(history: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """One row an epoch."""
    return pl.DataFrame([dict(row) for row in history], infer_schema_length=None)


def track_table(track: Track, hold_return: np.ndarray, close_time: np.ndarray, span: str) -> pl.DataFrame:
    """One row a bar: money by kind, equity after the bar, returns, exposure.

    Args:
        track: of T bars.
        hold_return: f64[T] return of holding the track's own average weights, free of cost.
        close_time: i64[T] ns UTC.
        span: `validation` or `sealed`.
    """
    money = {name: getattr(track, name) for name in ("gross", *COST_KINDS, "net")}
    columns = {
        "span": np.full(len(close_time), span),
        **money,
        "equity": track.equity[1:],
        "net_return": track.net_return,
        "gross_return": track.gross_return,
        "hold_return": hold_return,
        "exposure": np.abs(track.weights).sum(1),
        "traded": track.traded,
    }
    return pl.DataFrame([times(close_time), *(pl.Series(name, values) for name, values in columns.items())])


def predictions_table(
    prepared: Prepared, probability: np.ndarray, made: np.ndarray, bars: slice, span: str
) -> pl.DataFrame:
    """One row a forecast, in order of time.

    Args:
        prepared: the span that the forecasts were made on.
        probability: f[S, T].
        made: bool[S, T].
        bars: the bars of this part.
        span: `validation` or `sealed`.
    """
    inside = np.zeros_like(made)
    inside[:, bars] = made[:, bars]
    t, s = np.nonzero(inside.T)
    symbols = np.array(prepared.panel.symbols, dtype=object)
    known = prepared.labels.known[s, t]
    label = pl.Series("label", prepared.labels.y[s, t].astype(np.int8), dtype=pl.Int8)
    frame = pl.DataFrame(
        [
            times(prepared.panel.close_time[t]),
            pl.Series("symbol", symbols[s], dtype=pl.String),
            pl.Series("probability", probability[s, t].astype(np.float64)),
            label,
            pl.Series("known", known),
            pl.Series("span", np.full(len(t), span), dtype=pl.String),
        ]
    )
    return frame.with_columns(label=pl.when("known").then("label").otherwise(None)).drop("known")
