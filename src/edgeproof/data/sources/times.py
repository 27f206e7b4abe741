"""Any way to write a moment becomes int64 ns UTC: epochs in s, ms, us or ns (also mixed), dates, zones."""

import re

import numpy as np
import polars as pl

from edgeproof.core.errors import DataError
from edgeproof.core.finding import Finding

__all__ = ["parse_times"]

UNITS = (
    ("seconds", 1e11, 10**9),
    ("milliseconds", 1e14, 10**6),
    ("microseconds", 1e17, 10**3),
    ("nanoseconds", 1e20, 1),
)
EARLIEST_EPOCH = 10_000_000  # smaller numbers are counters, not moments (April 1970)
CLOCKS = ("", " %H:%M:%S", " %H:%M", " %H:%M:%S%.f", " %I:%M %p", " %I:%M:%S %p")
DATES = ("%Y-%m-%d", "%Y%m%d", "%d-%b-%Y", "%b %d, %Y", "%d %b %Y")
OFFSET = r"(?:Z|[+-]\d{2}:?\d{2})$"


def parse_times(values: pl.Series, rows: np.ndarray, where: str) -> tuple[np.ndarray, list[Finding]]:
    """Moments as i64[N] ns UTC, and what was noticed on the way.

    Args:
        values: numbers, text, dates or datetimes; without a zone they are UTC.
        rows: i64[N] line numbers for messages.
        where: file and column for messages.

    Raises:
        DataError: a value is empty or not understood; the text names its row.
    """
    if values.null_count():
        raise DataError(f"{where}, row {rows[values.is_null().arg_max() or 0]}: no time; fill it in or remove the row")
    if values.dtype in (pl.Date, pl.Datetime):
        zone = getattr(values.dtype, "time_zone", None)
        moments = values.cast(pl.Datetime("ns")) if zone is None else values.dt.convert_time_zone("UTC")
        return moments.dt.epoch("ns").to_numpy().astype(np.int64), []
    if values.dtype.is_numeric():
        return _whole_numbers(values, rows, where)
    return _text(values.cast(pl.String).str.strip_chars(), rows, where)


def _whole_numbers(values: pl.Series, rows: np.ndarray, where: str) -> tuple[np.ndarray, list[Finding]]:
    calendar = (values >= 19_000_101) & (values < 22_000_101)
    if calendar.all():  # 20190730
        return _text(values.cast(pl.Int64).cast(pl.String), rows, where)
    return _epochs(values.to_numpy(), rows, where)


def _text(text: pl.Series, rows: np.ndarray, where: str) -> tuple[np.ndarray, list[Finding]]:
    numeric = text.str.contains(r"^-?\d+(\.\d*)?$") & ~text.str.contains(r"^(19|20|21)\d{6}$")
    result = np.zeros(len(text), dtype=np.int64)
    findings: list[Finding] = []
    chosen = numeric.to_numpy()
    if chosen.any():
        numbers = text.filter(numeric)
        whole = numbers.cast(pl.Int64, strict=False)
        exact = whole if whole.null_count() == 0 else numbers.cast(pl.Float64)
        result[chosen], found = _epochs(exact.to_numpy(), rows[chosen], where)
        findings += found
    if not chosen.all():
        result[~chosen], found = _dates(text.filter(~numeric), rows[~chosen], where)
        findings += found
    return result, findings


def _epochs(values: np.ndarray, rows: np.ndarray, where: str) -> tuple[np.ndarray, list[Finding]]:
    size = np.abs(values.astype(np.float64))
    odd = ~np.isfinite(size) | ((values >= 0) & (size < EARLIEST_EPOCH)) | (size >= UNITS[-1][1])
    if odd.any():
        first = int(odd.argmax())
        raise DataError(f"{where}, row {rows[first]}: {values[first]} is not a time; give ISO dates or epoch seconds")
    unit = np.searchsorted([limit for _, limit, _ in UNITS], size, side="right")
    result = np.zeros(len(values), dtype=np.int64)
    for number, (_, _, scale) in enumerate(UNITS):
        here = unit == number
        if np.issubdtype(values.dtype, np.integer):
            result[here] = values[here].astype(np.int64) * scale
        else:  # a double holds microseconds of our time exactly, nanoseconds not
            result[here] = np.round(values[here] * (scale / 1000)).astype(np.int64) * 1000
    kinds = np.unique(unit)
    if len(kinds) < 2:
        return result, []
    counts = {UNITS[kind][0]: int(np.count_nonzero(unit == kind)) for kind in kinds}
    change = np.flatnonzero(np.diff(unit)) + 1
    evidence = {"count": len(values), "units": counts, "rows": rows[change[:10]].tolist()}
    claim = "epochs are written in " + " and ".join(f"{unit} ({count} rows)" for unit, count in counts.items())
    return result, [Finding("quality.epochs", "info", claim, evidence, where, "nothing to do: each row was converted")]


def _dates(text: pl.Series, rows: np.ndarray, where: str) -> tuple[np.ndarray, list[Finding]]:
    plain = text.str.replace(r"\s+(UTC|GMT)$", "Z").str.replace(r"^(\d{4}[-/]\d\d[-/]\d\d)T", "${1} ")
    has_zone = plain.str.contains(r":\d{2}(\.\d+)?\s*" + OFFSET) | plain.str.contains(r"\dZ$")
    zones = plain.str.extract(r"(Z|[+-]\d{2}:?\d{2})$")
    shift = np.where(has_zone.to_numpy(), _offsets(zones), 0)
    bare = pl.select(pl.when(has_zone).then(plain.str.replace(r"\s*" + OFFSET, "")).otherwise(plain)).to_series()
    bare = bare.str.replace_all("/", "-").str.replace(r"(?i)[ -](\d{1,2})-?\s?([AP]M)$", " ${1}:00 ${2}")
    parsed = pl.Series([None] * len(bare), dtype=pl.Datetime("ns"))
    for date in (*DATES, *_day_first(bare, text, rows, where)):
        for clock in CLOCKS:
            if parsed.null_count() == 0:
                break
            parsed = parsed.fill_null(bare.str.to_datetime(date + clock, strict=False, time_unit="ns"))
    if parsed.null_count():
        first = int(parsed.is_null().arg_max() or 0)
        raise DataError(
            f"{where}, row {rows[first]}: time {text[first]!r} is not understood; write 2024-03-01 02:00:00"
        )
    moments = parsed.dt.epoch("ns").to_numpy().astype(np.int64) - shift
    moved = np.flatnonzero(shift)
    if not moved.size:
        return moments, []
    evidence = {"count": int(moved.size), "rows": rows[moved[:10]].tolist()}
    claim = f"{moved.size} times carry a zone other than UTC and were converted"
    return moments, [Finding("quality.zones", "info", claim, evidence, where, "nothing to do")]


def _offsets(zones: pl.Series) -> np.ndarray:
    table = {None: 0, "Z": 0}
    for zone in zones.unique().drop_nulls().to_list():
        match = re.fullmatch(r"([+-])(\d{2}):?(\d{2})", zone)
        if match:
            minutes = int(match[2]) * 60 + int(match[3])
            table[zone] = (minutes if match[1] == "+" else -minutes) * 60 * 10**9
    return np.array([table[zone] for zone in zones.to_list()], dtype=np.int64)


def _day_first(bare: pl.Series, text: pl.Series, rows: np.ndarray, where: str) -> tuple[str, ...]:
    """Formats for 30.07.2019 (day first by convention) and 07-30-2019 (decided by the column's largest numbers)."""
    parts = bare.str.extract_groups(r"^(\d{1,2})-(\d{1,2})-\d{4}").struct.unnest().cast(pl.Int64)
    first, second = parts.to_series(0).max(), parts.to_series(1).max()
    if not isinstance(first, int) or not isinstance(second, int):
        return ("%d.%m.%Y",)
    if first <= 12 and second <= 12:
        at = int(parts.to_series(0).is_not_null().arg_max() or 0)
        raise DataError(f"{where}, row {rows[at]}: {text[at]!r} may be day or month first; write dates as 2024-03-01")
    return ("%d.%m.%Y", "%d-%m-%Y" if first > 12 else "%m-%d-%Y")
