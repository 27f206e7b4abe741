"""The data page: a market's bars, what is wrong with them and where, and the samples made of them; open bars only."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from edgeproof.core.finding import Finding
from edgeproof.report.chart import bars, line, plot
from edgeproof.report.data import findings_block, market_table
from edgeproof.report.number import DASH, clip, date_text, is_number, show
from edgeproof.report.page import render
from edgeproof.report.part import Banner, Block, Cell, Figure, Grid, Section, Stat, Table, Text, Timeline
from edgeproof.report.quality_bars import defects_section, gaps_block
from edgeproof.report.quality_samples import sample_sections
from edgeproof.report.run import market_line

__all__ = ["market_page"]

MOST_STRIPS = 80
MOST_ROWS = 200
COLUMNS: dict[str, tuple[str, str]] = {
    "bars": ("bars", "count"),
    "missing": ("missing", "fine"),
    "no_volume": ("no volume", "fine"),
    "unchanged": ("unchanged", "fine"),
    "change": ("first to last", "percent"),
    "volatility": ("volatility a year", "percent"),
    "worst": ("worst bar", "percent"),
    "best": ("best bar", "percent"),
    "kurtosis": ("excess kurtosis", "tenth"),
    "lag_one": ("lag-1 correlation", "ratio"),
}


def _missing(rows: Sequence[Mapping[str, Any]]) -> float:
    """Share of bars that are missing between each symbol's first and last one."""
    known = [(row["bars"], row["missing"]) for row in rows if is_number(row.get("missing"))]
    expected = sum(count / (1 - gap) for count, gap in known)
    return 1 - sum(count for count, _ in known) / expected if expected else 0.0


def _title(counts: Mapping[str, int]) -> str:
    if counts["error"]:
        return f"{counts['error']} {'error' if counts['error'] == 1 else 'errors'} to mend"
    if counts["warning"]:
        return f"Usable, with {counts['warning']} {'warning' if counts['warning'] == 1 else 'warnings'}"
    return "Nothing to complain of"


def _sentence(body: Mapping[str, Any]) -> str:
    opened, rows = body["open"], body["symbols"]
    word = "symbol" if len(rows) == 1 else "symbols"
    gap = show(_missing(rows), "fine")
    return (
        f"{show(opened['bars'], 'count')} open bars of {body['market']['interval']} in {len(rows)} {word}, "
        f"{opened['start'][:10]} to {opened['end'][:10]}; {gap} are missing between first and last."
    )


def _head(body: Mapping[str, Any]) -> Section:
    rows, counts, shape = body["symbols"], body["counts"], body["histogram"]
    moves = sorted(row["volatility"] for row in rows if is_number(row.get("volatility")))
    items = [
        Stat("Symbols", show(len(rows), "count"), clip(", ".join(row["symbol"] for row in rows[:4]), 60)),
        Stat(
            "Open bars", show(body["open"]["bars"], "count"), f"of {body['market']['interval']}, sealed ones not read"
        ),
        Stat("Missing", show(_missing(rows), "fine"), "between first and last bar of each symbol"),
        Stat("Volatility a year", show(moves[len(moves) // 2] if moves else None, "percent"), "of the median symbol"),
        Stat("Unchanged closes", show(shape.get("unchanged"), "fine"), "of all bars"),
        Stat("Findings", show(counts["error"] + counts["warning"], "count"), "errors and warnings"),
    ]
    said = ["Nothing here comes from sealed bars: the checks, too, looked at open ones alone."]
    if "samples" not in body:
        said.append("Given a run's config (--config), this page also shows the samples that the run would learn from.")
    return Section("Summary", "", (Banner("neutral", _title(counts), _sentence(body), items, said),))


def _timeline(body: Mapping[str, Any]) -> Timeline:
    share, opened, market = min(1.0, body["open"]["share"]), body["open"], body["market"]
    cuts = [
        ("Open", "validation", "to train, choose and look at", opened["start"], opened["end"], share),
        ("Sealed", "sealed", "not read", opened["end"], market["end"], 1 - share),
    ]
    segments: list[dict[str, Any]] = [
        {"label": label, "role": role, "note": note, "start": first[:10], "end": last[:10], "share": part}
        for label, role, note, first, last, part in cuts
        if part > 0
    ]
    return Timeline(segments, "The market's bars in order of time.")


def _coverage(body: Mapping[str, Any]) -> Figure:
    worst = sorted(body["symbols"], key=lambda row: -(row.get("missing") or 0.0))[:MOST_STRIPS]
    shown = [row["symbol"] for row in worst]
    names = [name for name in body["coverage"] if name in set(shown)]
    x: list[int | None] = []
    y: list[str | None] = []
    for name in names:
        for start, end in body["coverage"][name]:
            x += [start, end, None]
            y += [clip(name, 16), clip(name, 16), None]
    strips = {"type": "scatter", "mode": "lines", "name": "bars", "x": x, "y": y, "connectgaps": False}
    strips |= {"line": {"color": "@net", "width": 6}, "showlegend": False, "hoverinfo": "x+y"}
    drawn = plot(
        [strips],
        x={"type": "date", "nticks": 6},
        y={"type": "category", "autorange": "reversed", "showgrid": False, "dtick": 1},
        hovermode="closest",
    )
    gaps = [row for row in worst if (row.get("missing") or 0.0) > 0]
    said = (
        f"{gaps[0]['symbol']} misses most, {show(gaps[0]['missing'], 'fine')}."
        if gaps
        else "No bar is missing in between."
    )
    more = f" The {MOST_STRIPS} symbols that miss most are drawn." if len(body["symbols"]) > MOST_STRIPS else ""
    caption = f"Where bars are: one line a symbol. Holes too short to be seen are closed.{more}"
    return Figure("Coverage", drawn, caption, said, height=90 + 17 * max(3, len(names)))


def _index(body: Mapping[str, Any]) -> Figure:
    level = body["index"]["level"]
    log = min(level) > 0 and max(level) / min(level) > 5
    y = {"title": "start 1", "tickformat": ",.3~g"} | ({"type": "log", "dtick": "D2"} if log else {})
    drawn = line(body["index"]["time_ms"], level, name="all symbols, equal weight", color="@net", width=1.6)
    dates = f"{date_text(body['open']['start'])} to {date_text(body['open']['end'])}"
    words = f"All symbols in equal parts: {show(level[-1] - 1, 'percent')} from {dates}, free of cost."
    caption = "Mean return of the symbols that have one, bar by bar, compounded."
    return Figure("The market", plot([drawn], x={"type": "date", "nticks": 6}, y=y), caption, words, height=300)


def _shape(body: Mapping[str, Any]) -> Figure | None:
    found = body["histogram"]
    if not found:
        return None
    edges = found["edges_bps"]
    middle = [(low + high) / 2 for low, high in pairwise(edges)]
    drawn = plot(
        [bars(middle, found["counts"], name="bars", color="@net")],
        x={"title": "return of a bar, bps"},
        y={"title": "bars", "type": "log", "tickformat": ",", "dtick": 1},
        hovermode="x",
    )
    words = (
        f"Standard deviation {show(found['deviation_bps'], 'bps')}, median {show(found['median_bps'], 'bps')}; "
        f"{show(found['unchanged'], 'fine')} of closes did not move."
    )
    caption = (
        f"{show(found['returns'], 'count')} log returns of all symbols; counts on a logarithmic scale, tails in the "
        "last columns."
    )
    return Figure("Returns of single bars", drawn, caption, words)


def _hours(body: Mapping[str, Any]) -> Figure | None:
    found = body["by_hour"]
    known = [(hour, value) for hour, value in enumerate(found) if is_number(value)]
    if len(known) < 2:
        return None
    drawn = plot(
        [bars([hour for hour, _ in known], [value for _, value in known], name="size", color="@soft")],
        x={"title": "hour of the day, UTC", "dtick": 4},
        y={"title": "bps", "rangemode": "tozero"},
        hovermode="x",
    )
    top, low = max(known, key=lambda pair: pair[1]), min(known, key=lambda pair: pair[1])
    words = f"Largest at {top[0]:02d}:00, {show(top[1], 'bps')}; smallest at {low[0]:02d}:00, {show(low[1], 'bps')}."
    return Figure("Size of returns by hour", drawn, "Root mean square return of bars that open in the hour.", words)


def _table(rows: Sequence[Mapping[str, Any]]) -> Table:
    heads = ("Symbol", "from", *(head for head, _ in COLUMNS.values()))
    cells = [
        (
            Cell(row["symbol"]),
            Cell(str(row.get("first") or DASH)[:10]),
            *(Cell(show(row.get(key), unit)) for key, (_, unit) in COLUMNS.items()),
        )
        for row in rows[:MOST_ROWS]
    ]
    caption = "Open bars of each symbol; missing ones are those between its first and its last."
    return Table(heads, cells, caption=caption, even=True)


def market_page(body: Mapping[str, Any], title: str) -> str:
    """A market's open bars as one page.

    Args:
        body: of `recipe.survey`.
        title: heading of the page.
    """
    findings = [Finding.from_json(item) for item in body["findings"]]
    pair = [figure for figure in (_shape(body), _hours(body)) if figure is not None]
    movement: list[Block] = [_index(body), *([Grid(pair)] if pair else [])]
    said = "The checks found nothing to report." if not findings else "Errors cap a verdict; warnings are worth a look."
    sections = [
        _head(body),
        Section("Coverage", "What is there, and what is not.", (_timeline(body), _coverage(body), gaps_block(body))),
        defects_section(body),
        Section("Movement", "How the open bars moved.", movement),
        Section("Symbols", "", (_table(body["symbols"]),)),
        Section("Findings", said, (findings_block(findings),)),
        *(sample_sections(body["samples"]) if "samples" in body else ()),
        Section(
            "Origin",
            "",
            (market_table({"market": body["market"]}), Text("The content hash names these very bars.", "note")),
        ),
    ]
    facts = body["market"] | {"end": body["open"]["end"], "bars": body["open"]["bars"]}
    footer = "Every figure of this page is in the JSON file of the same name beside it."
    return render(clip(title, 120), sections, subtitle=f"Open bars: {market_line({'market': facts})}", footer=footer)
