"""A small plot of plain data as inline SVG: it needs no script and no network, in a notebook as in a report.

A plot is a mapping: `kind` (line, bars, histogram or strip), `title`, `x`, `y`, `x_label`, `y_label`, `names` of bars,
`threshold`, `threshold_name` and `wrong` (above or below: the side that is wrong); `log` draws values on a logarithmic
scale, `name` and `beside` (name to values, at the same places) draw further lines. It lies as JSON in a finding's
evidence; every number that is drawn is in it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeGuard

import numpy as np

from edgeproof.core.svg import DRAWN, INK, QUIET, SECOND, WRONG, box, columns, dot, path, picture, stroke, word

__all__ = ["MOST_POINTS", "plots_of", "sketch", "thin"]

MOST_POINTS = 64
WIDE, HIGH = 320.0, 132.0  # user units, about pixels
LEFT, RIGHT, TOP, BOTTOM = 46.0, WIDE - 10.0, 22.0, HIGH - 30.0  # of the frame within
ROW, NAMES, FIGURES = 16.0, 142.0, 52.0  # a named bar: its height, and the room of its name and of its value
MOST_NAMED, LONGEST = 16, 26
LETTER = 5.6  # usual width at size 11
LARGEST = 1e150  # differences and ratios of two such numbers are still numbers; NaN is below nothing
Plot = Mapping[str, Any]


def plots_of(evidence: Mapping[str, Any]) -> list[Plot]:
    """The plots in a finding's evidence, under `plot` or `plots`."""
    single, several = evidence.get("plot"), evidence.get("plots")
    return ([single] if single else []) + list(several or [])


def thin(
    x: Sequence[float] | np.ndarray, y: Sequence[float] | np.ndarray, points: int = 2000
) -> tuple[np.ndarray, np.ndarray]:
    """At most `points` of a line: its ends, and the lowest and the highest point of each stretch, in order.

    Every stretch keeps its minimum and maximum, so no peak, trough or drawdown of the line is lost to the eye.
    Points that are not finite are left out.

    Args:
        x: [N] positions in order.
        y: [N] values.
        points: most points to keep, at least 4.
    """
    across, up = np.asarray(x), np.asarray(y, dtype=np.float64)
    keep = np.isfinite(up)
    across, up = across[keep], up[keep]
    if len(up) <= points:
        return across, up
    edges = np.linspace(0, len(up), (points - 2) // 2 + 1).astype(np.int64)
    stretches = list(pairwise(edges.tolist()))
    low = [first + int(np.argmin(up[first:last])) for first, last in stretches]
    high = [first + int(np.argmax(up[first:last])) for first, last in stretches]
    kept = np.unique(np.array([0, *low, *high, len(up) - 1]))
    return across[kept], up[kept]


def sketch(plot: Plot) -> str:
    """The plot as one `<svg>` element; empty where there is nothing finite to draw."""
    read = _read(plot)
    if not read.y:
        return ""
    return _rows(read) if read.kind == "bars" and 0 < len(read.names) <= MOST_NAMED else DRAWERS[read.kind](read)


@dataclass(frozen=True)
class _Read:
    """A plot's data, numbers only: what is not finite is left out, together with its place and its name."""

    kind: str
    title: str
    x: list[float]
    y: list[float]
    x_label: str
    y_label: str
    names: list[str]
    limit: float | None
    limit_name: str
    wrong: str
    log: bool
    name: str
    beside: dict[str, list[tuple[float, float]]]

    def is_wrong(self, value: float) -> bool:
        """Whether a value lies on the wrong side of the threshold."""
        if self.limit is None or self.wrong not in ("above", "below"):
            return False
        return value > self.limit if self.wrong == "above" else value < self.limit

    @property
    def limit_words(self) -> str:
        """`threshold 0.1`, under the name that it has."""
        return "" if self.limit is None else f"{self.limit_name} {_told(self.limit)}"

    @property
    def spoken(self) -> str:
        """What the picture shows, in words."""
        ends = f"{len(self.y)} values from {_told(min(self.y))} to {_told(max(self.y))}"
        return f"{self.title}: {ends}{f'; {self.limit_words}' if self.limit_words else ''}"


def _read(plot: Plot) -> _Read:
    x, y = plot.get("x") or (), plot.get("y") or ()
    names = [str(name) for name in plot.get("names") or ()]
    kept = [place for place, value in enumerate(y) if place < len(x) and _is_number(value) and _is_number(x[place])]
    limit = plot.get("threshold")
    return _Read(
        kind=plot["kind"] if plot.get("kind") in DRAWERS else "line",
        title=str(plot.get("title", "")),
        x=[float(x[place]) for place in kept],
        y=[float(y[place]) for place in kept],
        x_label=str(plot.get("x_label", "")),
        y_label=str(plot.get("y_label", "")),
        names=[names[place] for place in kept] if len(names) == len(y) else [],
        limit=float(limit) if _is_number(limit) else None,
        limit_name=str(plot.get("threshold_name") or "threshold"),
        wrong=str(plot.get("wrong", "")),
        log=bool(plot.get("log")) and any(_is_number(value) and value > 0 for value in y),
        name=str(plot.get("name", "")),
        beside={str(name): _pairs(x, other) for name, other in (plot.get("beside") or {}).items()},
    )


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST


def _pairs(x: Sequence[Any], y: Sequence[Any]) -> list[tuple[float, float]]:
    return [(float(a), float(b)) for a, b in zip(x, y, strict=False) if _is_number(a) and _is_number(b)]


def _told(value: float) -> str:
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.3g}"


def _cut(text: str, most: int) -> str:
    """The end of a long name, which tells more than its beginning."""
    return text if len(text) <= most else f"…{text[1 - most :]}"


@dataclass(frozen=True)
class _Frame:
    """Where values stand in the picture: the range of each axis, the value axis perhaps logarithmic."""

    x: tuple[float, float]
    y: tuple[float, float]
    log: bool = False

    def across(self, value: float) -> float:
        """Horizontal place of a position."""
        return LEFT + (value - self.x[0]) / (self.x[1] - self.x[0]) * (RIGHT - LEFT)

    def up(self, value: float) -> float:
        """Vertical place of a value."""
        low, high, at = (*self.y, value)
        if self.log:
            low, high, at = math.log10(low), math.log10(high), math.log10(max(value, low))
        return BOTTOM - (at - low) / (high - low) * (BOTTOM - TOP)


def _frame(plot: _Read, *, zero: bool) -> _Frame:
    """Ranges that hold every value, the threshold, and zero if asked."""
    y = [*plot.y, *(value for line in plot.beside.values() for _, value in line)]
    if plot.limit is not None and plot.kind != "histogram":
        y.append(plot.limit)
    x = [*plot.x, *([plot.limit] if plot.limit is not None and plot.kind == "histogram" else [])]
    wide = max(x) - min(x)
    pad = 0.0 if plot.kind == "line" else 0.5 * (max(plot.x) - min(plot.x)) / max(1, len(plot.x) - 1)
    pad = pad if wide > 0 else 0.5
    across = (min(x) - pad, max(x) + pad)
    if plot.log:
        return _Frame(across, (min(value for value in y if value > 0) / 1.5, max(y) * 1.5), log=True)
    low, high = (min(0.0, *y), max(0.0, *y)) if zero else (min(y), max(y))
    room = 0.06 * (high - low) or 0.5 * abs(high) or 1.0
    return _Frame(across, (low if zero and low == 0.0 else low - room, high + room))


def _axes(plot: _Read, frame: _Frame) -> list[str]:
    """Title, base line, the ends of both axes, and what lies along them."""
    tiny = 0.01 * (frame.x[1] - frame.x[0])
    ends = (
        (plot.names[0], plot.names[-1])
        if plot.names
        else tuple(_told(value if abs(value) > tiny else 0.0) for value in frame.x)
    )
    if plot.kind == "line":
        ends = (_told(plot.x[0]), _told(plot.x[-1]))
    parts = [
        word((0, 11), plot.title, fill=INK, size=11),
        stroke((LEFT, BOTTOM), (RIGHT, BOTTOM)),
        word((LEFT, BOTTOM + 12), _cut(ends[0], 20)),
        word((RIGHT, BOTTOM + 12), _cut(ends[1], 20), anchor="end"),
        word(((LEFT + RIGHT) / 2, BOTTOM + 25), plot.x_label, anchor="middle"),
    ]
    places = [frame.up(max(plot.y)) + 3, frame.up(min(plot.y)) + 3]
    parts.append(word((LEFT - 5, places[0]), _told(max(plot.y)), anchor="end"))
    if places[1] - places[0] > 10:
        parts.append(word((LEFT - 5, places[1]), _told(min(plot.y)), anchor="end"))
    return parts


def _level(plot: _Read, frame: _Frame) -> list[str]:
    """The threshold as a dashed line across."""
    if plot.limit is None:
        return []
    at = frame.up(plot.limit)
    text = word((RIGHT, at + 11 if at < TOP + 12 else at - 4), plot.limit_words, anchor="end", fill=WRONG)
    return [stroke((LEFT, at), (RIGHT, at), color=WRONG, dash="4 3"), text]


def _line(plot: _Read) -> str:
    frame = _frame(plot, zero=False)
    lines = {plot.name: list(zip(plot.x, plot.y, strict=True))} | plot.beside
    parts, legend = [*_axes(plot, frame), *_level(plot, frame)], WIDE
    for (name, points), color in reversed(list(zip(lines.items(), (DRAWN, SECOND, QUIET, INK), strict=False))):
        placed = [(frame.across(x), frame.up(y)) for x, y in points]
        parts.append(path(placed, color=color) if len(placed) > 1 else "".join(dot(at, color=color) for at in placed))
        if plot.beside:
            parts.append(word((legend, 11), name, anchor="end", fill=color))
            legend -= LETTER * len(name) + 8
    return picture(parts, (WIDE, HIGH), spoken=plot.spoken)


def _columns(plot: _Read, frame: _Frame) -> list[str]:
    """A column for each value, from zero (or from the foot of a logarithmic scale)."""
    step = (max(plot.x) - min(plot.x)) / (len(plot.x) - 1) if len(plot.x) > 1 else 0.6 * (frame.x[1] - frame.x[0])
    wide = frame.across(frame.x[0] + step) - LEFT
    drawn: dict[str, list[tuple[tuple[float, float], tuple[float, float]]]] = {DRAWN: [], WRONG: []}
    for place, value in zip(plot.x, plot.y, strict=True):
        top, foot = sorted((frame.up(value), frame.up(max(0.0, frame.y[0]))))
        corner, size = (frame.across(place) - wide / 2 + 0.4, top), (wide - 0.8, foot - top)
        drawn[WRONG if plot.is_wrong(value) else DRAWN].append((corner, size))
    return [columns(boxes, color=color) for color, boxes in drawn.items()]


def _histogram(plot: _Read) -> str:
    frame = _frame(plot, zero=True)
    parts = [*_axes(plot, frame), *_columns(plot, frame)]
    if plot.limit is not None:
        at = frame.across(plot.limit)
        left = at > WIDE / 2
        parts.append(stroke((at, TOP), (at, BOTTOM), color=WRONG, dash="4 3"))
        side = "end" if left else "start"
        parts.append(word((at + (-4 if left else 4), TOP + 8), plot.limit_words, anchor=side, fill=WRONG))
    return picture(parts, (WIDE, HIGH), spoken=plot.spoken)


def _bars(plot: _Read) -> str:
    frame = _frame(plot, zero=True)
    parts = [*_axes(plot, frame), *_columns(plot, frame), *_level(plot, frame)]
    return picture(parts, (WIDE, HIGH), spoken=plot.spoken)


def _rows(plot: _Read) -> str:
    """Named bars below each other, their values at the right; negative ones lie left of a line at zero."""
    ends = [*plot.y, *([] if plot.limit is None else [plot.limit])]
    zero, ends_at, room, left = *_places(ends, log=plot.log), WIDE - NAMES - FIGURES, NAMES + 5
    parts = [word((0, 11), plot.title, fill=INK, size=11)]
    for number, (name, value) in enumerate(zip(plot.names, plot.y, strict=True)):
        top = TOP + number * ROW
        parts.append(word((NAMES, top + 11), _cut(name, LONGEST), anchor="end"))
        first, last = sorted((zero, ends_at[number]))
        color, bar = WRONG if plot.is_wrong(value) else DRAWN, ((last - first) * room, ROW - 5)
        parts.append(box((left + first * room, top + 2), bar, title=f"{name}: {_told(value)}", color=color))
        parts.append(word((WIDE, top + 11), _told(value), anchor="end", fill=INK))
    high = TOP + len(plot.y) * ROW
    if zero > 0:
        parts.append(stroke((left + zero * room, TOP - 1), (left + zero * room, high + 2)))
    if plot.limit is not None:
        at = left + ends_at[-1] * room
        side, nudge = ("end", -2) if at > WIDE / 2 else ("start", 0)
        parts.append(stroke((at, TOP - 1), (at, high + 2), color=WRONG, dash="4 3"))
        parts.append(word((at + nudge, high + 12), plot.limit_words, anchor=side, fill=WRONG))
    elif plot.y_label:
        parts.append(word((WIDE, high + 12), plot.y_label, anchor="end"))
    return picture(parts, (WIDE, high + 18), spoken=plot.spoken)


def _places(values: Sequence[float], *, log: bool) -> tuple[float, list[float]]:
    """Where zero lies, and where each bar ends, as shares of the room: a log scale has lengths alone."""
    low, high = min(0.0, *values), max(0.0, *values)
    if log or low == 0.0:
        return 0.0, _shares(values, log=log)
    return -low / (high - low), [(value - low) / (high - low) for value in values]


def _shares(values: Sequence[float], *, log: bool) -> list[float]:
    """Length of each bar as a share of the longest one's."""
    above = [abs(value) for value in values if value]
    if not above or not log:
        return [abs(value) / max(above, default=1.0) for value in values]
    low, high = math.log10(min(above)) - 0.5, math.log10(max(above))
    return [(math.log10(abs(value)) - low) / (high - low) if value else 0.0 for value in values]


def _strip(plot: _Read) -> str:
    """One cell a position, the darker the larger its value; in another colour where it is wrong."""
    largest = max([abs(value) for value in plot.y] + [1e-12])
    wide, high = WIDE / len(plot.y), 26.0
    names = plot.names or [_told(value) for value in plot.x]
    parts = [word((0, 11), plot.title, fill=INK, size=11)]
    for number, (value, name) in enumerate(zip(plot.y, names, strict=True)):
        color = WRONG if plot.is_wrong(value) else DRAWN
        corner, opacity = (number * wide, TOP - 2), 0.08 + 0.9 * abs(value) / largest
        parts.append(box(corner, (wide - 1, high), color=color, title=f"{name}: {_told(value)}", opacity=opacity))
    foot = TOP + high + 10
    parts += [word((0, foot), names[0]), word((WIDE, foot), names[-1], anchor="end")]
    parts.append(word((WIDE / 2, foot), plot.x_label, anchor="middle"))
    return picture(parts, (WIDE, foot + 6), spoken=plot.spoken)


DRAWERS = {"line": _line, "bars": _bars, "histogram": _histogram, "strip": _strip}
