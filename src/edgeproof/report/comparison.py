"""Runs side by side: what one earned beyond the other on the same bars, with its interval, and where they differ."""

from collections.abc import Mapping, Sequence
from typing import Any

from edgeproof.report.figures import FIGURES, SPAN_NAMES, compared_tables
from edgeproof.report.number import DASH, chance_words, clip, get, is_number, show
from edgeproof.report.page import render
from edgeproof.report.part import Banner, Block, Cell, Code, Grid, Section, Stat, Table, Text
from edgeproof.report.run import MOST_CONFIG, RunData, market_line
from edgeproof.report.together import curves_together, differences_figure, equity_together
from edgeproof.report.verdict import ANSWERS, guards

__all__ = ["comparison_page", "difference_words", "the_last_span"]

LEVEL = 0.05
MOST_GUARDED = 4  # verdicts that fit beside each other
MOST_SETTINGS = 60


def the_last_span(body: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The span that weighs most: the sealed one where all runs opened it, else validation."""
    spans = body["spans"]
    name = "sealed" if "sealed" in spans else "validation"
    return name, spans[name]


def difference_words(row: Mapping[str, Any]) -> str:
    """One paired difference in a sentence."""
    name, against = clip(row["run"], 40), clip(row["against"], 40)
    if not is_number(row.get("annual_low")):
        return f"{name} and {against} earned the same on every bar." if not row["mean"] else f"{name}: too few bars."
    ends = f"95% interval {show(row['annual_low'], 'percent')} to {show(row['annual_high'], 'percent')}"
    more = "more" if row["mean"] >= 0 else "less"
    size = show(abs(row["annual_mean"]), "percent")
    head = f"{name} earned {size} a year {more} than {against} ({ends}, p {chance_words(row['p'])})"
    if row["p"] < LEVEL:
        return f"{head}: more than luck explains, for a single pair that was chosen beforehand."
    return f"{head}: luck alone could explain such a difference."


def _told(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Differences that luck does not explain, corrected for the number of pairs (Holm 1979)."""
    return [row for row in rows if is_number(row.get("p_holm")) and row["p_holm"] < LEVEL]


def _title(rows: Sequence[Mapping[str, Any]]) -> str:
    told = _told(rows)
    if len(rows) == 1:
        if not told:
            return "Luck could explain the difference"
        ahead = rows[0]["run"] if rows[0]["mean"] > 0 else rows[0]["against"]
        return f"{clip(ahead, 40)} is ahead"
    verb = "differ" if len(told) > 1 else "differs"
    return f"{len(told) or 'None'} of {len(rows)} {verb} from {clip(rows[0]['against'], 40)}"


def _sentence(rows: Sequence[Mapping[str, Any]]) -> str:
    if len(rows) == 1:
        return difference_words(rows[0])
    told = _told(rows)
    more = sum(row["mean"] > 0 for row in told)
    return (
        f"Of {len(rows)} runs {more} earned more than {clip(rows[0]['against'], 40)} on the same bars and "
        f"{len(told) - more} less, beyond what luck explains; luck alone could explain the other "
        f"{len(rows) - len(told)}."
    )


def _reading(body: Mapping[str, Any]) -> list[str]:
    name, span = the_last_span(body)
    left = [f"{clip(run, 40)} {count:,}" for run, count in span["left_out"].items() if count]
    said = [
        "Bar by bar on the same bars, so that the market's own movement cancels out. Whether either has an edge is the "
        "verdict's question, not this one's."
    ]
    if name == "validation":
        said.append(
            "These are validation bars, on which each model was chosen: the one that was searched more is flattered."
        )
    if len(span["differences"]) > 1:
        said.append("Several pairs were looked at: the answer takes p as corrected for that by Holm's rule.")
    if left:
        said.append(f"Only the {span['bars']:,} shared bars are compared; bars left out: {', '.join(left)}.")
    return said


def _stats(runs: Sequence[RunData], body: Mapping[str, Any]) -> list[Stat]:
    name, span = the_last_span(body)
    items = [
        Stat(clip(run.title, 40), show(get(figures, "sharpe"), "ratio"), f"net Sharpe, {SPAN_NAMES[name]}")
        for run, figures in zip(runs, span["figures"], strict=True)
    ]
    items.append(Stat("Shared bars", show(span["bars"], "count"), f"{span['start'][:10]} to {span['end'][:10]}"))
    if len(span["differences"]) == 1:
        row = span["differences"][0]
        items.append(
            Stat("Difference a year", show(row["annual_mean"], "percent"), "mean of bars times bars of a year")
        )
        items.append(Stat("p of no difference", show(row["p"], "chance"), "two-sided, long-run variance"))
    return items


def _answer(runs: Sequence[RunData], body: Mapping[str, Any]) -> Section:
    rows = the_last_span(body)[1]["differences"]
    banner = Banner("neutral", _title(rows), _sentence(rows), _stats(runs, body), _reading(body))
    return Section("Difference", "", (banner,))


def _answers_table(runs: Sequence[RunData], body: Mapping[str, Any]) -> Table:
    heads = ("Run", "answer", "span", "trials", "Sharpe", "p")
    rows = [
        (
            Cell(run.title),
            Cell(ANSWERS.get(str(row["verdict"]), DASH)),
            Cell(SPAN_NAMES.get(str(row["span"]), DASH)),
            Cell(show(row.get("trials"), "count")),
            Cell(show(get(run.verdict, "net", "sharpe"), "ratio")),
            Cell(show(get(run.verdict, "net", "p_value"), "chance")),
        )
        for run, row in zip(runs, body["runs"], strict=True)
    ]
    return Table(heads, rows, even=True)


def _verdicts(runs: Sequence[RunData], body: Mapping[str, Any]) -> Section:
    blocks: list[Block] = [_answers_table(runs, body)]
    if len(runs) <= MOST_GUARDED:
        blocks.append(guards([run.verdict for run in runs], [clip(run.title, 40) for run in runs]))
    return Section("Verdicts", "Each run by its own verdict.", blocks)


def _differences_table(rows: Sequence[Mapping[str, Any]], span: str) -> Table:
    many = len(rows) > 1
    heads = ("Beyond " + clip(rows[0]["against"], 30), "a year", "95% interval", "p", *(["p, Holm"] if many else []))
    heads += ("log loss", "p of loss")
    body = [
        (
            Cell(row["run"]),
            Cell(show(row["annual_mean"], "percent")),
            Cell(_interval(row)),
            Cell(show(row["p"], "chance")),
            *([Cell(show(row["p_holm"], "chance"))] if many else []),
            Cell(_small(get(row, "log_loss", "mean"))),
            Cell(show(get(row, "log_loss", "p"), "chance")),
        )
        for row in rows
    ]
    caption = (
        f"Paired differences on {SPAN_NAMES[span]}, in mean blocks of {show(rows[0]['block_bars'], 'tenth')} bars. Log "
        "loss is compared where both forecast the same labels; below zero is better."
    )
    return Table(heads, body, caption=caption, even=True)


def _interval(row: Mapping[str, Any]) -> str:
    low, high = (show(row.get(key), "percent") for key in ("annual_low", "annual_high"))
    return DASH if DASH in (low, high) else f"{low} to {high}"


def _small(value: Any) -> str:
    return f"{value:+.5f}".replace("-", "\u2212") if is_number(value) else DASH


def _shared_table(runs: Sequence[RunData], span: Mapping[str, Any], name: str) -> Table:
    keys = [key for key in span["figures"][0] if key in FIGURES]
    rows = [
        (Cell(FIGURES[key].label), *(Cell(show(figure.get(key), FIGURES[key].unit)) for figure in span["figures"]))
        for key in keys
    ]
    heads = (f"Shared bars, {SPAN_NAMES[name]}", *(clip(run.title, 40) for run in runs))
    return Table(heads, rows, even=True)


def _money(runs: Sequence[RunData], body: Mapping[str, Any]) -> Section:
    blocks: list[Block] = []
    for name, span in reversed(list(body["spans"].items())):
        drawn = [equity_together(runs, name), differences_figure(span["differences"])]
        blocks += [figure for figure in drawn if figure is not None]
        blocks.append(Grid([_shared_table(runs, span, name), _differences_table(span["differences"], name)]))
    return Section("Trading", "The same bars for all, net of every cost.", blocks)


def _learning(runs: Sequence[RunData]) -> list[Section]:
    drawn = [
        curves_together(runs, "log_loss", "Validation log loss", "loss"),
        curves_together(runs, "auc", "Validation AUC", "score"),
    ]
    figures = [figure for figure in drawn if figure is not None]
    lead = "Losses of different labels or samples are not comparable; the settings below say whether they differ."
    return [Section("Learning", lead, (Grid(figures),))] if figures else []


def _settings(runs: Sequence[RunData], body: Mapping[str, Any]) -> Section:
    rows = body["settings"]
    codes = [Code(f"Config of {clip(run.title, 40)}", clip(run.config_yaml, MOST_CONFIG // len(runs))) for run in runs]
    if not rows:
        return Section("Settings", "", (Text("All runs used the same config, letter by letter.", "strong"), *codes))
    cells = [(Cell(clip(row["key"], 60)), *(Cell(_said(value)) for value in row["values"])) for row in rows]
    heads = ("Setting", *(clip(run.title, 40) for run in runs))
    table = Table(heads, cells[:MOST_SETTINGS], numeric=False)
    more = [Text(f"and {len(cells) - MOST_SETTINGS} more", "note")] if len(cells) > MOST_SETTINGS else []
    lead = f"{len(rows)} {'setting differs' if len(rows) == 1 else 'settings differ'}; all others are equal."
    return Section("Settings", lead, (table, *more, *codes))


def _said(value: Any) -> str:
    if isinstance(value, list | tuple):
        return clip("-".join(show(item) for item in value), 60)
    return DASH if value is None else clip(show(value), 60)


def comparison_page(runs: Sequence[RunData], body: Mapping[str, Any]) -> str:
    """Finished runs of one market as one page.

    Args:
        runs: their data; the first is the one that the others are compared with.
        body: the content of comparison.json, see `recipe.compare`.
    """
    verdicts, heads = [run.verdict for run in runs], [clip(run.title, 40) for run in runs]
    apart = len({str(row["span"]) for row in body["runs"]}) > 1
    lead = "Each run on the span of its own verdict, net unless they say gross."
    said = f"{lead} The spans are not the same: do not compare across." if apart else lead
    own = Section("Figures", said, (compared_tables(verdicts, heads),))
    sections = [
        _answer(runs, body),
        _money(runs, body),
        _verdicts(runs, body),
        own,
        *_learning(runs),
        _settings(runs, body),
    ]
    title = " or ".join(heads) if len(heads) == 2 else f"{len(heads)} runs beside each other"
    footer = "Every figure of this page is in comparison.json beside it."
    return render(clip(title, 120), sections, subtitle=market_line(runs[0].verdict), footer=footer)
