"""Figures as plain plotly dicts: thinned lines that keep their extremes, in theme colours that fit light and dark.

Colours are names of the page's theme (`@net`): the page replaces them by the reader's scheme and redraws when that
changes. Times are milliseconds UTC.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edgeproof.core.sketch import thin

__all__ = [
    "COST_COLOURS",
    "MAX_POINTS",
    "Plot",
    "area",
    "bars",
    "line",
    "oracle_bar",
    "plot",
    "points",
    "reliability",
    "seal_marks",
    "share_scale",
    "thin",
    "threshold_curve",
    "vertical",
]

MAX_POINTS = 2000
DIGITS = 6
FONT = "-apple-system, 'Segoe UI', Roboto, Inter, 'Helvetica Neue', 'Noto Sans', 'Liberation Sans', Arial, sans-serif"
COST_COLOURS = {
    "commission": "@cost-1",
    "spread": "@cost-2",
    "slippage": "@cost-3",
    "impact": "@cost-4",
    "borrow": "@cost-5",
    "funding": "@cost-6",
}
Numbers = np.ndarray | Sequence[float]
Trace = dict[str, Any]
Plot = dict[str, Any]


def _finite(x: Numbers, y: Numbers) -> tuple[np.ndarray, np.ndarray]:
    across, up = np.asarray(x), np.asarray(y, dtype=np.float64)
    keep = np.isfinite(up)
    return across[keep], up[keep]


def _numbers(values: Numbers) -> list[float | int]:
    array = np.asarray(values)
    if array.dtype.kind in "iu":
        return array.tolist()
    return [float(f"{value:.{DIGITS}g}") for value in array.tolist()]


def line(  # noqa: PLR0913 - one keyword for each property of a line
    x: Numbers,
    y: Numbers,
    *,
    name: str,
    color: str,
    width: float = 1.6,
    dash: str = "solid",
    fill: str = "",
    legend: bool = True,
    limit: int = MAX_POINTS,
) -> Trace:
    """A thinned line; `fill` is the colour of the area between it and zero."""
    across, up = thin(x, y, limit)
    trace: Trace = {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": _numbers(across),
        "y": _numbers(up),
        "line": {"color": color, "width": width, "dash": dash},
        "showlegend": legend,
    }
    return trace | ({"fill": "tozeroy", "fillcolor": fill} if fill else {})


def area(x: Numbers, y: Numbers, *, name: str, color: str, limit: int = 400) -> Trace:
    """One layer of a stack of areas, every layer at the same evenly spaced positions (a stack needs common ones)."""
    across, up = _finite(x, y)
    kept = np.unique(np.linspace(0, max(0, len(up) - 1), min(limit, max(1, len(up)))).astype(np.int64))
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": _numbers(across[kept]),
        "y": _numbers(up[kept]),
        "stackgroup": "costs",
        "line": {"color": color, "width": 0.5},
        "fillcolor": color,
    }


def points(x: Numbers, y: Numbers, *, name: str, color: str, spread: Numbers | None = None, size: float = 7) -> Trace:
    """Markers, with symmetric error bars if `spread` is given."""
    trace: Trace = {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": _numbers(x),
        "y": _numbers(y),
        "marker": {"color": color, "size": size},
    }
    bar = {"type": "data", "color": color, "thickness": 1, "width": 3}
    return trace | ({"error_y": bar | {"array": _numbers(spread)}} if spread is not None else {})


def bars(x: Numbers, y: Numbers, *, name: str, color: str | list[str], axis: str = "y") -> Trace:
    """Columns that touch each other, on a second value axis if `axis` is `y2`."""
    return {
        "type": "bar",
        "name": name,
        "x": _numbers(x),
        "y": _numbers(y),
        "yaxis": axis,
        "marker": {"color": color, "line": {"width": 0}},
        "showlegend": False,
    }


def _axis(**options: Any) -> dict[str, Any]:
    drawn = {"gridcolor": "@grid", "zerolinecolor": "@grid", "linecolor": "@rule", "tickcolor": "@rule"}
    name = options.pop("title", "")
    title = {"title": {"text": name, "standoff": 8, "font": {"size": 11, "color": "@muted"}}} if name else {}
    return drawn | {"automargin": True, "ticklen": 4, "tickangle": 0} | title | options


def plot(traces: Sequence[Trace], *, x: Mapping[str, Any], y: Mapping[str, Any], **layout: Any) -> Plot:
    """A figure in the page's one template.

    Args:
        traces: what to draw.
        x: options of the horizontal axis (`title`, `type`, `tickformat`, ...).
        y: options of the vertical axis.
        layout: further parts of the layout (`shapes`, `annotations`, `yaxis2`, ...).
    """
    shared = {
        "font": {"family": FONT, "size": 12, "color": "@ink"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 8, "r": 12, "t": 8, "b": 8},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "xanchor": "left", "yanchor": "bottom"},
        "hovermode": "x unified",
        "hoverlabel": {"bgcolor": "@surface", "bordercolor": "@rule", "font": {"color": "@ink", "size": 12}},
        "xaxis": _axis(**({"showgrid": False} | dict(x))),
        "yaxis": _axis(**dict(y)),
        "bargap": 0.08,
        "showlegend": sum(trace.get("showlegend", True) for trace in traces) > 1,
    }
    return {"data": list(traces), "layout": shared | layout}


def vertical(x: float, text: str, color: str = "@muted", *, foot: bool = False) -> dict[str, list[Any]]:
    """A thin vertical mark, with a word at its top (its foot) if given: `shapes` and `annotations` for `plot`."""
    stroke = {"color": color, "width": 1, "dash": "dot"}
    shape = {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper", "line": stroke}
    if not text:
        return {"shapes": [shape]}
    end = {"y": 0, "yanchor": "bottom"} if foot else {"y": 1, "yanchor": "top"}
    word = {"x": x, "yref": "paper", "text": text, "showarrow": False, "xanchor": "left", "xshift": 4}
    return {"shapes": [shape], "annotations": [word | end | {"font": {"size": 11, "color": color}}]}


def seal_marks(seal_ms: int, end_ms: int, *, foot: bool = False) -> dict[str, list[Any]]:
    """The sealed part of a time axis, shaded and named."""
    marks = vertical(seal_ms, "sealed span, opened", "@seal-ink", foot=foot)
    shade = {"type": "rect", "x0": seal_ms, "x1": end_ms, "y0": 0, "y1": 1, "yref": "paper", "layer": "below"}
    return marks | {"shapes": [shade | {"fillcolor": "@seal", "line": {"width": 0}}, *marks["shapes"]]}


def share_scale(plots: Sequence[Plot]) -> list[Plot]:
    """The same plots with one vertical scale that holds every line of all of them; logarithmic if any of them is."""
    values = [value for drawn in plots for trace in drawn["data"] for value in trace["y"]]
    if not values:
        return list(plots)
    log = any(drawn["layout"]["yaxis"].get("type") == "log" for drawn in plots) and min(values) > 0
    low, high = (float(np.log10(end)) if log else end for end in (min(values), max(values)))
    pad = 0.04 * (high - low) or 1e-3
    scale = {"range": [low - pad, high + pad]} | ({"type": "log", "dtick": "D2"} if log else {"type": "linear"})
    return [
        {"data": drawn["data"], "layout": drawn["layout"] | {"yaxis": drawn["layout"]["yaxis"] | scale}}
        for drawn in plots
    ]


def reliability(bins: Mapping[str, np.ndarray]) -> Plot:
    """Observed share against forecast, with the number of forecasts in each bin below.

    Args:
        bins: `forecast`, `observed`, `half_width` and `count`, one value a bin.
    """
    forecast, observed, half, count = (bins[key] for key in ("forecast", "observed", "half_width", "count"))
    low = float(min(forecast.min(), (observed - half).min()))
    high = float(max(forecast.max(), (observed + half).max()))
    pad = 0.05 * (high - low) + 1e-4
    ends = [float(forecast.min()) - pad, float(forecast.max()) + pad]
    diagonal = line(ends, ends, name="perfect", color="@muted", width=1, dash="dash")
    return plot(
        [
            diagonal,
            points(forecast, observed, name="observed", color="@net", spread=half),
            bars(forecast, count, name="forecasts", color="@soft", axis="y2") | {"marker": {"color": "@soft"}},
        ],
        x={"title": "forecast probability", "tickformat": ".2f", "range": ends, "anchor": "y2"},
        y={"title": "observed share", "domain": [0.28, 1], "tickformat": ".2f", "range": [low - pad, high + pad]},
        yaxis2=_axis(title="count", domain=[0, 0.2], nticks=3, showgrid=False, rangemode="tozero"),
        hovermode="closest",
    )


def threshold_curve(theta: Numbers, growth: Numbers, chosen: float | None) -> Plot:
    """Net growth on validation of every threshold that was tried; each one is a counted trial."""
    across, up = _finite(theta, growth)
    order = np.argsort(across, kind="stable")
    across, up = thin(across[order], up[order], 500)
    traces = [
        line(across, up, name="net growth", color="@net", legend=False),
        points(across, up, name="trial", color="@net", size=5) | {"showlegend": False},
    ]
    marks = {} if chosen is None else vertical(chosen, "chosen", "@net")
    title = "threshold theta"
    return plot(
        traces, x={"title": title, "tickformat": ".3f"}, y={"title": "net growth", "tickformat": ".2~%"}, **marks
    )


def oracle_bar(model: float, oracle: float) -> Plot:
    """How far the model goes from coin flipping (0.5) towards the best score that anything could reach."""
    names, ends, colors = ["best possible", "this model"], [oracle, model], ["@soft", "@net"]
    bar = {
        "type": "bar",
        "orientation": "h",
        "y": names,
        "x": [value - 0.5 for value in _numbers(ends)],
        "base": 0.5,
        "marker": {"color": colors, "line": {"width": 0}},
        "text": [f"{value:.3f}" for value in ends],
        "textposition": "auto",
        "showlegend": False,
        "hoverinfo": "y+text",
        "width": 0.55,
    }
    span = max(abs(oracle - 0.5), abs(model - 0.5), 0.02)
    ends = [0.5 - (1.1 * span if min(model, oracle) < 0.5 else 0), 0.5 + 1.15 * span]
    x = {"title": "AUC (0.5 is coin flipping)", "tickformat": ".3f", "range": ends, "showgrid": True, "nticks": 5}
    return plot([bar], x=x, y={"showgrid": False}, hovermode="closest")
