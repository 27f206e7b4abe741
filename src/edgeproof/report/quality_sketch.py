"""Small pictures of data quality as inline SVG: bars around a defect, days that miss bars, windows, distributions."""

# F features, columns of a window

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from edgeproof.core.svg import DRAWN, INK, QUIET, SECOND, WRONG, box, dot, outline, path, picture, stroke, word

__all__ = ["calendar", "candles", "heat_map", "overlay", "window"]

COLORS = (DRAWN, SECOND, WRONG, QUIET)
CROSS = "\u00d7"
Pair = tuple[float, float]


def _scale(low: float, high: float, ends: Pair, *, log: bool = False) -> Any:
    """A function from values to places between two ends, with a little room on both sides."""
    if log:
        low, high = math.log(low), math.log(high)
    room = 0.05 * (high - low) or 0.5
    span = high - low + 2 * room

    def place(value: float) -> float:
        at = math.log(value) if log else value
        return ends[0] + (at - low + room) / span * (ends[1] - ends[0])

    return place


def _told(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _good(row: Sequence[float | None]) -> bool:
    return all(value is not None and value > 0 for value in row[:4])


def candles(tile: Mapping[str, Any], spoken: str) -> str:
    """The bars around a defect: highs and lows as strokes, open to close as bodies, the marked on tinted ground."""
    wide, top, foot, left = 300.0, 12.0, 128.0, 52.0
    rows, gap_at = tile["bars"], tile.get("gap_after")
    known = [value for row in rows if _good(row) for value in row[:4]]
    if not known:
        return picture([word((0, 20), "no bar with prices nearby")], (wide, 30), spoken=spoken)
    hole = 0 if gap_at is None else 6
    step = (wide - left) / (len(rows) + hole)
    places = [left + (n + (hole if gap_at is not None and n > gap_at else 0) + 0.5) * step for n in range(len(rows))]
    up = _scale(min(known), max(known), (foot, top), log=max(known) > 3 * min(known))
    parts = [*_grounds(tile, places, step, (top - 6, foot + 4)), stroke((left, foot + 4), (wide, foot + 4))]
    marked = set(tile["marked"])
    for color, chosen in ((QUIET, False), (WRONG, True)):
        some = [n for n in range(len(rows)) if (n in marked) == chosen and _good(rows[n])]
        wicks = "".join(f"M{places[n]:.1f} {up(_top(rows[n])):.1f}V{up(_low(rows[n])):.1f}" for n in some)
        parts.append(outline(wicks, color=color))
        for rising in (True, False):
            bodies = "".join(_body(rows[n], places[n], step, up) for n in some if (rows[n][3] >= rows[n][0]) == rising)
            parts.append(outline(bodies, color=color, fill="var(--surface,#fff)" if rising else color, width=0.8))
    parts += [word((places[n] - 3, foot), CROSS, fill=WRONG) for n in range(len(rows)) if not _good(rows[n])]
    parts += [
        word((left - 5, up(max(known)) + 3), _told(max(known)), anchor="end"),
        word((left - 5, up(min(known)) + 3), _told(min(known)), anchor="end"),
        word((left, foot + 16), tile["from"][:16]),
        word((wide, foot + 16), tile["to"][:16], anchor="end"),
    ]
    return picture(parts, (wide, foot + 20), spoken=spoken)


def _top(row: Sequence[float]) -> float:
    return max(row[:4])


def _low(row: Sequence[float]) -> float:
    return min(row[:4])


def _body(row: Sequence[float], place: float, step: float, up: Any) -> str:
    half, ends = max(0.6, 0.36 * step), sorted((up(row[0]), up(row[3])))
    return f"M{place - half:.1f} {ends[0]:.1f}h{2 * half:.1f}V{max(ends[1], ends[0] + 0.4):.1f}h{-2 * half:.1f}z"


def _grounds(tile: Mapping[str, Any], places: Sequence[float], step: float, ends: Pair) -> list[str]:
    """A tint behind the marked bars, or over the hole of a gap."""
    high, gap_at = ends[1] - ends[0], tile.get("gap_after")
    if gap_at is not None:
        start = places[gap_at] + step / 2
        text = f"{tile['gap_bars']:,} missing"
        return [
            box((start, ends[0]), (6 * step, high), color=WRONG, opacity=0.14, title=text),
            word((start + 3 * step, ends[1] - 5), text, anchor="middle", fill=WRONG),
        ]
    if not tile["marked"]:
        return []
    first, last = places[tile["marked"][0]] - step, places[tile["marked"][-1]] + step
    return [box((first, ends[0]), (last - first, high), color=WRONG, opacity=0.14)]


def calendar(body: Mapping[str, Any]) -> str:
    """One cell a day in rows of months, or one a month in rows of years: the more bars are missing, the darker."""
    by_day = body["unit"] == "day"
    cells = list(_cells(body))
    rows = sorted({row for row, *_ in cells})
    wide, high, left = (10.0, 11.0, 52.0) if by_day else (25.0, 14.0, 52.0)
    parts = [
        word((left + (n + 0.5) * wide, 10), str(n + 1), anchor="middle")
        for n in (range(0, 31, 5) if by_day else range(12))
    ]
    whole = []
    for row, column, expected, missing in cells:
        corner = (left + column * wide, 14 + rows.index(row) * high)
        if expected and missing:
            name = f"{row}-{column + 1:02d}: {missing:,} of {expected:,} bars missing"
            opacity = 0.25 + 0.75 * math.sqrt(missing / expected)
            parts.append(box(corner, (wide - 1, high - 1), color=WRONG, opacity=opacity, title=name))
        elif expected:
            whole.append(f"M{corner[0]:.0f} {corner[1]:.0f}h{wide - 1:.0f}v{high - 1:.0f}h{1 - wide:.0f}z")
    parts.append(outline("".join(whole), fill=DRAWN, opacity=0.16))
    parts += [word((left - 6, 14 + n * high + high - 2.5), row, anchor="end") for n, row in enumerate(rows)]
    gone = sum(body["missing"])
    size = (left + (31 if by_day else 12) * wide, 16 + len(rows) * high)
    return picture(parts, size, spoken=f"Bars missing by {body['unit']}: {gone:,} of {sum(body['expected']):,}")


def _cells(body: Mapping[str, Any]) -> Iterator[tuple[str, int, int, int]]:
    """Row, column, bars that are expected there, and bars that are missing."""
    first = date.fromisoformat(body["first"])
    for number, (expected, missing) in enumerate(zip(body["expected"], body["missing"], strict=True)):
        if body["unit"] == "day":
            day = first + timedelta(days=number)
            yield f"{day:%Y-%m}", day.day - 1, expected, missing
        else:
            months = first.year * 12 + first.month - 1 + number
            yield str(months // 12), months % 12, expected, missing


def window(tile: Mapping[str, Any], spoken: str) -> str:
    """A sample: prices up to the decision, prices until its label is known, and below them the window's features."""
    wide, top, foot, cell = 160.0, 14.0, 74.0, 3.0
    back, ahead = tile["path"], tile["ahead"]
    steps = len(back) + max(1, len(ahead)) - 1
    known = [value for value in (*back, *ahead) if value is not None] or [0.0]
    up = _scale(min(*known, 0.0), max(*known, 0.0), (foot, top))
    length = wide * max(0.6, (len(back) - 1) / max(1, steps)) if len(back) > 1 else 0.6 * wide
    one = length / max(1, len(back) - 1)
    rest = (wide - length) / max(1, len(ahead))
    parts = [
        stroke((0, up(0.0)), (wide, up(0.0))),
        stroke((length, top - 4), (length, foot + 2), dash="2 2"),
        word((0, 10), _percent(max(known))),
        word((wide, 10), _percent(min(known)), anchor="end"),
    ]
    before = [(n * one, up(value)) for n, value in enumerate(back) if value is not None]
    after = [(length + (n + 1) * rest, up(value)) for n, value in enumerate(ahead) if value is not None]
    parts.append(path(before) if len(before) > 1 else "")
    if after:
        start = [(length, up(0.0))]
        parts += [path([*start, *after], color=SECOND), dot(after[-1], color=SECOND)]
    shades, high = tile["shades"], foot + 8
    if shades:
        parts += _shading(shades, (length / len(shades[0]), cell), high)
    return picture(parts, (wide, high + cell * len(shades) + 1), spoken=spoken)


def _percent(value: float) -> str:
    return f"{value:+,.0f}%" if abs(value) >= 100 else f"{value:+.2g}%"


def _shading(shades: Sequence[Sequence[int]], size: Pair, top: float) -> list[str]:
    """Cells of equal shade as one element each, neighbours joined."""
    paths: dict[int, list[str]] = {}
    for row, values in enumerate(shades):
        column = 0
        for shade, run in groupby(values):
            count = len(list(run))
            if shade:
                corner = f"M{column * size[0]:.1f} {top + row * size[1]:.0f}"
                paths.setdefault(shade, []).append(
                    f"{corner}h{count * size[0]:.1f}v{size[1]:g}h{-count * size[0]:.1f}z"
                )
            column += count
    most = max(3, *(abs(shade) for shade in paths)) if paths else 3
    return [
        outline("".join(cells), fill=DRAWN if shade > 0 else WRONG, opacity=0.9 * abs(shade) / most)
        for shade, cells in sorted(paths.items())
    ]


def overlay(edges: Sequence[float], by: Mapping[str, Sequence[float]], spoken: str) -> str:
    """Distributions over the same bins, laid over each other as outlines."""
    wide, top, foot = 200.0, 14.0, 72.0
    most = max((max(shares, default=0.0) for shares in by.values()), default=0.0) or 1.0
    step = wide / (len(edges) - 1)
    parts = [stroke((0, foot), (wide, foot)), word((0, foot + 12), _told(edges[0]))]
    parts.append(word((wide, foot + 12), _told(edges[-1]), anchor="end"))
    if edges[0] < 0 < edges[-1]:
        zero = -edges[0] / (edges[-1] - edges[0]) * wide
        parts += [stroke((zero, top), (zero, foot), dash="2 3")]
        parts += [word((zero, foot + 12), "0", anchor="middle")] if 0.25 * wide < zero < 0.75 * wide else []
    legend = 0.0
    for (name, shares), color in zip(by.items(), COLORS, strict=False):
        tops = [foot - share / most * (foot - top) for share in shares]
        line = (
            f"M0 {foot:.0f}" + "".join(f"V{at:.1f}H{(n + 1) * step:.1f}" for n, at in enumerate(tops)) + f"V{foot:.0f}"
        )
        parts += [outline(line, fill=color, opacity=0.16), outline(line, color=color, width=1.3)]
        parts.append(word((legend, 9), name, fill=color))
        legend += 6.2 * len(name) + 9
    return picture(parts, (wide, foot + 15), spoken=spoken)


def heat_map(names: Sequence[str], matrix: Sequence[Sequence[float]], spoken: str) -> str:
    """Correlations below the diagonal: blue together, red against each other, the stronger the darker."""
    cell = 15.0 if len(names) <= 32 else 480.0 / len(names)
    left = 8.0 + 5.8 * max(len(name) for name in names) if len(names) <= 40 else 0.0
    paths: dict[int, list[str]] = {}
    for row in range(len(names)):
        for column in range(row):
            shade = round(8 * matrix[row][column])
            corner = f"M{left + column * cell:.1f} {row * cell:.1f}"
            if shade:
                paths.setdefault(shade, []).append(f"{corner}h{cell - 1:.1f}v{cell - 1:.1f}h{1 - cell:.1f}z")
    parts = [
        outline("".join(cells), fill=DRAWN if shade > 0 else WRONG, opacity=abs(shade) / 8)
        for shade, cells in sorted(paths.items())
    ]
    if left:
        parts += [
            word((left - 6, (n + 0.72) * cell), f"{name}", anchor="end", fill=INK) for n, name in enumerate(names)
        ]
        parts += [
            word((left + (n + 0.5) * cell - 0.5, (n + 0.72) * cell), str(n + 1), anchor="middle")
            for n in range(len(names))
        ]
    return picture(parts, (left + len(names) * cell, len(names) * cell + 2), spoken=spoken)
