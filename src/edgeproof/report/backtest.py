"""What trading on the forecasts would have earned: equity, drawdown, and every figure net and gross."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from edgeproof.report.ablation import ablations_table
from edgeproof.report.beside import beside_table
from edgeproof.report.chart import Plot, bars, line, plot, seal_marks
from edgeproof.report.figures import SPAN_NAMES, figures_tables, span_words
from edgeproof.report.number import show
from edgeproof.report.part import Block, Figure, Grid, Section, Text

__all__ = [
    "backtest_section",
    "drawdown_figure",
    "equity_figure",
    "return_figure",
    "share_of_equity",
    "spans_of",
    "the_span",
    "times_of",
]

LINE_POINTS = 1200


def spans_of(track: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    """The evaluated spans of a track in order of time, each with its own rows."""
    if not len(track):
        return []
    if "span" not in track.columns:
        return [("validation", track)]
    names = [name for name in ("validation", "sealed") if name in set(track["span"].unique().to_list())]
    return [(name, track.filter(pl.col("span") == name)) for name in names]


def times_of(rows: pl.DataFrame) -> np.ndarray:
    """Close times in milliseconds UTC, i64[N]."""
    return rows["close_time"].dt.epoch("ms").to_numpy()


def _values(rows: pl.DataFrame, name: str) -> np.ndarray:
    if name not in rows.columns:
        return np.zeros(len(rows))
    return rows[name].cast(pl.Float64).fill_null(0.0).fill_nan(0.0).to_numpy()


def _marks(track: pl.DataFrame, *, foot: bool = False) -> dict[str, Any]:
    spans = dict(spans_of(track))
    if "sealed" not in spans or "validation" not in spans:
        return {}
    sealed = times_of(spans["sealed"])
    return seal_marks(int(sealed[0]), int(sealed[-1]), foot=foot)


def _start(rows: pl.DataFrame) -> float:
    return float(_values(rows, "equity")[0] - _values(rows, "net")[0])


def share_of_equity(rows: pl.DataFrame, name: str) -> np.ndarray:
    """Money of each bar as a share of the equity before it, f64[N]; 0 after ruin."""
    before = _values(rows, "equity") - _values(rows, "net")
    return np.divide(_values(rows, name), before, out=np.zeros(len(rows)), where=before > 0)


def _gross_equity(rows: pl.DataFrame) -> np.ndarray:
    """Equity without costs: the gross returns compounded, as in the verdict's gross figures."""
    return _start(rows) * np.cumprod(1 + share_of_equity(rows, "gross"))


def _equity_plot(track: pl.DataFrame, limit: int) -> Plot:
    traces: list[dict[str, Any]] = []
    low, high, first = np.inf, -np.inf, 1.0
    for number, (_, rows) in enumerate(spans_of(track)):
        when, net, first = times_of(rows), _values(rows, "equity"), _start(rows)
        gross = _gross_equity(rows)
        shown = {"legend": number == 0, "limit": limit}
        if "hold_return" in rows.columns:
            hold = first * np.cumprod(1 + _values(rows, "hold_return"))
            traces.append(line(when, hold, name="mean position held", color="@hold", width=1.1, dash="dot", **shown))
        traces.append(line(when, gross, name="gross", color="@gross", width=1.3, **shown))
        traces.append(line(when, net, name="net", color="@net", width=2, **shown))
        low, high = min(low, net.min(), gross.min()), max(high, net.max(), gross.max())
    log = low > 0 and high / low > 5
    y = {"title": f"equity, start {show(first)}", "tickformat": ",.3~f" if first == 1 else ",.4~s"} | (
        {"type": "log", "dtick": "D2"} if log else {}
    )
    return plot(traces, x={"type": "date", "nticks": 6}, y=y, **_marks(track))


def _result(rows: pl.DataFrame) -> tuple[float, float]:
    start = _start(rows)
    net = float(_values(rows, "equity")[-1])
    return net / start - 1, float(_gross_equity(rows)[-1]) / start - 1


def equity_figure(track: pl.DataFrame, limit: int = LINE_POINTS) -> Figure:
    """Equity net and gross of each evaluated span, with what holding the average position would have earned."""
    said = []
    for name, rows in spans_of(track):
        net, gross = _result(rows)
        said.append(f"{SPAN_NAMES[name]}: {show(net, 'percent')} net, {show(gross, 'percent')} gross")
    caption = (
        "Each span starts anew. Net is after every cost; gross compounds the same returns without them, so the gap "
        "is what trading cost. The dotted line holds the strategy's own mean position, free of cost: mere exposure."
    )
    joined = "; ".join(said)
    return Figure("Equity", _equity_plot(track, limit), caption, f"{joined[:1].upper()}{joined[1:]}.", height=340)


def _falls(rows: pl.DataFrame) -> np.ndarray:
    equity = np.concatenate([[_start(rows)], _values(rows, "equity")])
    peak = np.maximum.accumulate(equity)
    return (equity / np.where(peak > 0, peak, 1.0) - 1)[1:]


def drawdown_figure(track: pl.DataFrame, limit: int = LINE_POINTS) -> Figure:
    """How far net equity stood below its own highest point."""
    traces, said = [], []
    for name, rows in spans_of(track):
        fall = _falls(rows)
        traces.append(
            line(
                times_of(rows),
                fall,
                name="drawdown",
                color="@bad",
                width=1.2,
                fill="@bad-soft",
                legend=False,
                limit=limit,
            )
        )
        said.append(
            f"{SPAN_NAMES[name]}: at worst {show(-float(fall.min()), 'percent')} below its peak, and below it "
            f"{show(float((fall < 0).mean()), 'percent')} of the time"
        )
    drawn = plot(
        traces,
        x={"type": "date", "nticks": 6},
        y={"title": "below peak", "tickformat": ".2~%"},
        **_marks(track, foot=True),
    )
    joined = "; ".join(said)
    words = f"{joined[:1].upper()}{joined[1:]}."
    return Figure("Drawdown", drawn, "Net equity as a distance from its highest point so far.", words, height=220)


def the_span(name: str) -> str:
    """A span's name within a sentence."""
    return "the sealed span" if name == "sealed" else SPAN_NAMES[name]


def return_figure(track: pl.DataFrame) -> Figure | None:
    """Distribution of the net returns of the bars on which something was held or traded; None where there is none."""
    spans = spans_of(track)
    if not spans:
        return None
    name, rows = spans[-1]
    returns = _values(rows, "net_return") * 1e4
    moved = returns[returns != 0]
    if len(moved) < 10:
        return None
    ends = np.quantile(moved, [0.005, 0.995])
    if ends[0] == ends[1]:
        return None
    counts, edges = np.histogram(np.clip(moved, *ends), bins=61, range=(float(ends[0]), float(ends[1])))
    middle = (edges[:-1] + edges[1:]) / 2
    colors = ["@bad" if value < 0 else "@net" for value in middle]
    drawn = plot(
        [bars(middle, counts, name="bars", color=colors)],
        x={"title": "net return of a bar, bps"},
        y={"title": "bars"},
        hovermode="x",
    )
    caption = f"Net return of single bars of {the_span(name)}; the last column at each side holds the tail."
    flat = len(returns) - len(moved)
    words = (
        f"{show(float((moved > 0).mean()), 'percent')} of {len(moved):,} bars with a result gained; median "
        f"{show(float(np.median(moved)), 'bps')}, mean {show(float(moved.mean()), 'bps')}."
    ) + (f" {show(flat / len(returns), 'percent')} of all bars were flat." if flat > 0.001 * len(returns) else "")
    return Figure("Returns of single bars", drawn, caption, words)


def backtest_section(track: pl.DataFrame, verdict: Mapping[str, Any]) -> Section:
    """Equity, drawdown, the distribution of returns, ablations, benchmarks, and the figures in short tables.

    Args:
        track: one row a bar, see `report.run.RunData`.
        verdict: the run's verdict, whose `net` and `gross` are tabulated.
    """
    lead = "Decided at the close of a bar, filled at the next open, every cost paid."
    beside, changed, tables = beside_table(verdict), ablations_table(verdict), figures_tables(verdict)
    pair = [table for table in (beside, changed) if table is not None]
    figures: list[Block] = [*([Grid(pair)] if pair else []), Text(span_words(verdict)), tables]
    if not len(track):
        return Section("Trading", lead, (Text("Nothing was traded: there is no track to draw.", "note"), *figures))
    returns = return_figure(track)
    drawn: list[Block] = [equity_figure(track), drawdown_figure(track), *([] if returns is None else [returns])]
    return Section("Trading", lead, [*drawn, *figures])
