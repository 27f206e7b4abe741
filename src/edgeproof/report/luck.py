"""How much of a search's best value is the choice among many: figures corrected for luck, and the winner over seeds."""

from collections.abc import Mapping, Sequence
from statistics import stdev
from typing import Any

from edgeproof.report.chart import line, plot, points, vertical
from edgeproof.report.number import get, humanise, is_number, show
from edgeproof.report.part import Cell, Figure, Grid, Section, Table
from edgeproof.report.trials import Objective, Trial, finished, ranked

__all__ = ["luck_sections", "margin_of", "margin_words", "seeds_of", "small", "spread_of"]

DEFLATED: dict[str, tuple[str, str]] = {
    "trials": ("Trials counted on these bars, all of them", "count"),
    "effective": ("Effective trials: alike ones count as one", "tenth"),
    "sharpe": ("Net Sharpe of the best trial, validation", "ratio"),
    "expected_maximum_sharpe": ("Best of so many without any edge, Sharpe", "ratio"),
    "by_luck": ("Best of so many without any edge, objective", "objective"),
    "p_max": ("Chance that the best without any edge does as well", "chance"),
    "psr": ("PSR, as if it were the only trial", "chance"),
    "dsr": ("DSR, all trials", "chance"),
    "dsr_effective": ("DSR, effective trials", "chance"),
    "dsr_sidak": ("DSR by Šidák, all trials", "chance"),
    "pbo": ("PBO, chance of overfitting", "chance"),
}
MOST_NAMED = 5
PBO = (
    " PBO is how often the best trial of one half of the bars ends in the lower half of all trials on the other; the "
    "guard on the run's page counts how often it loses money there, among trials no better than this one."
)


def seeds_of(data: Mapping[str, Any]) -> list[float]:
    """The objective of the winner's settings, one value a seed."""
    return [float(value) for value in get(data, "seeds", "values") or () if is_number(value)]


def spread_of(data: Mapping[str, Any]) -> float | None:
    """Standard deviation over seeds; None for fewer than two."""
    values = seeds_of(data)
    return stdev(values) if len(values) > 1 else None


def margin_of(order: Sequence[Trial]) -> float | None:
    """How far the best trial is ahead of the next; None where there is no other."""
    return abs((order[0].value or 0.0) - (order[1].value or 0.0)) if len(order) > 1 else None


def small(value: float) -> str:
    """A small difference with two digits that count."""
    return f"{value:.2g}" if value >= 1e-4 or not value else f"{value:.1e}"


def margin_words(data: Mapping[str, Any], order: Sequence[Trial]) -> str:
    """The winner's lead beside what a seed does; empty where either is unknown."""
    spread, margin = spread_of(data), margin_of(order)
    if spread is None or margin is None:
        return ""
    said = "more than" if margin > spread else "no more than"
    firm = "" if margin > spread else ", so another seed could have chosen another winner"
    return (
        f"Its lead over the runner-up, {small(margin)}, is {said} the standard deviation over seeds, "
        f"{small(spread)}{firm}."
    )


def _table(data: Mapping[str, Any], goal: Objective) -> Table | None:
    known: Mapping[str, Any] = data.get("deflated") or {}
    rows = []
    for key in [*(key for key in DEFLATED if key in known), *(key for key in known if key not in DEFLATED)]:
        label, unit = DEFLATED.get(key, (humanise(key), "plain"))
        if is_number(known[key]):
            rows.append((Cell(label), Cell(show(known[key], goal.unit if unit == "objective" else unit))))
    caption = "The best trial beside what the best of so many would show if nothing could be predicted."
    if is_number(known.get("pbo")):
        caption += PBO
    return Table(("Corrected for luck", ""), rows, caption=caption) if rows else None


def _over_seeds(data: Mapping[str, Any], order: Sequence[Trial], goal: Objective) -> Figure | None:
    values = seeds_of(data)
    if len(values) < 2 or not order:
        return None
    dots = points(values, [0.0] * len(values), name="a seed", color="@net", size=10) | {"showlegend": False}
    marks = [vertical(order[0].value or 0.0, "best trial", "@good")]
    marks += [vertical(order[1].value or 0.0, "runner-up", "@muted", foot=True)] if len(order) > 1 else []
    joined = {key: [item for mark in marks for item in mark.get(key, ())] for key in ("shapes", "annotations")}
    across = {"title": goal.name, "nticks": 5, "zeroline": False}
    up = {"visible": False, "range": [-1, 1]}
    drawn = plot([dots], x=across, y=up, hovermode="closest", **joined)
    caption = f"The best trial's settings with {len(values)} seeds, one point a seed; its own is among them."
    return Figure("The winner over seeds", drawn, caption, margin_words(data, order), height=190)


def _above_words(over: Sequence[int], winner: int | None) -> str:
    """Which trials lie above luck where the winner is none of them."""
    if winner is None or winner in over or not over:
        return ""
    named = ", ".join(str(number) for number in over[:MOST_NAMED]) + (", ..." if len(over) > MOST_NAMED else "")
    return f" {'It is' if len(over) == 1 else 'They are'} {named}; the winner, {winner}, lies below."


def _sharpes(data: Mapping[str, Any], trials: Sequence[Trial], winner: int | None) -> Figure | None:
    """Each trial's net Sharpe ratio beside the best that luck is expected to show; None where either is unknown."""
    level = get(data, "deflated", "expected_maximum_sharpe")
    known = [
        (trial.number, trial.figures["sharpe"]) for trial in finished(trials) if is_number(trial.figures.get("sharpe"))
    ]
    if len(known) < 3 or not is_number(level):
        return None
    across, up = [number for number, _ in known], [sharpe for _, sharpe in known]
    count = get(data, "deflated", "trials")
    traces = [
        points(across, up, name="trial", color="@net", size=6),
        line([0, max(across)], [level, level], name="best by luck", color="@bad", width=1.4, dash="dash"),
    ]
    over = [number for number, value in known if value > level]
    above = len(over)
    words = (
        f"{above or 'None'} of {len(up)} {'lies' if above < 2 else 'lie'} above {show(level, 'ratio')}, what the best "
        f"of {show(count, 'count')} counted trials is expected to show without any edge."
    ) + _above_words(over, winner)
    axes = {"title": "trial", "zeroline": False}, {"title": "net Sharpe", "tickformat": ".1f"}
    drawn = plot(traces, x=axes[0], y=axes[1], hovermode="closest")
    caption = "Annual net Sharpe ratio of each finished trial on validation, at its best threshold."
    return Figure("Sharpe beside luck", drawn, caption, words)


def luck_sections(data: Mapping[str, Any], trials: Sequence[Trial], goal: Objective) -> list[Section]:
    """The chapter on luck; none where nothing is known of it."""
    order = ranked(trials, goal)
    figures = [_sharpes(data, trials, order[0].number if order else None), _over_seeds(data, order, goal)]
    blocks = [block for block in (_table(data, goal), *figures) if block is not None]
    lead = "How much of the best value is the choice among many."
    rows = [Grid(blocks[start : start + 2]) for start in range(0, len(blocks), 2)]
    return [Section("Luck", lead, rows)] if blocks else []
