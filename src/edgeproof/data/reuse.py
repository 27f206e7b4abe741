"""A ticker that comes back after a halt as something else is two symbols: the first one ends at its last bar.

LUNA was halted for 438 hours in May 2022 and came back 20,000 times dearer: another coin. QUICK and SUN came back from
their halts redenominated 1:1000. Large moves without a halt are left alone: they happen.
"""

from collections.abc import Sequence

import numpy as np

from edgeproof.core.clock import DAY_NS, HOUR_NS, iso
from edgeproof.core.finding import Finding
from edgeproof.data.bars import Bars
from edgeproof.data.masks import bad_price
from edgeproof.data.swings import robust_volatility

__all__ = ["cut_reused", "reuse_points"]

HALT_BARS = 24  # within a day
HALT_DAYS = 10  # for daily bars: longer than any holiday
JUMP_LOG = 1.6  # 5 times
JUMP_VOLATILITIES = 10.0  # of a random walk over the halt


def reuse_points(bars: Bars, interval_ns: int) -> np.ndarray:
    """Index of each bar that begins a different symbol under the same ticker."""
    good = np.flatnonzero(~bad_price(bars.ohlcv))
    if good.size < 3:
        return np.empty(0, dtype=np.int64)
    slots = np.diff(bars.open_time[good]) / interval_ns
    jump = np.abs(np.log(bars.ohlcv[good[1:], 0] / bars.ohlcv[good[:-1], 3]))
    halt = slots * interval_ns >= (HALT_BARS * interval_ns if interval_ns < DAY_NS else HALT_DAYS * interval_ns)
    possible = np.maximum(JUMP_LOG, JUMP_VOLATILITIES * robust_volatility(bars.ohlcv[good, 3]) * np.sqrt(slots))
    return good[1:][halt & (jump > possible)]


def cut_reused(bars: Sequence[Bars], interval_ns: int) -> tuple[list[Bars], list[Finding]]:
    """The bars with every reused ticker cut: `LUNA` ends before its halt, `LUNA.2` begins after it."""
    taken = {item.symbol for item in bars}
    result: list[Bars] = []
    findings: list[Finding] = []
    for item in bars:
        points = reuse_points(item, interval_ns)
        if not points.size:
            result.append(item)
            continue
        edges = [0, *points.tolist(), len(item)]
        names = _names(item.symbol, len(points), taken)
        for name, start, stop in zip(names, edges[:-1], edges[1:], strict=True):
            times = item.open_time[start:stop], item.close_time[start:stop]
            origin = item.symbol if start else ""
            result.append(Bars(name, *times, item.ohlcv[start:stop], item.source, origin))
        findings.append(_cut(item, points, names[1:]))
    return result, findings


def _names(symbol: str, cuts: int, taken: set[str]) -> list[str]:
    names, number = [symbol], 2
    while len(names) <= cuts:
        name = f"{symbol}.{number}"
        if name not in taken:
            taken.add(name)
            names.append(name)
        number += 1
    return names


def _cut(bars: Bars, points: np.ndarray, names: Sequence[str]) -> Finding:
    good = np.flatnonzero(~bad_price(bars.ohlcv))
    last_good = good[np.searchsorted(good, points) - 1]
    before, after = bars.ohlcv[last_good, 3], bars.ohlcv[points, 0]
    hours = (bars.open_time[points] - bars.close_time[last_good]) / HOUR_NS
    last, first = iso(int(bars.close_time[last_good[0]])), iso(int(bars.open_time[points[0]]))
    claim = (
        f"{bars.symbol}: halted from {last} for {hours[0]:.0f} hours, then {after[0] / before[0]:.6g} times the price: "
        f"cut there; {bars.symbol} ends, {', '.join(names)} begins"
    )
    evidence = {
        "count": len(points),
        "times": [iso(int(bars.open_time[point])) for point in points],
        "halt_hours": hours.tolist(),
        "price_ratio": [float(ratio) for ratio in after / before],
        "symbols": list(names),
        "first_bar_after": first,
    }
    remedy = "nothing to do if it is another asset or a redenomination; else give the file one price scale"
    return Finding("quality.reuse", "warning", claim, evidence, bars.symbol, remedy)
