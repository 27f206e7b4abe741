"""From rows as they came to bars in order: sorted, each moment once, on one clock, the last bar closed."""

# N rows of one symbol

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from edgeproof.core.clock import DAY_NS, iso
from edgeproof.core.errors import DataError
from edgeproof.core.finding import Finding
from edgeproof.data.bars import OHLCV, Bars
from edgeproof.data.cadence import infer_calendar, infer_interval, off_clock, to_dates
from edgeproof.data.unclosed import Retrieval, unclosed

__all__ = ["Arranged", "arrange"]

EXAMPLES = 10
MATERIAL = 1e-3  # closes that differ by more than rounding
MANY = 0.05


@dataclass(frozen=True)
class Arranged:
    """Bars of every symbol, their interval and calendar, and every repair as a finding."""

    bars: list[Bars]
    findings: list[Finding]
    interval_ns: int
    calendar: str


@dataclass(frozen=True)
class _Rows:
    """Rows of one symbol: time i64[N], ohlcv f64[N, 5], row i64[N] line numbers, file i64[N]."""

    symbol: str
    time: np.ndarray
    ohlcv: np.ndarray
    row: np.ndarray
    file: np.ndarray

    def keep(self, chosen: np.ndarray) -> "_Rows":
        """The rows that a mask or an index chooses."""
        return _Rows(self.symbol, self.time[chosen], self.ohlcv[chosen], self.row[chosen], self.file[chosen])

    def evidence(self, chosen: np.ndarray, files: Sequence[str]) -> dict[str, Any]:
        """Count, first times, and first rows (with the file's name where there are several)."""
        first = np.flatnonzero(chosen)[:EXAMPLES] if chosen.dtype == bool else chosen[:EXAMPLES]
        count = int(np.count_nonzero(chosen)) if chosen.dtype == bool else len(chosen)
        rows = [f"{files[int(self.file[n])]}:{self.row[n]}" if len(files) > 1 else int(self.row[n]) for n in first]
        return {"count": count, "times": [iso(int(self.time[n])) for n in first], "rows": rows}


def arrange(long: pl.DataFrame, files: Sequence[str], retrieval: Retrieval) -> Arranged:
    """Bars from the long table (symbol, time, open, high, low, close, volume, row, file), rows in source order.

    Two rows of one symbol and time: if equal, one is dropped; if not, the one kept is complete and has the larger
    volume (a bar saved before its close has traded less), and of those the last in the source.

    Raises:
        DataError: a single bar, intervals that differ between symbols, or bars on no common clock.
    """
    parts = [_rows(part) for part in long.partition_by("symbol", maintain_order=True)]
    interval_ns = infer_interval([(part.symbol, part.time) for part in parts], files[0])
    findings: list[Finding] = []
    if interval_ns >= DAY_NS:
        parts = [_dated(part, files, findings) for part in parts]
    parts = [_ordered(part, files, findings) for part in parts]
    parts = [_once(part, files, findings) for part in parts]
    calendar = infer_calendar([part.time for part in parts], interval_ns)
    if calendar == "continuous":
        parts = _on_clock(parts, interval_ns, files, findings)
    parts = _closed(parts, interval_ns, files, retrieval, findings)
    if sum(len(part.time) for part in parts) < 2:
        raise DataError(f"{files[0]}: fewer than two bars; a market needs a history")
    source = ", ".join(files[:3]) + (f" and {len(files) - 3} more" if len(files) > 3 else "")
    bars = [Bars(part.symbol, part.time, part.time + interval_ns, part.ohlcv, source) for part in parts]
    return Arranged(bars, findings, interval_ns, calendar)


def _rows(part: pl.DataFrame) -> _Rows:
    ohlcv = np.ascontiguousarray(part.select(OHLCV).to_numpy())
    row, file = part["row"].to_numpy(), part["file"].to_numpy()
    return _Rows(str(part["symbol"][0]), part["time"].to_numpy(), ohlcv, row, file)


def _dated(part: _Rows, files: Sequence[str], findings: list[Finding]) -> _Rows:
    dates = to_dates(part.time)
    moved = dates != part.time
    if not moved.any():
        return part
    claim = f"{part.symbol}: {np.count_nonzero(moved)} bars stamped with a time of day were set to their date"
    evidence = part.evidence(moved, files)
    findings.append(Finding("quality.dates", "info", claim, evidence, part.symbol, "nothing to do"))
    return _Rows(part.symbol, dates, part.ohlcv, part.row, part.file)


def _ordered(part: _Rows, files: Sequence[str], findings: list[Finding]) -> _Rows:
    step, within = np.diff(part.time), np.diff(part.file) == 0
    up, down = (step > 0) & within, (step < 0) & within
    breaks = down if up.sum() >= down.sum() else up
    if down.any() and not up.any():
        claim = f"{part.symbol}: rows are newest first and were reversed"
        evidence = {"count": len(part.time)}
        findings.append(Finding("quality.order", "info", claim, evidence, part.symbol, "nothing to do"))
    elif breaks.any():
        at = np.concatenate([[False], breaks])
        claim = f"{part.symbol}: the order of time breaks {np.count_nonzero(at)} times; rows were sorted"
        remedy = "look at these rows: a splice of two exports often repeats or shifts bars"
        findings.append(Finding("quality.order", "warning", claim, part.evidence(at, files), part.symbol, remedy))
    return part


def _once(part: _Rows, files: Sequence[str], findings: list[Finding]) -> _Rows:
    complete = np.isfinite(part.ohlcv).all(axis=1)
    volume = np.nan_to_num(part.ohlcv[:, 4], nan=-1.0)
    ordered = part.keep(np.lexsort((np.arange(len(part.time)), volume, complete, part.time)))
    last = np.concatenate([ordered.time[1:] != ordered.time[:-1], [True]])
    if last.all():
        return ordered
    keeper = np.flatnonzero(last)[np.cumsum(np.concatenate([[0], last[:-1]])).astype(np.int64)]
    mine, kept = ordered.ohlcv, ordered.ohlcv[keeper]
    differs = ((mine != kept) & ~(np.isnan(mine) & np.isnan(kept))).any(axis=1)
    same = ~last & ~differs
    if same.any():
        claim = f"{part.symbol}: {np.count_nonzero(same)} repeated rows were dropped"
        evidence = ordered.evidence(same, files)
        findings.append(Finding("quality.duplicates", "info", claim, evidence, part.symbol, "nothing to do"))
    if differs.any():
        findings.append(_conflict(ordered, differs, keeper, files))
    return ordered.keep(last)


def _conflict(part: _Rows, differs: np.ndarray, keeper: np.ndarray, files: Sequence[str]) -> Finding:
    close, kept = part.ohlcv[differs, 3], part.ohlcv[keeper[differs], 3]
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = np.abs(close / kept - 1)
    material = int(np.count_nonzero(~(apart <= MATERIAL)))
    finite = apart[np.isfinite(apart)]
    evidence = part.evidence(differs, files)
    evidence["kept_rows"] = [int(row) for row in part.row[keeper[differs]][:EXAMPLES]]
    evidence["closes_apart"] = material
    evidence["largest_difference"] = float(finite.max()) if finite.size else None
    claim = (
        f"{part.symbol}: {evidence['count']} rows contradict another row of the same time, {material} of them by more "
        "than 0.1% of the close; kept was the complete row with the larger volume"
    )
    level = "error" if material > MANY * len(part.time) else "warning"
    remedy = "compare with another source; if the wrong rows were kept, remove them and import again"
    return Finding("quality.conflicts", level, claim, evidence, part.symbol, remedy)


def _on_clock(parts: list[_Rows], interval_ns: int, files: Sequence[str], findings: list[Finding]) -> list[_Rows]:
    off = off_clock([part.time for part in parts], interval_ns)
    kept = []
    for part, away in zip(parts, off, strict=True):
        if np.count_nonzero(away) > MANY * len(away):
            example = part.evidence(away, files)["rows"]
            raise DataError(
                f"{part.symbol}: {np.count_nonzero(away)} of {len(away)} bars lie off the common clock "
                f"(rows {example}); import bars of one interval and one offset"
            )
        if away.any():
            claim = f"{part.symbol}: {np.count_nonzero(away)} bars that do not open on the clock were dropped"
            evidence = part.evidence(away, files)
            findings.append(Finding("quality.clock", "warning", claim, evidence, part.symbol, "check their times"))
        kept.append(part.keep(~away))
    return kept


def _closed(
    parts: list[_Rows], interval_ns: int, files: Sequence[str], retrieval: Retrieval, findings: list[Finding]
) -> list[_Rows]:
    kept = []
    ends = {file: max(int(part.time[-1]) for part in parts if part.file[-1] == file) for file in range(len(files))
            if any(part.file[-1] == file for part in parts)}  # fmt: skip
    for part in parts:
        file = int(part.file[-1])
        late, reason = unclosed(part.time, interval_ns, retrieval, file, ends[file])
        if late.any():
            claim = f"{part.symbol}: {np.count_nonzero(late)} bars dropped at the end: {reason}"
            evidence = part.evidence(late, files)
            findings.append(Finding("quality.unclosed", "info", claim, evidence, part.symbol, "nothing to do"))
        if not late.all():
            kept.append(part.keep(~late))
    return kept
