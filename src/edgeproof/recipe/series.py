"""Per-bar series of several runs on the bars that all of them share: net returns, and the forecasts' log loss.

Forecasts are compared where every run made one of the same symbol at the same bar for the same label: a run that
forecasts fewer symbols is not compared on easier ones.
"""

# T bars, U bars with a forecast that resolved

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import polars as pl

from edgeproof.core.errors import DataError
from edgeproof.recipe.run import Run

__all__ = ["Series", "shared_losses", "shared_returns", "shared_series"]

LEAST_BARS = 20
TRIM = 1e-15  # of a probability: a forecast of exactly 0 or 1 that was wrong has a finite loss


@dataclass(frozen=True)
class Series:
    """What several runs did on the bars that they share.

    Attributes:
        span: of the returns: `paths` (the first out-of-sample path, where every run has paths) or `validation`.
        close_time: i64[T] ns UTC of the returns.
        net: f64[T] net return per bar, by run.
        loss: f64[U] mean log loss of a bar's forecasts on validation in nats, by run.
    """

    span: str
    close_time: np.ndarray
    net: dict[str, np.ndarray]
    loss: dict[str, np.ndarray]


def shared_series(runs: Mapping[str, Run]) -> Series:
    """Net returns and losses of runs, bar by bar.

    Raises:
        DataError: fewer than 20 bars are shared.
    """
    paths = [found.paths for found in runs.values()]
    if all(len(table) for table in paths):
        span, tables = "paths", [table.filter(pl.col("path") == 0) for table in paths]
    else:
        span = "validation"
        tables = [found.track.filter(pl.col("span") == span) for found in runs.values()]
    net, (loss, _) = shared_returns(tables), shared_losses([found.predictions for found in runs.values()], "validation")
    if len(net) < LEAST_BARS:
        raise DataError(f"{' and '.join(runs)} share {len(net)} bars; compare runs of one market and one split")
    return Series(
        span=span,
        close_time=net["close_time"].cast(pl.Int64).to_numpy(),
        net={name: net[str(number)].to_numpy() for number, name in enumerate(runs)},
        loss={name: loss[str(number)].to_numpy() for number, name in enumerate(runs)},
    )


def shared_returns(tracks: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """`close_time` and one column of net returns a track (`0`, `1`, ...), on the bars that all of them have."""
    tables = [
        track.select("close_time", pl.col("net_return").alias(str(number))).unique("close_time", keep="first")
        for number, track in enumerate(tracks)
    ]
    return _joined(tables, ["close_time"]).sort("close_time")


def shared_losses(predictions: Sequence[pl.DataFrame], span: str) -> tuple[pl.DataFrame, int]:
    """Log losses bar by bar, and how many forecasts of each they are the means of.

    Args:
        predictions: one table of forecasts a run.
        span: `validation` or `sealed`.

    Returns:
        `close_time` and one column of mean log losses a run (`0`, `1`, ...), on the forecasts that all made and whose
        label is known; empty where the runs forecast different labels.
    """
    joined = _joined(
        [_losses(table, span, number) for number, table in enumerate(predictions)], ["close_time", "symbol"]
    )
    if any((joined["label_0"] != joined[f"label_{number}"]).any() for number in range(1, len(predictions))):
        joined = joined.clear()
    bars = joined.group_by("close_time").agg(pl.col(str(number)).mean() for number in range(len(predictions)))
    return bars.sort("close_time"), len(joined)


def _losses(predictions: pl.DataFrame, span: str, number: int) -> pl.DataFrame:
    p = pl.col("probability").clip(TRIM, 1 - TRIM)
    loss = -pl.when(pl.col("label") == 1).then(p.log()).otherwise((1 - p).log())
    known = predictions.filter(pl.col("span") == span, pl.col("label").is_not_null())
    return known.select("close_time", "symbol", pl.col("label").alias(f"label_{number}"), loss.alias(str(number)))


def _joined(tables: Sequence[pl.DataFrame], keys: list[str]) -> pl.DataFrame:
    return reduce(lambda left, right: left.join(right, on=keys, how="inner"), tables)
