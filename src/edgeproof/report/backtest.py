"""What trading on the forecasts would have earned: equity, drawdown, costs by kind, and every figure net and gross."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from edgeproof.report.chart import COST_COLOURS, Plot, area, bars, line, plot, seal_marks
from edgeproof.report.number import DASH, get, humanise, is_number, show
from edgeproof.report.part import Block, Cell, Figure, Grid, Section, Table, Text

__all__ = [
    "FIGURES",
    "backtest_section",
    "cost_figure",
    "drawdown_figure",
    "equity_figure",
    "figure_rows",
    "figures_tables",
    "return_figure",
    "spans_of",
    "times_of",
]

LINE_POINTS = 1200
NOT_OPEN = "known once the seal is opened"
NO_TRADES = "nothing was traded"
STILL = "returns do not vary"
FIGURES: dict[str, tuple[str, str, str]] = {
    # key: (label, unit, why it can be absent)
    "total_return": ("Total return", "percent", "no bars"),
    "annual_return": ("Annual return", "percent", "no bars"),
    "volatility": ("Annual volatility", "percent", "no bars"),
    "sharpe": ("Sharpe ratio, annual", "ratio", STILL),
    "sharpe_low": ("Sharpe, lower 95% bound", "ratio", STILL),
    "sharpe_high": ("Sharpe, upper 95% bound", "ratio", STILL),
    "sortino": ("Sortino ratio", "ratio", "no losing bars"),
    "calmar": ("Calmar ratio", "ratio", "no drawdown"),
    "max_drawdown": ("Maximum drawdown", "percent", "no bars"),
    "max_drawdown_bars": ("Longest drawdown, bars", "count", "no drawdown"),
    "p_value": ("p of net return and timing", "chance", NOT_OPEN),
    "psr": ("Probabilistic Sharpe", "chance", STILL),
    "dsr": ("Deflated Sharpe", "chance", STILL),
    "skew": ("Skew", "ratio", STILL),
    "kurtosis": ("Kurtosis", "ratio", STILL),
    "var": ("Value at risk, 95%", "fine", "no bars"),
    "cvar": ("Expected shortfall, 95%", "fine", "no bars"),
    "tail_ratio": ("Tail ratio", "ratio", "no losing bars"),
    "consistency": ("Profitable periods", "percent", "no periods"),
    "trades": ("Trades", "count", NO_TRADES),
    "win_rate": ("Win rate", "percent", NO_TRADES),
    "profit_factor": ("Profit factor", "ratio", "no losing bars"),
    "payoff": ("Payoff ratio", "ratio", "no winning or no losing trade"),
    "expectancy": ("Expectancy", "plain", NO_TRADES),
    "turnover": ("Turnover", "ratio", NO_TRADES),
    "exposure": ("Exposure", "percent", "no bars"),
    "cost_share": ("Costs, share of gross gains", "percent", "gross gain is not above zero"),
    "break_even_bps": ("Break-even cost a side", "bps", NO_TRADES),
}
RETURN_KEYS = 13
NET_ONLY = {"p_value", "psr", "dsr", "cost_share", "break_even_bps"}
SPAN_NAMES = {"validation": "validation", "sealed": "sealed span"}


def _cell(body: Mapping[str, Any] | None, key: str, *, gross: bool) -> Cell:
    _, kind, why = FIGURES.get(key, ("", "plain", "not defined here"))
    text = show(get(body, key), kind)
    if text != DASH:
        return Cell(text)
    return Cell(text, "defined for the net return only" if gross and key in NET_ONLY else why)


def figure_rows(bodies: Sequence[Mapping[str, Any] | None], sides: Sequence[str]) -> list[tuple[Cell, ...]]:
    """A row for every figure that at least one of the bodies reports, in the order of `FIGURES`, others after.

    Args:
        bodies: figures by key.
        sides: `net` or `gross` for each body.
    """
    reported = [body for body in bodies if isinstance(body, Mapping)]
    known = [key for key in FIGURES if any(key in body for body in reported)]
    others = {key: None for body in reported for key, value in body.items() if key not in FIGURES and is_number(value)}
    return [
        (
            Cell(FIGURES[key][0] if key in FIGURES else humanise(key)),
            *(_cell(body, key, gross=side == "gross") for body, side in zip(bodies, sides, strict=True)),
        )
        for key in [*known, *others]
    ]


def figures_tables(verdict: Mapping[str, Any]) -> Grid:
    """Net beside gross of the span that the verdict speaks of: return and evidence, then risk and trading."""
    rows = figure_rows([get(verdict, "net"), get(verdict, "gross")], ("net", "gross"))
    span = SPAN_NAMES.get(str(get(verdict, "span")), "validation")
    first = sum(key in (get(verdict, "net") or {}) for key in list(FIGURES)[:RETURN_KEYS])
    parts = ((f"Return, drawdown and evidence, {span}.", rows[:first]), (f"Risk and trading, {span}.", rows[first:]))
    return Grid([Table(("Figure", "net", "gross"), part, caption=caption) for caption, part in parts if part])


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


def _equity_plot(track: pl.DataFrame, limit: int) -> Plot:
    traces: list[dict[str, Any]] = []
    low, high = np.inf, -np.inf
    for number, (_, rows) in enumerate(spans_of(track)):
        when, net, first = times_of(rows), _values(rows, "equity"), _start(rows)
        gross = first + np.cumsum(_values(rows, "gross"))
        shown = {"legend": number == 0, "limit": limit}
        if "hold_return" in rows.columns:
            hold = first * np.cumprod(1 + _values(rows, "hold_return"))
            traces.append(line(when, hold, name="holding", color="@hold", width=1.1, dash="dot", **shown))
        traces.append(line(when, gross, name="gross", color="@gross", width=1.3, **shown))
        traces.append(line(when, net, name="net", color="@net", width=2, **shown))
        low, high = min(low, net.min(), gross.min()), max(high, net.max(), gross.max())
    log = low > 0 and high / low > 5
    y = {"title": "equity, start 1", "tickformat": ".3~f"} | ({"type": "log", "dtick": "D2"} if log else {})
    return plot(traces, x={"type": "date", "nticks": 6}, y=y, **_marks(track))


def _result(rows: pl.DataFrame) -> tuple[float, float]:
    start = _start(rows)
    net = float(_values(rows, "equity")[-1])
    gross = start + float(_values(rows, "gross").sum())
    return net / start - 1, gross / start - 1


def equity_figure(track: pl.DataFrame, limit: int = LINE_POINTS) -> Figure:
    """Equity net and gross of each evaluated span, with what holding the average position would have earned."""
    said = []
    for name, rows in spans_of(track):
        net, gross = _result(rows)
        said.append(f"{SPAN_NAMES[name]}: {show(net, 'percent')} net of costs, {show(gross, 'percent')} before them")
    caption = (
        "Equity after every cost (net) and without them (gross); the gap is what trading costs. The dotted line holds "
        "the strategy's own average position, free of cost: what mere exposure earned."
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
    for number, (name, rows) in enumerate(spans_of(track)):
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
        trough = show(float(fall.min()), "percent")
        share = show(float((fall < 0).mean()), "percent")
        said.append(
            f"{'Deepest' if number == 0 else 'deepest'} on the {SPAN_NAMES[name]}: {trough}, below its peak "
            f"{share} of the time"
        )
    drawn = plot(
        traces,
        x={"type": "date", "nticks": 6},
        y={"title": "below peak", "tickformat": ".1%"},
        **_marks(track, foot=True),
    )
    return Figure("Drawdown", drawn, "Net equity as a distance from its highest point so far.", f"{'; '.join(said)}.")


def cost_figure(track: pl.DataFrame) -> Figure | None:
    """Costs paid since the span began, by kind, as a share of the starting equity; None where nothing was paid."""
    spans = spans_of(track)
    if not spans:
        return None
    name, rows = spans[-1]
    start = _start(rows)
    totals = {kind: float(_values(rows, kind).sum()) / start for kind in COST_COLOURS}
    paid = {kind: total for kind, total in totals.items() if total != 0}
    if not paid:
        return None
    when = times_of(rows)
    layers = [area(when, np.cumsum(_values(rows, kind)) / start, name=kind, color=COST_COLOURS[kind]) for kind in paid]
    drawn = plot(layers, x={"type": "date", "nticks": 6}, y={"title": "paid, share of start", "tickformat": ".1%"})
    parts = ", ".join(f"{kind} {show(total, 'percent')}" for kind, total in paid.items())
    words = f"{show(sum(paid.values()), 'percent')} of the starting equity was paid on the {SPAN_NAMES[name]}: {parts}."
    return Figure("Costs", drawn, "Costs paid so far, by kind, one on top of the other.", words)


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
    caption = f"Net return of single bars of the {SPAN_NAMES[name]}; the last column at each side holds the tail."
    words = (
        f"{show(float((moved > 0).mean()), 'percent')} of {len(moved):,} active bars gained; median "
        f"{show(float(np.median(moved)), 'bps')}, mean {show(float(moved.mean()), 'bps')}. "
        f"{show(1 - len(moved) / len(returns), 'percent')} of all bars were flat."
    )
    return Figure("Returns of single bars", drawn, caption, words)


def backtest_section(track: pl.DataFrame, verdict: Mapping[str, Any]) -> Section:
    """Equity, drawdown, costs, the returns' distribution and the figures table.

    Args:
        track: one row a bar, see `report.run.RunData`.
        verdict: the run's verdict, whose `net` and `gross` are tabulated.
    """
    lead = "Decided at the close of a bar, filled at the next open, every cost paid."
    tables = figures_tables(verdict)
    if not len(track):
        return Section("Trading", lead, (Text("Nothing was traded: there is no track to draw.", "note"), tables))
    blocks: list[Block] = [equity_figure(track)]
    drawn = (drawdown_figure(track), cost_figure(track), return_figure(track))
    blocks += [Grid([figure for figure in drawn if figure is not None]), tables]
    return Section("Trading", lead, blocks)
