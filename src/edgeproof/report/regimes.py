"""Whether a result holds in every state of the market or rests on one: figures by regime, and when each one reigned."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from edgeproof.report.backtest import spans_of, times_of
from edgeproof.report.chart import plot, points, seal_marks
from edgeproof.report.number import DASH, clip, get, humanise, is_number, show
from edgeproof.report.part import Block, Cell, Figure, Section, Table, Text

__all__ = ["regime_figure", "regime_table", "regime_warning", "regime_words", "regimes_section"]

MOST_MARKS = 480  # a span
COLOURS = ("@net", "@cost-5", "@cost-3", "@cost-4", "@cost-2", "@bad")  # from the first regime to the last
RARELY = "traded in too few of the 14 blocks"
FEW = "too few bars for an interval"
STILL = "nothing was traded"


def _words(name: Any) -> str:
    return clip(humanise(str(name)), 40)


def _row(body: Mapping[str, Any]) -> tuple[Cell, ...]:
    net, low, high = get(body, "net"), get(body, "net", "sharpe_low"), get(body, "net", "sharpe_high")
    interval = f"{show(low, 'ratio')} to {show(high, 'ratio')}" if is_number(low) and is_number(high) else DASH
    t, p = show(get(body, "t"), "ratio"), show(get(body, "p_loss"), "chance")
    why = STILL if get(body, "traded_bars") == 0 else ""
    return (
        Cell(_words(get(body, "name"))),
        Cell(show(get(net, "total_return"), "percent")),
        Cell(show(get(net, "sharpe"), "ratio")),
        Cell(interval, (why or FEW) if interval == DASH else ""),
        Cell(t, (why or RARELY) if t == DASH else ""),
        Cell(p, (why or RARELY) if p == DASH else ""),
        Cell(show(get(body, "forecast", "auc"), "score")),
        Cell(show(get(body, "share"), "percent")),
    )


def regime_table(verdict: Mapping[str, Any]) -> Table | None:
    """Net figures of each regime of the span that the verdict speaks of; None where no regime is known."""
    rows = [_row(body) for body in get(verdict, "regimes") or ()]
    if not rows:
        return None
    return Table(("Regime", "return", "Sharpe", "95% interval", "t", "p of loss", "AUC", "bars"), rows)


def regime_words(verdict: Mapping[str, Any]) -> str:
    """How to read the table: what a regime is, and what would fail."""
    many = len(get(verdict, "regimes") or ())
    read = (
        "Net of every cost, the bars of a regime side by side. t is the verdict's own test with all other bars at "
        f"zero; the guard fails where p of loss is below {0.05 / max(many, 1):.4g} (0.05 over {many}, the "
        "number of regimes)."
    )
    return f"{clip(get(verdict, 'regime_rule') or '', 400)} {read}".strip()


def regime_warning(verdict: Mapping[str, Any]) -> str:
    """Names the regimes with a net loss; empty where there is none. It never decides."""
    negative = [
        f"{_words(get(body, 'name'))} ({show(get(body, 'net', 'total_return'), 'percent')})"
        for body in get(verdict, "regimes") or ()
        if is_number(value := get(body, "net", "total_return")) and value < 0
    ]
    if not negative:
        return ""
    return (
        f"Below zero in {', '.join(negative)}. This is a warning and decides nothing: of models whose true edge is the "
        "same everywhere, about one in four is below zero in some regime by chance. Only a significant loss fails."
    )


def _strips(spans: Sequence[tuple[str, pl.DataFrame]], names: Sequence[str]) -> list[dict[str, Any]]:
    """One row of marks a regime: the middle bar of each of at most `MOST_MARKS` stretches of a span."""
    when, what = [], []
    for _, rows in spans:
        edges = np.unique(np.linspace(0, len(rows), MOST_MARKS + 1).astype(np.int64))
        middle = (edges[:-1] + edges[1:] - 1) // 2
        when.append(times_of(rows)[middle])
        what.append(rows["regime"].gather(middle))
    at, seen = np.concatenate(when), pl.concat(what)
    traces = []
    for place, name in enumerate(reversed(names)):
        x = at[(seen == name).fill_null(value=False).to_numpy()]
        trace = points(
            x, np.full(len(x), place), name=_words(name), color=_colour(len(names) - 1 - place, len(names)), size=6
        )
        trace["marker"] |= {"symbol": "square"}
        traces.append(trace | {"showlegend": False, "hoverinfo": "x+name"})
    return traces


def _colour(place: int, many: int) -> str:
    return COLOURS[round(place * (len(COLOURS) - 1) / max(many - 1, 1))]


def _listed(track: pl.DataFrame, verdict: Mapping[str, Any]) -> list[str]:
    """Regimes of the track: in the verdict's order, then those that the verdict's span has not."""
    seen = track["regime"].drop_nulls().unique().sort().to_list()
    first = [str(get(body, "name")) for body in get(verdict, "regimes") or ()]
    return [name for name in first if name in seen] + [name for name in seen if name not in first]


def regime_figure(track: pl.DataFrame, verdict: Mapping[str, Any]) -> Figure | None:
    """Which regime reigned when; None where the track does not say."""
    spans = spans_of(track)
    if "regime" not in track.columns or not spans:
        return None
    names = _listed(track, verdict)
    if not names:
        return None
    when = [times_of(rows) for _, rows in spans]
    marks = {} if len(spans) == 1 else {"shapes": seal_marks(int(when[-1][0]), int(when[-1][-1]))["shapes"]}
    x = {"type": "date", "nticks": 6, "range": [int(when[0][0]), int(when[-1][-1])]}
    y = {
        "tickvals": list(range(len(names))),
        "ticktext": [_words(name) for name in reversed(names)],
        "range": [-0.6, len(names) - 0.4],
        "zeroline": False,
    }
    drawn = plot(_strips(spans, names), x=x, y=y, hovermode="closest", **marks)
    shares = track["regime"].value_counts(sort=True).drop_nulls()
    known = int(shares["count"].sum())
    said = [f"{_words(name)} {show(count / known, 'percent')}" for name, count in shares.iter_rows()]
    words = f"Share of the bars drawn: {', '.join(said)}."
    caption = "The market's regime over the spans above, each from the bars until then; shaded where the seal was."
    return Figure("Regime over time", drawn, caption, words, height=70 + 30 * len(names))


def regimes_section(track: pl.DataFrame, verdict: Mapping[str, Any]) -> list[Section]:
    """Table, warning and strip of regimes; no section for a verdict that knows none.

    Args:
        track: one row a bar, with a column `regime`.
        verdict: the run's verdict.
    """
    table, drawn, warned = regime_table(verdict), regime_figure(track, verdict), regime_warning(verdict)
    if table is None:
        return []
    blocks: list[Block] = [Text(warned, "strong")] if warned else []
    blocks += [] if drawn is None else [drawn]
    blocks += [Text(regime_words(verdict), "note"), table]
    return [Section("Regimes", "Whether the result holds in every state of the market, or rests on one.", blocks)]
