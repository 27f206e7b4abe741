"""Several runs in one picture: equity, losses epoch by epoch, and paired differences with their intervals."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from edgeproof.report.chart import Trace, line, plot, points
from edgeproof.report.figures import SPAN_NAMES
from edgeproof.report.number import clip, get, is_number, show
from edgeproof.report.part import Figure
from edgeproof.report.run import RunData

__all__ = ["COLOURS", "curves_together", "differences_figure", "equity_together"]

COLOURS = ("@net", "@hold", "@good", "@bad", "@cost-4", "@cost-5", "@cost-1", "@gross")
LINE_POINTS = 900
ALL_POINTS = 4000  # of all runs together: a page stays under 2 MB
CURVE_POINTS = 300
LABEL = 22  # letters of a name beside an axis, on a phone


def _shared_times(runs: Sequence[RunData], span: str) -> pl.DataFrame:
    times = [run.track.filter(pl.col("span") == span).select("close_time") for run in runs]
    shared = times[0].unique("close_time")
    for other in times[1:]:
        shared = shared.join(other, on="close_time", how="semi")
    return shared.sort("close_time")


def equity_together(runs: Sequence[RunData], span: str, height: int = 360) -> Figure | None:
    """Net equity of every run from 1, on the bars of a span that all of them traded; None where there are none."""
    shared = _shared_times(runs, span)
    if not len(shared):
        return None
    traces, ends, limit = [], [], min(LINE_POINTS, ALL_POINTS // len(runs))
    for run, color in zip(runs, COLOURS, strict=False):
        rows = shared.join(run.track.filter(pl.col("span") == span), on="close_time", how="inner").sort("close_time")
        equity = np.cumprod(1 + rows["net_return"].fill_null(0.0).fill_nan(0.0).to_numpy())
        when = rows["close_time"].dt.epoch("ms").to_numpy()
        traces.append(line(when, equity, name=clip(run.title, 40), color=color, width=1.8, limit=limit))
        ends.append((run.title, equity))
    low, high = min(equity.min() for _, equity in ends), max(equity.max() for _, equity in ends)
    log = low > 0 and high / low > 5
    y = {"title": "equity, start 1", "tickformat": ",.3~f"} | ({"type": "log", "dtick": "D2"} if log else {})
    said = "; ".join(f"{clip(name, 40)} {show(float(equity[-1]) - 1, 'percent')}" for name, equity in ends)
    caption = f"Net of every cost, compounded, on the {len(shared):,} bars that all of them traded."
    title = f"Equity, {SPAN_NAMES[span]}"
    return Figure(title, plot(traces, x={"type": "date", "nticks": 6}, y=y), caption, f"{said}.", height=height)


def _curve(run: RunData, column: str, color: str) -> tuple[Trace, float] | None:
    history = run.history
    if not len(history) or column not in history.columns or history[column].null_count() == len(history):
        return None
    values = history[column].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    if not np.isfinite(values).any():
        return None
    drawn = line(history["epoch"].to_numpy(), values, name=clip(run.title, 40), color=color, limit=CURVE_POINTS)
    best = history["best"].fill_null(value=False).to_numpy() if "best" in history.columns else np.zeros(len(values))
    kept = np.flatnonzero(best)
    return drawn | {"mode": "lines+markers", "marker": {"size": 4}}, float(values[kept[-1] if len(kept) else -1])


def curves_together(runs: Sequence[RunData], column: str, title: str, unit: str) -> Figure | None:
    """One column of the history of every run that has it, epoch by epoch; None where none has."""
    found = [(run, _curve(run, column, color)) for run, color in zip(runs, COLOURS, strict=False)]
    known = [(run, curve) for run, curve in found if curve is not None]
    if not known:
        return None
    said = "; ".join(f"{clip(run.title, 40)} {show(kept, unit)}" for run, (_, kept) in known)
    form = {"loss": ".4f", "score": ".3f"}[unit]
    drawn = plot([trace for _, (trace, _) in known], x={"title": "epoch"}, y={"title": title, "tickformat": form})
    return Figure(title, drawn, "On validation, one line a run.", f"At the kept epoch: {said}.")


def _labels(names: Sequence[str], limit: int) -> list[str]:
    """Names cut to a length: at their end, or at their beginning where only the end tells them apart."""
    heads = [clip(name, limit) for name in names]
    if len(set(heads)) == len(set(names)):
        return heads
    return [name if len(name) <= limit else f"…{name[1 - limit :]}" for name in names]


def differences_figure(rows: Sequence[Mapping[str, Any]]) -> Figure | None:
    """The difference of each run to the first, a year, with its interval; None where no interval is known."""
    known = [row for row in rows if is_number(get(row, "annual_low"))]
    if not known:
        return None
    middle = [row["annual_mean"] for row in known]
    names = _labels([row["run"] for row in known], LABEL)
    dots = points(middle, [0.0] * len(known), name="difference", color="@net", size=10)
    dots |= {"y": names, "showlegend": False}
    dots["error_x"] = {
        "type": "data",
        "symmetric": False,
        "array": [float(f"{row['annual_high'] - row['annual_mean']:.6g}") for row in known],
        "arrayminus": [float(f"{row['annual_mean'] - row['annual_low']:.6g}") for row in known],
        "color": "@net",
        "thickness": 1.6,
        "width": 6,
    }
    stroke = {"color": "@muted", "width": 1, "dash": "dot"}
    zero = {"type": "line", "x0": 0, "x1": 0, "y0": 0, "y1": 1, "yref": "paper", "line": stroke}
    drawn = plot(
        [dots],
        x={"title": "net return a year beyond the first", "tickformat": ",.0%", "nticks": 5, "showgrid": True},
        y={"type": "category", "autorange": "reversed", "showgrid": False},
        hovermode="closest",
        shapes=[zero],
    )
    caption = (
        f"Beyond {clip(known[0]['against'], 60)}: mean difference of single bars times the bars of a year, with "
        "its 95% interval (stationary bootstrap)."
    )
    return Figure("Difference a year", drawn, caption, height=110 + 44 * len(known))
