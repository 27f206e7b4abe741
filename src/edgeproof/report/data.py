"""What the bars are: the market, its span with the seal drawn, and everything that the checks saw in it."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from edgeproof.core.finding import LEVELS, Finding
from edgeproof.report.backtest import spans_of, times_of
from edgeproof.report.number import clip, date_text, get, humanise, is_number, show, time_ms
from edgeproof.report.part import Block, Cell, Findings, Section, Table, Text, Timeline

__all__ = ["data_section", "findings_block", "market_table", "timeline"]

MOST_PER_CHECK = 4
MOST_CHECKS = 25
MOST_EVIDENCE = 6
TITLES = {"error": "Errors", "warning": "Warnings", "info": "Information"}
KINDS = {
    "bars": "bars as they came",
    "noise": "noise: made, with nothing to find",
    "linear": "linear: made, with an edge planted in it",
}
UNIVERSES = {
    "survivors": "survivors: those that were left at the end",
    "fixed": "fixed: chosen without looking at this span, as its user states",
    "point_in_time": "point in time: symbols count from listing to end",
}
MEANINGS = {"error": "cap the verdict", "warning": "worth a look", "info": "nothing wrong"}


def _evidence(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    shown = []
    for key, value in [pair for pair in body.items() if _is_told(*pair)][:MOST_EVIDENCE]:
        if isinstance(value, list | tuple):
            text = ", ".join(show(item) for item in value[:4]) + (" …" if len(value) > 4 else "")
        elif isinstance(value, Mapping):
            text = ", ".join(f"{name} {show(item)}" for name, item in list(value.items())[:4])
        else:
            text = show(value)
        shown.append((humanise(key).lower(), clip(text, 160)))
    return shown


def _is_told(key: str, value: Any) -> bool:
    """Whether a line of text can say it: tables and plots cannot be told so."""
    several = isinstance(value, list | tuple) and any(isinstance(item, Mapping | list) for item in value)
    nested = isinstance(value, Mapping) and any(isinstance(item, Mapping | list) for item in value.values())
    return value is not None and not several and not nested and key not in ("plot", "plots")


def _place(item: Finding) -> str:
    return "" if item.claim.startswith(item.where) else clip(item.where, 120)


def _group(check: str, findings: Sequence[Finding]) -> dict[str, Any]:
    shown = [
        {"claim": clip(item.claim, 400), "where": _place(item), "evidence": _evidence(item.evidence)}
        for item in findings[:MOST_PER_CHECK]
    ]
    remedies = list(dict.fromkeys(clip(item.remedy, 400) for item in findings if item.remedy))
    return {"check": clip(check, 80), "items": shown, "more": len(findings) - len(shown), "remedies": remedies[:3]}


def findings_block(findings: Sequence[Finding]) -> Findings:
    """Findings by level, errors first, then by check; of one check the first few are shown and the others counted."""
    groups = []
    for level in reversed(LEVELS):
        here = [item for item in findings if item.level == level]
        if not here:
            continue
        by_check: dict[str, list[Finding]] = {}
        for item in here:
            by_check.setdefault(item.check, []).append(item)
        checks = [_group(check, items) for check, items in list(by_check.items())[:MOST_CHECKS]]
        groups.append(
            {
                "level": level,
                "title": TITLES[level],
                "meaning": MEANINGS[level],
                "count": len(here),
                "checks": checks,
                "more": len(by_check) - len(checks),
            }
        )
    return Findings(groups)


def _edges(verdict: Mapping[str, Any], track: pl.DataFrame) -> tuple[int | None, int | None, bool]:
    """First bar of validation, first sealed bar (both ms), and whether the seal was opened."""
    spans = dict(spans_of(track)) if "close_time" in track.columns else {}
    validation = time_ms(get(verdict, "validation", "start"))
    if validation is None and "validation" in spans:
        validation = int(times_of(spans["validation"])[0])
    seal = time_ms(get(verdict, "sealed", "start")) or time_ms(get(verdict, "market", "seal"))
    if seal is None and get(verdict, "paths"):
        seal = _last_test(get(verdict, "paths"))
    if seal is None and "sealed" in spans:
        seal = int(times_of(spans["sealed"])[0])
    if seal is None:
        seal = time_ms(get(verdict, "validation", "end"))
    if seal is None and "validation" in spans:
        seal = int(times_of(spans["validation"])[-1])
    return validation, seal, get(verdict, "span") == "sealed"


def _last_test(paths: Mapping[str, Any]) -> int | None:
    """Where the last out-of-sample block ends: at the seal."""
    ends = [time_ms(stretch["end"]) for fold in paths["folds"] for stretch in fold["test"]]
    return max((end for end in ends if end is not None), default=None)


def _chosen(verdict: Mapping[str, Any], seal: int) -> int:
    """Where validation ends: at the seal, or where the last fold's test begins."""
    end = time_ms(get(verdict, "validation", "end")) if get(verdict, "paths") else None
    return seal if end is None else min(end, seal)


def timeline(verdict: Mapping[str, Any], track: pl.DataFrame) -> Timeline | None:
    """Training, validation, test (if the split has one) and sealed span to scale; None where a date is not known."""
    start, end = time_ms(get(verdict, "market", "start")), time_ms(get(verdict, "market", "end"))
    validation, seal, opened = _edges(verdict, track)
    if start is None or end is None or validation is None or seal is None or not start < validation < seal <= end:
        return None
    sealed = (
        ("Opened", "opened", "sealed until this verdict; it decides") if opened else ("Sealed", "sealed", "not read")
    )
    chosen = _chosen(verdict, seal)
    cuts = [
        ("Training", "train", "fits weights and scaling", start, validation),
        ("Validation", "validation", "chooses epoch and threshold", validation, chosen),
        ("Test", "test", "not seen by the last fold's model", chosen, seal),
        (*sealed, seal, end),
    ]
    segments = [
        {
            "label": label,
            "role": role,
            "note": note,
            "start": date_text(first * 1_000_000),
            "end": date_text(last * 1_000_000),
            "share": (last - first) / (end - start),
        }
        for label, role, note, first, last in cuts
        if last > first
    ]
    state = "was opened for this verdict" if opened else "is closed: nothing on this page comes from it"
    return Timeline(segments, f"The market's bars in order of time. The seal {state}.")


def _utc(value: Any) -> str:
    return "" if time_ms(value) is None else f"{date_text(value, clock=True)} UTC"


def _named(value: Any, words: Mapping[str, str]) -> str:
    return "" if value is None else words.get(str(value), clip(value, 60))


def market_table(verdict: Mapping[str, Any]) -> Table:
    """The market's identity and size."""
    market = get(verdict, "market") or {}
    symbols = market.get("symbols")
    many = len(symbols) if isinstance(symbols, list | tuple) else symbols
    rows = [
        ("Symbols", show(many, "count")),
        ("Bars, all symbols", show(market.get("bars"), "count")),
        ("From", _utc(market.get("start"))),
        ("To", _utc(market.get("end"))),
        ("Kind", _named(market.get("kind"), KINDS)),
        ("Universe", _named(market.get("universe"), UNIVERSES)),
        ("Content hash", clip(market.get("hash") or "", 20)),
    ]
    known = {"symbols", "bars", "start", "end", "hash", "seal", "kind", "universe"}
    rows += [(humanise(key), show(value)) for key, value in market.items() if key not in known and _simple(value)]
    if isinstance(symbols, list | tuple):
        rows.append(("Names", clip(", ".join(clip(name, 40) for name in symbols[:60]), 600)))
    return Table(("Market", ""), [(Cell(name), Cell(text)) for name, text in rows if text], numeric=False)


def _simple(value: Any) -> bool:
    return isinstance(value, str | bool) or is_number(value)


def data_section(verdict: Mapping[str, Any], findings: Sequence[Finding], track: pl.DataFrame) -> Section:
    """The market, its timeline, and findings grouped by level with evidence and remedy."""
    drawn = timeline(verdict, track)
    blocks: list[Block] = [] if drawn is None else [drawn]
    blocks.append(market_table(verdict))
    counts = [(level, sum(item.level == level for item in findings)) for level in reversed(LEVELS)]
    said = ", ".join(f"{count} {level if count == 1 or level == 'info' else level + 's'}" for level, count in counts)
    blocks.append(Text(f"Findings: {said}." if findings else "The checks found nothing to report.", "strong"))
    blocks.append(findings_block(findings))
    return Section("Data and findings", "What was traded on, and what is wrong with it.", blocks, short="Data")
