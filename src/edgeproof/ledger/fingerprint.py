"""Bars are recognised by what they say: a hash of each week's daily closes, whatever the names and the interval.

A print is the hash of the last close of each UTC day of one week (Monday to Sunday), rounded to 6 significant digits:
the same for hourly, 4-hourly and daily bars, and after a round trip through float32 in most weeks. Quarters of 13
weeks are printed beside them for bars longer than a day and for prices that hardly move in a week. The day of a bar is
that of its open time.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgeproof.core.clock import DAY_NS
from edgeproof.core.identity import sha_bytes, sha_json

__all__ = ["Fingerprints", "Print", "covers", "fingerprint_closes", "shares_bars"]

# T bars

Print = tuple[int, str]

_WEEK, _QUARTER = 7, 91
_MONDAY = 3  # 1970-01-01 was a Thursday: day number -3 was a Monday
# The closes of a week must tell at least this much, or strangers meet: a stablecoin of 5 ticks says 6 log2(6) = 15
# bits at most, an asset that moves 300 ticks in a week about 50.
_ENOUGH_BITS = 24.0


@dataclass(frozen=True)
class Fingerprints:
    """Prints of every symbol of a market; the names play no part in what the market is.

    Attributes:
        weeks: symbol -> prints `(start_ns, hash)` in order of time; empty where nothing can be recognised.
    """

    weeks: Mapping[str, tuple[Print, ...]]

    @cached_property
    def hash(self) -> str:
        """What the ledger calls this market: the same for a copy under other names."""
        return sha_json(self.to_json())

    @cached_property
    def prints(self) -> frozenset[str]:
        """All hashes of all symbols."""
        return frozenset(text for prints in self.weeks.values() for _, text in prints)

    def to_json(self) -> list[list[list[int | str]]]:
        """The prints without names, in an order that does not depend on names."""
        return sorted([list(one) for one in prints] for prints in self.weeks.values())

    @classmethod
    def from_json(cls, body: list[list[list[int | str]]]) -> "Fingerprints":
        """The prints that `to_json` wrote; symbols are numbered."""
        return cls({str(n): tuple((int(at), str(text)) for at, text in prints) for n, prints in enumerate(body)})


def shares_bars(a: Fingerprints, b: Fingerprints) -> bool:
    """Whether any symbol of one market has a week in common with any symbol of the other."""
    return not a.prints.isdisjoint(b.prints)


def covers(whole: Fingerprints, part: Fingerprints) -> bool:
    """Whether every recognisable symbol of `part` has a week in common with `whole`."""
    recognisable = [prints for prints in part.weeks.values() if prints]
    return bool(recognisable) and all(any(text in whole.prints for _, text in prints) for prints in recognisable)


def fingerprint_closes(open_time: np.ndarray, close: np.ndarray) -> tuple[Print, ...]:
    """Prints of one symbol's bars.

    A first or last week that the bars do not fill is left out unless nothing else is there: it would change with the
    next appended bar. Closes that are not positive numbers are passed over, as if the bar were missing.

    Args:
        open_time: i64[T] ns UTC.
        close: f64[T].

    Returns:
        `(start_ns, hash)` of every week, and of every quarter, that says enough to be recognised.
    """
    usable = np.isfinite(close) & (close > 0)
    time, price = open_time[usable], close[usable]
    if not len(time):
        return ()
    order = np.argsort(time, kind="stable")
    time, price = time[order], price[order]
    day = time // DAY_NS
    last = np.append(day[1:] != day[:-1], True)
    days, texts = day[last].tolist(), [format(value, ".5e") for value in price[last].tolist()]
    full = _filled(time)
    prints = [one for length in (_WEEK, _QUARTER) for one in _prints(days, texts, length, full)]
    if not prints:
        prints = list(_prints(days, texts, _WEEK, None))
    return tuple(prints or _whole(time, price))


def _filled(time: np.ndarray) -> tuple[int, int]:
    """First day from which, and day up to which, the bars are whole; the interval is the smallest step."""
    steps = np.diff(time)
    step = int(steps[steps > 0].min()) if (steps > 0).any() else 0
    return int(time[0]) // DAY_NS, (int(time[-1]) + step) // DAY_NS


def _prints(days: Sequence[int], texts: Sequence[str], length: int, full: tuple[int, int] | None) -> Iterator[Print]:
    """Prints of the blocks of `length` days that say enough and, where `full` is given, lie within those days."""
    begin = 0
    while begin < len(days):
        start = (days[begin] + _MONDAY) // length * length - _MONDAY
        end = begin
        while end < len(days) and days[end] < start + length:
            end += 1
        whole = full is None or (full[0] <= start and start + length <= full[1])
        if whole and _bits(texts[begin:end]) >= _ENOUGH_BITS:
            said = ",".join(f"{days[n] - start}:{texts[n]}" for n in range(begin, end))
            yield start * DAY_NS, _short_sha(f"{length}|{start}|{said}")
        begin = end


def _whole(time: np.ndarray, price: np.ndarray) -> list[Print]:
    """One print over every bar, for markets of a few days; only an exact copy meets it."""
    texts = [format(value, ".5e") for value in price.tolist()]
    if _bits(texts) < _ENOUGH_BITS:
        return []
    said = ",".join(f"{at}:{text}" for at, text in zip(time.tolist(), texts, strict=True))
    return [(int(time[0]), _short_sha(f"bars|{said}"))]


def _bits(texts: Sequence[str]) -> float:
    """How much closes tell at most: number of changes times log2 of the range in price steps (their common divisor)."""
    parts = [(int(text[0] + text[2:7]), int(text[8:])) for text in texts]  # 1.23456e+02 -> (123456, 2)
    lowest = min((exponent for _, exponent in parts), default=0)
    values = [digits * 10 ** (exponent - lowest) for digits, exponent in parts]
    moves = [b - a for a, b in itertools.pairwise(values) if a != b]
    if not moves:
        return 0.0
    return len(moves) * math.log2(1 + (max(values) - min(values)) // math.gcd(*moves))


def _short_sha(text: str) -> str:
    return sha_bytes(text.encode())[:16]
