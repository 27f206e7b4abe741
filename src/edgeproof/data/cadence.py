"""Interval and calendar of bars, read from their times alone."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from edgeproof.core.clock import DAY_NS, interval_text
from edgeproof.core.errors import DataError

__all__ = ["infer_calendar", "infer_interval", "off_clock", "to_dates"]

ENOUGH_BARS = 20  # fewer do not tell a symbol's interval
MANY = 0.05
MOST_OF_A_DAY = 0.75
WEEKEND_SHARE = 0.15  # 2/7 of a round-the-clock week; Sunday evenings of currency markets are 0.03


def infer_interval(times: Sequence[tuple[str, np.ndarray]], where: str) -> int:
    """The most frequent distance of neighbouring bars, in ns.

    Args:
        times: (symbol, i64[T] open times in any order).
        where: for the error.

    Raises:
        DataError: nothing to measure, symbols of different intervals, or bars of changing length such as months.
    """
    distances: Counter[int] = Counter()
    own: dict[str, int] = {}
    for symbol, time in times:
        step, count = np.unique(np.diff(np.unique(time)), return_counts=True)
        distances.update(dict(zip(step.tolist(), count.tolist(), strict=True)))
        if count.sum() >= ENOUGH_BARS:
            own[symbol] = int(step[count.argmax()])
    if not distances:
        raise DataError(f"{where}: only one bar a symbol, so no interval; a market needs a history")
    interval = max(distances, key=lambda step: (distances[step], -step))
    other = next((symbol for symbol, step in own.items() if step != interval), None)
    if other is not None:
        raise DataError(
            f"{where}: bars of {interval_text(interval)} and, for {other}, of {interval_text(own[other])}; "
            "import each interval as a market of its own"
        )
    shorter = sum(count for step, count in distances.items() if step < interval)
    if interval > DAY_NS and shorter > MANY * sum(distances.values()):
        raise DataError(f"{where}: bars of changing length (months?); import bars of a fixed length up to a week")
    interval_text(interval)
    return interval


def infer_calendar(times: Sequence[np.ndarray], interval_ns: int) -> str:
    """`continuous` where bars run through weekends (or nights, for less than a week of bars), else `sessions`."""
    if interval_ns >= 7 * DAY_NS:
        return "continuous"
    whole = np.concatenate(times)
    if whole.max() - whole.min() < 7 * DAY_NS:
        unbroken = (np.diff(np.unique(whole)) == interval_ns).all()
        hours = len(np.unique(whole % DAY_NS // interval_ns)) * interval_ns / DAY_NS
        round_the_clock = unbroken or hours > MOST_OF_A_DAY
        return "continuous" if interval_ns < DAY_NS and round_the_clock else "sessions"
    weekend = (whole // DAY_NS + 3) % 7 >= 5  # 1970-01-01 was a Thursday; Monday is 0
    return "continuous" if weekend.mean() >= WEEKEND_SHARE else "sessions"


def to_dates(time: np.ndarray) -> np.ndarray:
    """Daily bars stamped at a local midnight (05:00 and 04:00 UTC through the year) become their date at 00:00 UTC."""
    of_day = time % DAY_NS
    if (of_day == of_day[0]).all() and not 0 < of_day[0] < DAY_NS:
        return time
    return (time + DAY_NS // 2) // DAY_NS * DAY_NS


def off_clock(times: Sequence[np.ndarray], interval_ns: int) -> list[np.ndarray]:
    """bool[T] for each symbol: bars that do not open at the offset of most bars within the interval."""
    offsets = [time % interval_ns for time in times]
    value, count = np.unique(np.concatenate(offsets), return_counts=True)
    return [offset != value[count.argmax()] for offset in offsets]
