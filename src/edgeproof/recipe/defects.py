"""Found defects where they are: the open bars around each one, and the days on which bars are missing.

Everything here reads open bars alone. What the import repaired or named is kept as it said it; what the bars themselves
show is looked for again among the open ones.
"""

# T bars of one symbol, in order of time

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgeproof.core.clock import DAY_NS, iso, parse_time
from edgeproof.core.finding import Finding
from edgeproof.data.bars import Bars
from edgeproof.data.masks import stale_run
from edgeproof.data.quality import QualityConfig, check_series, keep_mask, survivorship
from edgeproof.data.store import Market

__all__ = ["bar_findings", "defects", "gap_calendar", "longest_gaps"]

OF_BARS = ("gaps", "bad_prices", "ohlc", "zero_volume", "stale", "spikes", "jumps")
DRAWN = ("reuse", "jumps", "bad_prices", "ohlc", "spikes", "stale", "gaps", "zero_volume")  # the worst first
MOST_EACH = 6  # drawn of one check
AROUND = 16  # bars before and after
MOST_BARS = 64  # drawn of one defect
MOST_DAYS = 72 * 31  # a longer calendar counts by month
DIGITS = 7
Places = dict[int, list[tuple[Finding, int]]]  # open time -> the symbols' findings there, and bars


def bar_findings(market: Market, series: Sequence[Bars], clock: np.ndarray, *, universe: str) -> list[Finding]:
    """What the import said, and what the checks of bars see among the open ones.

    Args:
        market: the market.
        series: open bars of each symbol that has any.
        clock: i64[T] open times of the open slots.
        universe: as the config has it, else the market's own.
    """
    interval = market.manifest.interval_ns
    said = [
        finding
        for finding in market.findings()
        if finding.check.removeprefix("quality.") not in (*OF_BARS, "survivorship")
        and (finding.check, finding.level) != ("quality.reuse", "error")
    ]
    last = {entry.cut_from or entry.symbol: entry.last_ns - interval for entry in market.manifest.symbols}
    left = survivorship(last, interval) if universe == "survivors" else []
    return [*left, *said, *check_series(series, interval, clock, "fixed")]


def defects(findings: Sequence[Finding], series: Sequence[Bars], quality: QualityConfig) -> list[dict[str, Any]]:
    """The bars around what was found, at most six places a check; one place where several symbols have it at once."""
    of = {bars.symbol: bars for bars in series}
    found = []
    for check in DRAWN:
        known = [each for each in findings if each.check == f"quality.{check}" and each.where in of]
        places: Places = {}
        for finding in known:
            for start, length in _starts(check, finding, of[finding.where]):
                places.setdefault(start, []).append((finding, length))
        for start, here in _chosen(places):
            finding, length = here[0]
            tile = _tile(check, of[finding.where], (start, length), quality)
            found.append({"check": check, "level": finding.level, "also_in": len(here) - 1} | tile)
    return found


def _chosen(places: Places) -> list[tuple[int, list[tuple[Finding, int]]]]:
    """The longest places, then the first ones; of each symbol one before another has its second."""
    ranked = sorted(places.items(), key=lambda place: (-max(length for _, length in place[1]), place[0]))
    seen: Counter[str] = Counter()
    order = []
    for place in ranked:
        symbol = place[1][0][0].where
        order.append((seen[symbol], len(order), place))
        seen[symbol] += 1
    return [place for *_, place in sorted(order, key=lambda item: item[:2])[:MOST_EACH]]


def _starts(check: str, finding: Finding, bars: Bars) -> list[tuple[int, int]]:
    """Open time of the first bar of each place, and its length in bars (of a gap: the bars that are missing)."""
    if check == "gaps":
        return [(parse_time(each["after"]), int(each["bars"])) for each in finding.evidence["longest_first"]]
    at = np.flatnonzero(np.isin(bars.open_time, [parse_time(text) for text in finding.evidence["times"]]))
    if check == "zero_volume":
        return _together(bars, bars.ohlcv[:, 4] == 0)
    if check != "stale":
        return [(int(bars.open_time[n]), 1) for n in at]
    run = stale_run(bars.ohlcv)
    starts = np.unique(at - run[at] + 1)
    return [(int(bars.open_time[n]), int(_run_length(run, n))) for n in starts]


def _together(bars: Bars, there: np.ndarray) -> list[tuple[int, int]]:
    """Open time of the first bar of each run of bars that have it, and the run's length."""
    edges = np.flatnonzero(np.diff(np.r_[False, there, False]))
    return [(int(bars.open_time[start]), int(stop - start)) for start, stop in edges.reshape(-1, 2)]


def _run_length(run: np.ndarray, start: int) -> int:
    """Bars of the run of equal prices that begins here."""
    later = run[start:] != np.arange(1, len(run) - start + 1)
    return int(later.argmax()) if later.any() else len(later)


def _tile(check: str, bars: Bars, place: tuple[int, int], quality: QualityConfig) -> dict[str, Any]:
    at = int(np.searchsorted(bars.open_time, place[0]))
    length = 1 if check == "gaps" else place[1]
    first, last = max(0, at - AROUND), min(len(bars), at + length + AROUND)
    last = min(last, first + MOST_BARS)
    used = keep_mask(bars.ohlcv, quality)
    marked = list(range(at, min(at + length, last)))
    body = {
        "symbol": bars.symbol,
        "time": iso(place[0]),
        "from": iso(int(bars.open_time[first])),
        "to": iso(int(bars.open_time[last - 1])),
        "bars": [[_short(value) for value in row] for row in bars.ohlcv[first:last].tolist()],
        "marked": [] if check == "gaps" else [n - first for n in marked],
        "note": _note(check, bars, (at, place[1])),
        "used": bool(used[at : at + length].all()),
    }
    return body | ({"gap_after": at - first, "gap_bars": place[1]} if check == "gaps" else {})


def _short(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None


def _told(value: float) -> str:
    return f"{value:.6g}"


def _note(check: str, bars: Bars, place: tuple[int, int]) -> str:
    """The figures of the defect in words."""
    at, length = place
    opened, high, low, close, volume = bars.ohlcv[at].tolist()
    before = float(bars.ohlcv[at - 1, 3]) if at else opened
    if check == "gaps":
        after = float(bars.ohlcv[at + 1, 0])
        many = "1 bar" if length == 1 else f"{length:,} bars"
        return f"{many} missing; last close {_told(close)}, next open {_told(after)}"
    if check == "stale":
        end = min(at + length - 1, len(bars) - 1)
        return f"{length:,} bars at {_told(close)}, to {iso(int(bars.open_time[end]))}"
    if check == "zero_volume" and length > 1:
        return f"{length:,} bars without volume, to {iso(int(bars.open_time[at + length - 1]))}"
    if check in ("jumps", "reuse"):
        return f"opens at {_told(opened)} after a close of {_told(before)}, {_told(opened / before)} times"
    told = f"open {_told(opened)}, high {_told(high)}, low {_told(low)}, close {_told(close)}"
    return f"{told}, volume {_told(volume)}" if check == "zero_volume" else f"{told}; last close {_told(before)}"


def gap_calendar(series: Sequence[Bars], clock: np.ndarray, interval_ns: int) -> dict[str, Any]:
    """How many bars are missing on each day (month, where days are too many), over all symbols.

    A symbol's bars are expected from its first open one to its last, on every slot of the clock; those of closed
    sessions are no slots.

    Returns:
        `unit` (day or month), `first` (its date), and for each day or month from then on `expected` and `missing`.
    """
    expected, there = np.zeros(len(clock) + 1, np.int64), np.zeros(len(clock), np.int64)
    for bars in series:
        slots = np.searchsorted(clock, bars.open_time)
        expected[slots[0]] += 1
        expected[slots[-1] + 1] -= 1
        there[slots] += 1
    wanted = np.cumsum(expected)[:-1]
    day = clock // DAY_NS
    by_month = interval_ns >= DAY_NS or day[-1] - day[0] > MOST_DAYS
    key = (clock.astype("datetime64[ns]").astype("datetime64[M]").astype(np.int64)) if by_month else day
    number = key - key[0]
    head = np.datetime64(int(key[0]), "M" if by_month else "D")
    return {
        "unit": "month" if by_month else "day",
        "first": str(head.astype("datetime64[D]")),
        "expected": np.bincount(number, wanted).astype(int).tolist(),
        "missing": np.bincount(number, wanted - there).astype(int).tolist(),
    }


def longest_gaps(findings: Sequence[Finding], most: int = 10) -> list[dict[str, Any]]:
    """The longest gaps, those of several symbols at once as one."""
    symbols: dict[tuple[str, int], list[str]] = {}
    for finding in findings:
        for each in finding.evidence["longest_first"] if finding.check == "quality.gaps" else ():
            symbols.setdefault((each["after"], each["bars"]), []).append(finding.where)
    rows = [
        {"symbol": names[0], "also_in": len(names) - 1, "after": after, "bars": count}
        for (after, count), names in symbols.items()
    ]
    return sorted(rows, key=lambda row: (-row["bars"], row["after"], row["symbol"]))[:most]
