"""Per-bar series of several runs on the bars that all of them share: net returns, and the forecasts' log loss.

Returns are those of the first out-of-sample path where every run has paths, else of the validation span. Forecasts are
those of validation.
"""

# T bars, U bars with a forecast that resolved

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce

import numpy as np
import polars as pl

from edgeproof.core.errors import DataError
from edgeproof.recipe.run import Run

__all__ = ["Series", "shared_series"]

LEAST_BARS = 20
EPSILON = 1e-12  # a forecast of exactly 0 or 1 that was wrong has a finite loss


@dataclass(frozen=True)
class Series:
    """What several runs did on the bars that they share.

    Attributes:
        span: of the returns: `paths` (out of sample) or `validation`.
        close_time: i64[T] ns UTC of the returns.
        net: f64[T] net return per bar, by run.
        loss: f64[U] mean log loss of a bar's forecasts in nats, by run; on the bars where every run has forecasts.
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
    paths = {name: found.paths for name, found in runs.items()}
    span = "paths" if all(len(table) for table in paths.values()) else "validation"
    tables = {
        name: paths[name].filter(pl.col("path") == 0)
        if span == "paths"
        else found.track.filter(pl.col("span") == "validation")
        for name, found in runs.items()
    }
    net = _joined({name: table.select("close_time", value="net_return") for name, table in tables.items()})
    loss = _joined({name: _loss(found) for name, found in runs.items()})
    if len(net) < LEAST_BARS:
        raise DataError(f"{' and '.join(runs)} share {len(net)} bars; compare runs of one market and one split")
    return Series(
        span=span,
        close_time=net["close_time"].cast(pl.Int64).to_numpy(),
        net={name: net[name].to_numpy() for name in runs},
        loss={name: loss[name].to_numpy() for name in runs},
    )


def _joined(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """One column a run, on the moments that all of them have."""
    named = [table.rename({"value": name}) for name, table in tables.items()]
    return reduce(lambda left, right: left.join(right, on="close_time", how="inner"), named).sort("close_time")


def _loss(run: Run) -> pl.DataFrame:
    """Mean log loss of the forecasts made at each bar of validation."""
    p = pl.col("probability").clip(EPSILON, 1 - EPSILON)
    told = run.predictions.filter(pl.col("label").is_not_null(), pl.col("span") == "validation")
    each = told.select("close_time", value=pl.when(pl.col("label") == 1).then(-p.log()).otherwise(-(1 - p).log()))
    return each.group_by("close_time").agg(pl.col("value").mean())
