"""Time is int64 nanoseconds UTC; this module turns it into intervals, years and text.

Annualisation: 365 days a year where bars run through weekends, else 252 sessions.
"""

import re
from datetime import UTC, datetime

from edgeproof.core.errors import ConfigError

__all__ = [
    "DAY_NS",
    "HOUR_NS",
    "bars_per_day",
    "bars_per_year",
    "interval_ns",
    "interval_text",
    "iso",
    "now_ns",
    "parse_time",
]

SECOND_NS = 1_000_000_000
HOUR_NS = 3600 * SECOND_NS
DAY_NS = 24 * HOUR_NS
_UNITS = {"s": SECOND_NS, "m": 60 * SECOND_NS, "h": HOUR_NS, "d": DAY_NS, "w": 7 * DAY_NS}


def interval_ns(text: str) -> int:
    """Length of an interval such as `15m`, `1h`, `1d` in nanoseconds."""
    match = re.fullmatch(r"(\d+)([smhdw])", text.strip().lower())
    if match is None or int(match[1]) == 0:
        raise ConfigError(f"interval {text!r} is not understood; write a number and s, m, h, d or w, as in 1h")
    return int(match[1]) * _UNITS[match[2]]


def interval_text(length_ns: int) -> str:
    """The shortest text of an interval: 3600e9 -> `1h`."""
    for unit in ("d", "h", "m", "s"):
        if length_ns % _UNITS[unit] == 0:
            return f"{length_ns // _UNITS[unit]}{unit}"
    raise ConfigError(f"interval of {length_ns} ns is not a whole number of seconds")


def bars_per_day(length_ns: int) -> int:
    """Bars that make up one day of trading round the clock, at least 1."""
    return max(1, DAY_NS // length_ns)


def bars_per_year(length_ns: int, calendar: str) -> float:
    """Bars a year: 365 days for `continuous` markets, 252 sessions for `sessions` (daily or longer bars)."""
    days = 365.0 if calendar == "continuous" else 252.0
    return days * DAY_NS / length_ns


def iso(time_ns: int) -> str:
    """`2024-03-01 02:00` UTC, with seconds only where they are not zero."""
    moment = datetime.fromtimestamp(int(time_ns) // SECOND_NS, UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S" if moment.second else "%Y-%m-%d %H:%M")


def parse_time(text: str) -> int:
    """Nanoseconds of an ISO date or time; times without a zone are UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"time {text!r} is not understood; write it as 2024-03-01 or 2024-03-01T02:00") from error
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return int(moment.timestamp()) * SECOND_NS


def now_ns() -> int:
    """The present moment."""
    return int(datetime.now(UTC).timestamp() * SECOND_NS)
