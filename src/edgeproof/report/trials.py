"""The trials of a search as plots: what was tried, what mattered, and how long each lasted."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgeproof.report.chart import Plot, Trace, line, plot, points
from edgeproof.report.number import clip, get, is_number, show
from edgeproof.report.part import Figure

__all__ = [
    "OBJECTIVES",
    "Objective",
    "Trial",
    "curves_figure",
    "finished",
    "history_figure",
    "importance_figure",
    "objective_of",
    "parameter_figures",
    "ranked",
    "short_names",
    "trials_of",
]

MOST_CURVES = 60
MOST_PARAMETERS = 12
MOST_TRIALS = 3000
FEW_TRIALS = 20  # below which importance is mostly chance
OUTLIER = 8.0  # distances between the best and the median beyond which a trial is left outside a plot's scale
STATES = ("complete", "pruned", "failed")


@dataclass(frozen=True)
class Objective:
    """What a search looks for: its name in words, the unit of its values, and +1 where more is better, else -1."""

    name: str
    unit: str
    sign: int


@dataclass(frozen=True)
class Trial:
    """One configuration that was tried.

    Attributes:
        number: its place in the search, from 0.
        state: `complete`, `pruned`, `failed`, or another word for one that still runs.
        value: the objective's, None where it was never reached.
        params: what was set.
        curve: the objective after each epoch, pairs of epoch and value.
        seconds: how long it took.
        figures: further figures on validation.
        trial: its identity in the ledger.
        why: why it failed.
    """

    number: int
    state: str
    value: float | None
    params: Mapping[str, Any]
    curve: Sequence[tuple[float, float]] = ()
    seconds: float | None = None
    figures: Mapping[str, Any] = field(default_factory=dict)
    trial: str = ""
    why: str = ""


OBJECTIVES: dict[str, Objective] = {
    "log_loss": Objective("log loss", "loss", -1),
    "f1_plus": Objective("F1+", "score", 1),
    "auc": Objective("AUC", "score", 1),
    "net_sharpe": Objective("net Sharpe ratio", "ratio", 1),
    "net_growth": Objective("net growth in bps a bar", "score", 1),
}


def objective_of(data: Mapping[str, Any]) -> Objective:
    """What the study looked for, and which way is better."""
    name = str(data.get("objective") or "value")
    known = OBJECTIVES.get(name, Objective(clip(name.replace("_", " "), 40), "plain", -1))
    direction = data.get("direction")
    return known if direction is None else Objective(known.name, known.unit, 1 if direction == "maximize" else -1)


def _curve(body: Mapping[str, Any]) -> list[tuple[float, float]]:
    pairs = [(float(epoch), value) for epoch, value in (body.get("intermediate") or {}).items()]
    return sorted((epoch, float(value)) for epoch, value in pairs if is_number(value))


def _trial(body: Mapping[str, Any]) -> Trial:
    state, value, seconds = str(body.get("state") or "").lower(), body.get("value"), body.get("seconds")
    return Trial(
        number=int(body["number"]),
        state="failed" if state == "fail" else state,
        value=float(value) if is_number(value) else None,
        params=body.get("params") or {},
        curve=_curve(body),
        seconds=float(seconds) if is_number(seconds) else None,
        figures=body.get("figures") or {},
        trial=str(body.get("trial") or ""),
        why=str(body.get("why") or ""),
    )


def trials_of(data: Mapping[str, Any]) -> list[Trial]:
    """Every trial of a study, in order of its number."""
    return sorted((_trial(body) for body in data.get("trials") or ()), key=lambda trial: trial.number)


def finished(trials: Sequence[Trial]) -> list[Trial]:
    """Trials that reached a value at their end."""
    return [trial for trial in trials if trial.state == "complete" and trial.value is not None]


def ranked(trials: Sequence[Trial], objective: Objective) -> list[Trial]:
    """Finished trials, the best first."""
    return sorted(finished(trials), key=lambda trial: -objective.sign * (trial.value or 0.0))


def short_names(names: Sequence[str]) -> dict[str, str]:
    """The last word of each dotted name where it is unique, else the whole name."""
    ends = [name.rsplit(".", 1)[-1] for name in names]
    return {
        name: clip((end if ends.count(end) == 1 else name).replace("_", " "), 40)
        for name, end in zip(names, ends, strict=True)
    }


def _scale(values: Sequence[float], objective: Objective) -> tuple[dict[str, Any], int]:
    """A vertical range in which the good trials can be told apart, and how many values lie outside of it."""
    if len(values) < 3:
        return {}, 0
    best = max(values) if objective.sign > 0 else min(values)
    reach = OUTLIER * abs(float(np.median(values)) - best)
    outside = [value for value in values if abs(value - best) > reach]
    if not outside or not reach:
        return {}, 0
    inside = [value for value in values if abs(value - best) <= reach]
    pad = 0.06 * (max(inside) - min(inside))
    return {"range": [min(inside) - pad, max(inside) + pad]}, len(outside)


def _axis(objective: Objective) -> dict[str, Any]:
    form = {"loss": ".4f", "score": ".3f", "ratio": ".2f"}.get(objective.unit, "~g")
    return {"title": objective.name, "tickformat": form}


def _last(trial: Trial) -> float | None:
    return trial.curve[-1][1] if trial.curve else trial.value


def _cross(x: Sequence[float], y: Sequence[float]) -> Trace:
    trace = points(x, y, name="pruned, where it stood last", color="@gross", size=6)
    return trace | {"marker": trace["marker"] | {"symbol": "x-thin", "line": {"width": 1.2, "color": "@gross"}}}


def _ring(x: Any, y: float, name: str = "best") -> Trace:
    trace: Trace = points([0.0], [y], name=name, color="@good", size=13) | {"x": [x]}
    return trace | {"marker": trace["marker"] | {"symbol": "circle-open", "line": {"width": 2, "color": "@good"}}}


def _running(done: Sequence[Trial], objective: Objective, last: int) -> Trace:
    best: list[float] = []
    for trial in done:
        value = trial.value or 0.0
        best.append(value if not best or objective.sign * (value - best[-1]) > 0 else best[-1])
    across = [trial.number for trial in done] + [last]
    drawn = line(across, [*best, best[-1]], name="best so far", color="@good", width=1.6)
    return drawn | {"line": drawn["line"] | {"shape": "hv"}}


def _luck(last: int, level: Any) -> list[Trace]:
    if not is_number(level):
        return []
    return [line([0, last], [level, level], name="best of so many by luck", color="@bad", width=1.2, dash="dash")]


def history_figure(data: Mapping[str, Any], trials: Sequence[Trial], objective: Objective) -> Figure | None:
    """Every trial's value in order, the best so far, and what the best of so many would show by luck alone."""
    done = finished(trials)[:MOST_TRIALS]
    if not done:
        return None
    lost = [(trial.number, at) for trial in trials if trial.state == "pruned" and (at := _last(trial)) is not None]
    last = max(trial.number for trial in trials)
    values = [trial.value or 0.0 for trial in done]
    traces = [_cross([x for x, _ in lost], [y for _, y in lost])] if lost else []
    traces.append(points([trial.number for trial in done], values, name="trial", color="@net", size=6))
    traces.append(_running(done, objective, last))
    traces += _luck(last, get(data, "deflated", "by_luck"))
    scale, outside = _scale([*values, *(y for _, y in lost)], objective)
    first, best = values[0], ranked(done, objective)[0]
    words = (
        f"The first trial reached {show(first, objective.unit)}, the best, number {best.number}, "
        f"{show(best.value, objective.unit)}."
    ) + (f" {outside} far worse {'is' if outside == 1 else 'are'} outside the picture." if outside else "")
    caption = "One point a trial, in order."
    caption += " Those that were stopped early stand, crossed, where they were then." if lost else ""
    drawn = plot(traces, x={"title": "trial", "zeroline": False}, y=_axis(objective) | scale, hovermode="closest")
    return Figure("Every trial", drawn, caption, words, height=340)


def _strands(trials: Sequence[Trial], *, name: str, color: str, width: float) -> Trace:
    """Many lines as one trace: they are parted by empty points."""
    x: list[float | None] = []
    y: list[float | None] = []
    for trial in trials:
        x += [*(epoch for epoch, _ in trial.curve), None]
        y += [*(float(f"{value:.6g}") for _, value in trial.curve), None]
    shared = {"type": "scatter", "mode": "lines", "name": name, "x": x, "y": y, "connectgaps": False}
    return shared | {"line": {"color": color, "width": width}, "hoverinfo": "skip" if len(trials) > 1 else "x+y"}


def curves_figure(trials: Sequence[Trial], objective: Objective, step: str = "epoch") -> Figure | None:
    """The objective step by step, of every trial that recorded it; None where none did."""
    known = [trial for trial in trials if len(trial.curve) > 1]
    if not known:
        return None
    order = ranked(known, objective)
    kept, lost = order[:MOST_CURVES], [trial for trial in known if trial.state == "pruned"][:MOST_CURVES]
    traces = [_strands(lost, name="pruned", color="@rule", width=1)] if lost else []
    traces += [_strands(kept[1:], name="finished", color="@soft", width=1)] if len(kept) > 1 else []
    traces += [_strands(kept[:1], name="best", color="@good", width=2.2)] if kept else []
    ends = [value for trial in (*kept, *lost) for _, value in trial.curve]
    scale, _ = _scale(ends, objective)
    saved = sum(trial.state == "pruned" for trial in known)
    words = f"{saved} of {len(known)} were stopped before their last {step}." if saved else "None was stopped early."
    drawn = plot(traces, x={"title": step}, y=_axis(objective) | scale, hovermode="closest")
    said = (
        f"The objective {'on validation after each epoch' if step == 'epoch' else f'at each {step}'}, one line a trial."
    )
    return Figure("Learning curves", drawn, said, words)


def importance_figure(importance: Mapping[str, Any], count: int) -> Figure | None:
    """How much of the differences between so many trials each parameter explains; None where it is not known."""
    known = sorted(((value, name) for name, value in importance.items() if is_number(value)), reverse=True)
    known = known[:MOST_PARAMETERS]
    if not known:
        return None
    names, values = short_names([name for _, name in known]), [value for value, _ in known]
    bar = {
        "type": "bar",
        "orientation": "h",
        "y": [names[name] for _, name in known],
        "x": [float(f"{value:.4g}") for value in values],
        "marker": {"color": "@net", "line": {"width": 0}},
        "text": [f"{value:.0%}" for value in values],
        "textposition": "outside",
        "cliponaxis": False,
        "showlegend": False,
        "hoverinfo": "y+text",
        "width": 0.6,
    }
    x = {"range": [0, 1.18 * max(values)], "tickformat": ".0%", "nticks": 5, "showgrid": True}
    y = {"autorange": "reversed", "showgrid": False}
    words = f"The most by {names[known[0][1]]}, {values[0]:.0%}; the least by {names[known[-1][1]]}, {values[-1]:.0%}."
    if count < FEW_TRIALS:
        words = f"{count} finished trials are too few to tell which setting mattered. {words}"
    caption = "Share of the differences between trials. A description of this search, not a law of the market."
    height = 110 + 30 * len(known)
    return Figure("What made trials differ", plot([bar], x=x, y=y, hovermode="closest"), caption, words, height=height)


def _words_of(value: Any) -> str | float:
    if isinstance(value, list | tuple):
        return "-".join(str(item) for item in value)
    return value if is_number(value) else clip(show(value), 24)


def _choices(space: Mapping[str, Any]) -> dict[str, Any]:
    order = [str(_words_of(value)) if not is_number(value) else show(value) for value in space.get("choices") or ()]
    return {"type": "category"} | ({"categoryorder": "array", "categoryarray": order} if order else {})


def _numbers(space: Mapping[str, Any]) -> dict[str, Any]:
    low, high = space.get("low"), space.get("high")
    if not (is_number(low) and is_number(high)) or not low < high:
        return {"nticks": 5, "zeroline": False}
    if space.get("log") and low > 0:
        ends = [math.log10(low), math.log10(high)]
        pad = 0.04 * (ends[1] - ends[0])
        step = {"dtick": 1} if ends[1] - ends[0] >= 1 else {"nticks": 4}
        return {"type": "log", "range": [ends[0] - pad, ends[1] + pad], "exponentformat": "power"} | step
    pad = 0.04 * (high - low)
    return {"range": [low - pad, high + pad], "nticks": 5, "zeroline": False}


def _parameter_plot(name: str, space: Mapping[str, Any], done: Sequence[Trial], objective: Objective) -> Plot:
    across = [_words_of(trial.params[name]) for trial in done]
    choice = "choices" in space or any(isinstance(value, str) for value in across)
    if choice:
        across = [value if isinstance(value, str) else show(value) for value in across]
    values = [float(f"{trial.value or 0.0:.6g}") for trial in done]
    dots = points([0.0], [0.0], name="trial", color="@net", size=6) | {"x": across, "y": values, "showlegend": False}
    best = ranked(done, objective)[0]
    ring = _ring(across[list(done).index(best)], best.value or 0.0) | {"showlegend": False}
    kind = _choices(space) if choice else _numbers(space)
    scale, _ = _scale(values, objective)
    form = _axis(objective) | {"nticks": 4, "title": ""}
    return plot([dots, ring], x=kind, y=form | scale, hovermode="closest")


def parameter_figures(data: Mapping[str, Any], trials: Sequence[Trial], objective: Objective) -> list[Figure]:
    """The objective against each parameter that varied, the most important first; the best trial is ringed."""
    done = finished(trials)[:MOST_TRIALS]
    weight: Mapping[str, Any] = data.get("importance") or {}
    names = dict.fromkeys(name for trial in done for name in trial.params)
    varied = [name for name in names if len({str(trial.params.get(name)) for trial in done}) > 1]
    order = sorted(varied, key=lambda name: -(weight.get(name) or 0.0))[:MOST_PARAMETERS]
    words, figures = short_names(list(names)), []
    for name in order:
        here = [trial for trial in done if trial.params.get(name) is not None]
        drawn = _parameter_plot(name, get(data, "space", name) or {}, here, objective)
        best = ranked(here, objective)[0]
        said = f"Best: {_said(best.params[name])}"
        figures.append(Figure(words[name], drawn, name, said, height=220))
    return figures


def _said(value: Any) -> str:
    text = _words_of(value)
    return text if isinstance(text, str) else show(text)
