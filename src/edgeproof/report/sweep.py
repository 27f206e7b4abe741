"""A sweep of the learning rate as a page: the figure on validation against the rate, and the rate that is suggested."""

import math
from collections.abc import Mapping
from typing import Any

from edgeproof.report.chart import Plot, line, plot, vertical
from edgeproof.report.number import show
from edgeproof.report.page import render
from edgeproof.report.part import Banner, Cell, Code, Figure, Section, Table

__all__ = ["sweep_page"]

NAMES = {
    "net_growth": "net growth in bps a bar",
    "log_loss": "log loss",
    "f1_plus": "F1+",
    "auc": "AUC",
    "pr_auc": "PR-AUC",
}


def sweep_page(data: Mapping[str, Any]) -> str:
    """One sweep as a page.

    Args:
        data: the content of `sweep.json`, see `recipe.sweep.Sweep`.
    """
    name = NAMES.get(str(data["metric"]), str(data["metric"]))
    figure = Figure(
        "Validation against rate",
        _drawn(data, name),
        f"{name[:1].upper()}{name[1:]} on validation after {_length(data)} at each rate, no schedule; the dashed line "
        f"is {'staying out' if _of_agent(data) else 'the forecast that knows nothing but the base rate'}.",
        _rule(data),
    )
    rows = [
        (
            Cell(f"{point['rate']:.2e}"),
            Cell(show(point["value"], "score" if _of_agent(data) else "loss"), str(point.get("why") or "")),
        )
        for point in data["points"]
    ]
    sections = [
        Section("Suggestion", "", (_banner(data),)),
        Section("Curve", "Where learning begins, and where it breaks.", (figure,)),
        Section("Points", "Each one is a counted trial.", (Table((_key(data), name), rows),)),
        Section("Setup", "What every point shares.", (Code("Config", data["config"]),)),
    ]
    return render(f"Learning rate of {data['model']}", sections, footer="Every figure is in sweep.json beside it.")


def _of_agent(data: Mapping[str, Any]) -> bool:
    return _key(data) == "agent.lr"


def _key(data: Mapping[str, Any]) -> str:
    return str(data.get("key") or "train.lr")


def _length(data: Mapping[str, Any]) -> str:
    return f"{data['steps']:,} steps" if _of_agent(data) else f"{data['epochs']} epochs"


def _rule(data: Mapping[str, Any]) -> str:
    if data["suggested"] is None:
        return "No rate does better than knowing nothing."
    if data["suggested"] == data["best"]:
        return f"{data['best']:.1e} is the best rate, and no smaller one reaches nine tenths of what it gains."
    return (
        f"The best is at {data['best']:.1e}; {data['suggested']:.1e} is the smallest rate that reaches nine tenths of "
        "its gain over knowing nothing, and a longer training has more steps."
    )


def _banner(data: Mapping[str, Any]) -> Banner:
    if data["suggested"] is None:
        return Banner("neutral", "No rate is suggested", "At no rate was anything learned that holds on validation.")
    weak = "Hardly better than knowing nothing, even at the best rate: do not lean on it. " if data.get("weak") else ""
    return Banner("neutral", f"{_key(data)} = {data['suggested']:.2g}", weak + _rule(data))


def _drawn(data: Mapping[str, Any], name: str) -> Plot:
    """Values far worse than knowing nothing are left outside the scale."""
    known = [(point["rate"], point["value"]) for point in data["points"] if point["value"] is not None]
    rates, values = [rate for rate, _ in known], [value for _, value in known]
    ends = [data["points"][0]["rate"], data["points"][-1]["rate"]]
    traces = [
        line(rates, values, name="after the short training", color="@net") | {"mode": "lines+markers"},
        line(ends, [data["nothing"]] * 2, name="knowing nothing", color="@muted", width=1, dash="dash"),
    ]
    mark = {} if data["suggested"] is None else _mark(data["suggested"])
    x = {"title": _key(data), "type": "log", "tickformat": ".0e", "dtick": 1}
    return plot(
        traces,
        x=x,
        y={"title": name, "tickformat": ".2f" if _of_agent(data) else ".4f", **_range(values, data)},
        **mark,
    )


def _mark(rate: float) -> dict[str, Any]:
    """On a logarithmic axis plotly places shapes by value and words by exponent."""
    mark = vertical(rate, "suggested", "@good")
    return mark | {"annotations": [mark["annotations"][0] | {"x": math.log10(rate)}]}


def _range(values: list[float], data: Mapping[str, Any]) -> dict[str, Any]:
    if data["metric"] != "log_loss" or not values:
        return {}
    low, nothing = min(*values, data["nothing"]), data["nothing"]
    gain = max(nothing - low, 0.002 * nothing)
    inside = max([value for value in values if value <= nothing + 3 * gain] + [nothing])
    return {"range": [low - 0.1 * (inside - low) - 1e-4, inside + 0.1 * (inside - low) + 1e-4]}
