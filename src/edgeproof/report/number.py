"""How a figure is written: one rule for each unit, and a dash with its reason where there is none."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeGuard

from edgeproof.core.clock import iso

__all__ = ["DASH", "MINUS", "chance_words", "clip", "date_text", "get", "humanise", "is_number", "show", "time_ms"]

DASH = "\u2014"
MINUS = "\u2212"
MAX_TEXT = 240
SECOND_MS = 1000


def is_number(value: Any) -> TypeGuard[int | float]:
    """Whether the value is a finite number (booleans are not)."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def clip(text: Any, limit: int = MAX_TEXT) -> str:
    """The text, cut with an ellipsis where it is longer than `limit` characters."""
    whole = str(text)
    return whole if len(whole) <= limit else whole[: limit - 1].rstrip() + "…"


def _chance(value: float) -> str:
    if value >= 0.9995:
        return "> 0.999" if value < 1 else "1.000"
    return "< 0.001" if 0 <= value < 0.001 else f"{value:.3f}"


def _plain(value: float) -> str:
    size = abs(value)
    if value == int(value) and size < 1e15:
        return f"{value:,.0f}"
    if size >= 1000:
        return f"{value:,.0f}"
    if size < 0.001:
        return f"{value:.1e}"
    if size < 0.01:
        return f"{value:.2g}"
    return f"{value:.3f}" if size < 10 else f"{value:.1f}"


_RULES = {
    "ratio": lambda value: f"{value:,.2f}",
    "score": lambda value: f"{value:.3f}",
    "loss": lambda value: f"{value:.4f}",
    "percent": lambda value: f"{value:,.0%}" if abs(value) >= 10 else f"{value:.1%}",
    "chance": _chance,
    "count": lambda value: f"{value:,.0f}",
    "fine": lambda value: f"{value:.2%}",
    "tenth": lambda value: f"{value:,.1f}",
    "bps": lambda value: f"{value:.1f} bps",
    "share_bps": lambda value: f"{value * 1e4:.1f} bps",
    "bars": lambda value: f"{value:,.0f} {'bar' if value == 1 else 'bars'}",
    "times": lambda value: f"{value:,.0f}" if abs(value) >= 10 else f"{value:.1f}",
    "seconds": lambda value: f"{value:,.0f} s" if value >= 10 else f"{value:.1f} s",
    "plain": _plain,
}


def show(value: Any, kind: str = "plain") -> str:
    """Text of one figure: `ratio` 1.23, `percent` 4.5%, `chance` < 0.001, `count` 1,234; absent or NaN is a dash."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return clip(value)
    if not is_number(value):
        return DASH
    text = _RULES[kind](float(value))
    if text.startswith("-"):
        return MINUS + text[1:] if any(digit in text for digit in "123456789") else text[1:]
    return text


def chance_words(value: Any) -> str:
    """A probability within a sentence: `0.041`, `below 0.001`, `above 0.999` (also for 1, which no count proves)."""
    return show(value, "chance").replace("1.000", "> 0.999").replace("< ", "below ").replace("> ", "above ")


def humanise(key: str) -> str:
    """`max_drawdown` becomes `Max drawdown`."""
    text = clip(key, 60).replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def get(body: Mapping[str, Any] | None, *path: str) -> Any:
    """The value at a path of keys, None where any of them is absent."""
    value: Any = body
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def time_ms(value: Any) -> int | None:
    """Milliseconds UTC of an ISO text, a datetime or int64 nanoseconds; None where it is none of them."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, datetime):
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value
        return round(moment.timestamp() * SECOND_MS)
    return int(value) // 1_000_000 if is_number(value) else None


def date_text(value: Any, *, clock: bool = False) -> str:
    """`2024-03-01`, with the hour and minute if `clock`; a dash where there is no time."""
    ms = time_ms(value)
    return DASH if ms is None else iso(ms * 1_000_000)[: None if clock else 10]
