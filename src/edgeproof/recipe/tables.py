"""The run's tables as Polars frames: what the report reads, and what a user opens."""

# S symbols, T bars, A assets

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from edgeproof.recipe.prepare import Prepared
from edgeproof.simulator.track import COST_KINDS, REASONS, Track

__all__ = ["history_table", "predictions_table", "times", "track_table", "trades_table"]

AT_OPEN = tuple(REASONS.index(reason) for reason in ("signal", "delisted", "time"))  # how else a trade ends: see below
TIME = pl.Datetime("ns", "UTC")


def times(close_time: np.ndarray) -> pl.Series:
    """Close times as UTC moments."""
    return pl.Series("close_time", close_time, dtype=pl.Int64).cast(pl.Datetime("ns")).dt.replace_time_zone("UTC")


def history_table(history: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """One row an epoch."""
    return pl.DataFrame([dict(row) for row in history], infer_schema_length=None)


def track_table(
    track: Track, hold_return: np.ndarray, close_time: np.ndarray, span: str, regime: pl.Series
) -> pl.DataFrame:
    """One row a bar: money by kind, equity after the bar, returns, exposure, regime.

    Args:
        track: of T bars.
        hold_return: f64[T] return of holding the track's own average weights, free of cost.
        close_time: i64[T] ns UTC.
        span: `validation` or `sealed`.
        regime: name of each bar's regime, null where unknown.
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
    return pl.DataFrame([times(close_time), *(pl.Series(name, values) for name, values in columns.items()), regime])


def trades_table(
    track: Track, symbols: Sequence[str], close_time: np.ndarray, interval_ns: int, span: str
) -> pl.DataFrame:
    """One row a round trip, in order of their ends; gross, each kind of cost, cost and net sum to the track's.

    `entry_time` is the open of the bar of the fill. `exit_time` is the open of the bar of the exit where an order, a
    delisting or the time ended the trade, else its close: of a stop and a target the bar is known, not the moment.
    `equity` is that before the bar of the entry.

    Args:
        track: of T bars.
        symbols: of its A assets.
        close_time: i64[T] ns UTC.
        interval_ns: length of a bar.
        span: `validation` or `sealed`.
    """
    trades = track.trades
    at_open = np.isin(trades["reason"], AT_OPEN)
    leave = close_time[trades["exit_bar"]] - np.where(at_open, interval_ns, 0)
    columns = {
        "span": pl.Series([span] * len(trades), dtype=pl.String),
        "symbol": pl.Series([symbols[asset] for asset in trades["asset"]], dtype=pl.String),
        "side": pl.Series(["long" if side > 0 else "short" for side in trades["side"]], dtype=pl.String),
        "entry_time": times(close_time[trades["entry_bar"]] - interval_ns),
        "exit_time": times(leave),
        "reason": pl.Series([REASONS[reason] for reason in trades["reason"]], dtype=pl.String),
        "bars": pl.Series(trades["exit_bar"] - trades["entry_bar"] + ~at_open, dtype=pl.Int64),
        "gross": pl.Series(trades["gross"].copy()),
        **{kind: pl.Series(trades[kind].copy()) for kind in COST_KINDS},
        "cost": pl.Series(trades["cost"].copy()),
        "net": pl.Series(trades["net"].copy()),
        "equity": pl.Series(track.equity[trades["entry_bar"]]),
    }
    return pl.DataFrame(columns)


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
