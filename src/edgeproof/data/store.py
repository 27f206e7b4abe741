"""A market on disk: Parquet bars by symbol, the last fifth of the clock stored apart, and a manifest with every hash.

Layout: `manifest.json`, `quality.json`, `bars/<n>.parquet`, `sealed/<n>.parquet` (bars whose close lies in the last 20%
of the clock when the market was written), `truth/` and `sealed/truth/` likewise for known-truth markets,
`clock.parquet` (open times of all slots), `membership.json` (point-in-time universes only). The bars of `sealed/` are
read for a span that reaches into them, and for checks of the file itself, never otherwise.
"""

# T bars of one symbol

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeproof.core.clock import bars_per_year, iso
from edgeproof.core.errors import DataError
from edgeproof.core.files import read_json, staged_directory, write_json
from edgeproof.core.finding import Finding
from edgeproof.core.identity import canonical_json, sha_bytes, sha_json
from edgeproof.data.bars import OHLCV, Bars
from edgeproof.data.manifest import Manifest, SymbolEntry, content_hash, parse_manifest
from edgeproof.data.parquet import decode, encode
from edgeproof.ledger.fingerprint import Fingerprints, Print, fingerprint_closes
from edgeproof.ledger.span import Span

__all__ = ["SEALED_SHARE", "Manifest", "Market", "SymbolEntry", "clock_of", "open_market", "write_market"]

SEALED_SHARE = 5  # one bar in five of the clock, the last ones, is stored apart
TRUTH = ("p_up", "mean", "volatility")
Membership = Mapping[str, Sequence[tuple[int, int]]]


@dataclass(frozen=True)
class Market:
    """Bars on disk, opened: nothing is read until it is asked for.

    Attributes:
        manifest: what the market holds.
        path: its folder.
    """

    manifest: Manifest
    path: Path

    @property
    def symbols(self) -> tuple[str, ...]:
        """Names in the order of the manifest."""
        return tuple(entry.symbol for entry in self.manifest.symbols)

    @property
    def hash(self) -> str:
        """Content hash over every symbol's bars, interval and calendar."""
        return self.manifest.hash

    @property
    def start_ns(self) -> int:
        """Open time of the first bar."""
        return min(entry.first_ns for entry in self.manifest.symbols)

    @property
    def end_ns(self) -> int:
        """Close time of the last bar, the sealed ones included."""
        return max(entry.last_ns for entry in self.manifest.symbols)

    @property
    def bars_per_year(self) -> float:
        """Bars a year by the market's calendar."""
        return bars_per_year(self.manifest.interval_ns, self.manifest.calendar)

    def clock(self, end_ns: int | None = None) -> np.ndarray:
        """Open times i64[T] of the market's slots whose close lies at or before `end_ns` (default: all)."""
        times = self._columns("clock.parquet", ("open_time",))["open_time"]
        return times if end_ns is None else times[times + self.manifest.interval_ns <= end_ns]

    def bars(self, symbol: str, span: Span) -> Bars:
        """The symbol's bars that close within the span; sealed ones only where an opening allows them."""
        return self._read(symbol, _reach(span))

    def all_bars(self, symbol: str) -> Bars:
        """Every bar, for checks of the file itself (quality, fingerprints) and for nothing else."""
        return self._read(symbol, self.end_ns)

    def truth(self, symbol: str, span: Span) -> dict[str, np.ndarray] | None:
        """`p_up`, `mean`, `volatility` f64[T] aligned with `bars(symbol, span)`; None for real markets."""
        number = self._number(symbol)
        if f"truth/{number:05d}.parquet" not in self.manifest.files:
            return None
        whole = [self._columns(f"truth/{number:05d}.parquet", TRUTH)]
        if _reach(span) > self.manifest.apart_ns:
            whole.append(self._columns(f"sealed/truth/{number:05d}.parquet", TRUTH))
        keep = len(self.bars(symbol, span))
        return {name: np.concatenate([piece[name] for piece in whole])[:keep] for name in TRUTH}

    def fingerprints(self) -> Fingerprints:
        """Each symbol's week hashes, by which the ledger knows shared bars whatever the names."""
        return Fingerprints({symbol: self._prints(symbol) for symbol in self.symbols})

    def __repr__(self) -> str:
        entries = self.manifest.symbols
        return f"Market({str(self.path)!r}, {len(entries)} symbols, {sum(entry.bars for entry in entries):,} bars)"

    @property
    def identity(self) -> str:
        """Hash of the bars and of what is declared of the universe: a judgement belongs to both."""
        return sha_json([self.hash, self.manifest.universe, self.membership()])

    def findings(self) -> list[Finding]:
        """What the import found and repaired."""
        return [Finding.from_json(body) for body in read_json(self.path / "quality.json")]

    def membership(self) -> dict[str, list[tuple[int, int]]]:
        """Ticker -> [from, to) in ns UTC of a point-in-time universe; empty for the others."""
        if "membership.json" not in self.manifest.files:
            return {}
        body = json.loads(self._bytes("membership.json"))
        return {symbol: [(int(start), int(end)) for start, end in spans] for symbol, spans in body.items()}

    def _prints(self, symbol: str) -> tuple[Print, ...]:
        bars = self.all_bars(symbol)
        return fingerprint_closes(bars.open_time, bars.ohlcv[:, 3])

    def _number(self, symbol: str) -> int:
        try:
            return self.symbols.index(symbol)
        except ValueError as error:
            raise DataError(f"{self.path}: no symbol {symbol!r}; it has {', '.join(self.symbols[:8])} ...") from error

    def _read(self, symbol: str, end_ns: int) -> Bars:
        number = self._number(symbol)
        pieces = [self._columns(f"bars/{number:05d}.parquet", ("open_time", "close_time", *OHLCV))]
        if end_ns > self.manifest.apart_ns:
            pieces.append(self._columns(f"sealed/{number:05d}.parquet", ("open_time", "close_time", *OHLCV)))
        whole = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}
        keep = int(np.searchsorted(whole["close_time"], end_ns, side="right"))
        ohlcv = np.stack([whole[name][:keep] for name in OHLCV], axis=1)
        return Bars(symbol, whole["open_time"][:keep], whole["close_time"][:keep], ohlcv, self.manifest.source)

    def _columns(self, name: str, columns: Sequence[str]) -> dict[str, np.ndarray]:
        return decode(self._bytes(name), columns)

    def _bytes(self, name: str) -> bytes:
        path = self.path / name
        try:
            data = path.read_bytes()
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror}); import the market again") from error
        if sha_bytes(data) != self.manifest.files.get(name):
            raise DataError(f"{path}: altered since it was written (hash differs); import the market again")
        return data


def _reach(span: Span) -> int:
    return span.end_ns if span.opening is not None else min(span.end_ns, span.seal_ns)


def open_market(path: Path) -> Market:
    """The market in a folder; files are checked against their hashes when they are read.

    Raises:
        DataError: the folder is missing, holds no market, or its manifest was altered.
    """
    path = Path(path)
    if path.is_file():
        name = path.name.split(".")[0]
        raise DataError(
            f"{path}: a file, not a market; `edgeproof market import {path} --out markets/{name}` makes one"
        )
    if not path.is_dir():
        raise DataError(f"{path}: no such market folder; `edgeproof market import FILE --out {path}` makes one")
    if not (path / "manifest.json").is_file():
        raise DataError(f"{path}: no manifest.json, so not a market; `edgeproof market import` makes one")
    manifest = parse_manifest(path / "manifest.json")
    missing = [name for name in manifest.files if not (path / name).is_file()]
    if missing:
        raise DataError(f"{path / missing[0]}: missing from the market; import it again")
    return Market(manifest, path)


def write_market(  # noqa: PLR0913 - the facts of a market, each by name
    out: Path,
    bars: Sequence[Bars],
    *,
    interval_ns: int,
    calendar: str,
    universe: str,
    kind: str = "bars",
    source: str = "",
    truth: Mapping[str, object] | None = None,
    truth_arrays: Mapping[str, Mapping[str, np.ndarray]] | None = None,
    findings: Sequence[Finding] = (),
    membership: Membership | None = None,
) -> Market:
    """Write a market folder, whole or not at all, and open it.

    Args:
        out: a folder that does not exist or is empty.
        bars: one item a symbol, in the order they shall have.
        interval_ns: length of a bar; every close_time is open_time + interval.
        calendar: `continuous` or `sessions`.
        universe: `survivors`, `fixed` or `point_in_time` (with `membership`).
        kind: `bars` for real data, else the generator's name.
        source: where the bars came from, for people.
        truth: the generator's parameters.
        truth_arrays: symbol -> `p_up`, `mean`, `volatility`, each f64[T of that symbol].
        findings: what the import found.
        membership: ticker -> [from, to) in ns.

    Raises:
        DataError: no bars, bars off the clock or out of order, or a place that cannot be written.
    """
    _verify(bars, interval_ns, calendar)
    clock = clock_of(bars, interval_ns, calendar)
    apart_ns = int(clock[len(clock) - len(clock) // SEALED_SHARE - 1]) + interval_ns
    entries = tuple(_entry(item, apart_ns) for item in bars)
    with staged_directory(Path(out)) as stage:
        manifest = Manifest(
            interval_ns=interval_ns,
            calendar=calendar,
            universe=universe,
            kind=kind,
            source=source,
            symbols=entries,
            apart_ns=apart_ns,
            truth=dict(truth or {}),
            hash=content_hash(entries, interval_ns, calendar),
            files=_write_columns(stage, bars, clock, apart_ns, truth_arrays=truth_arrays, membership=membership),
        )
        write_json(stage / "manifest.json", manifest.to_json())
        write_json(stage / "quality.json", [finding.to_json() for finding in findings])
    return Market(manifest, Path(out))


def _write_columns(
    stage: Path,
    bars: Sequence[Bars],
    clock: np.ndarray,
    apart_ns: int,
    *,
    truth_arrays: Mapping[str, Mapping[str, np.ndarray]] | None,
    membership: Membership | None,
) -> dict[str, str]:
    """Write every data file; returns relative path -> SHA-256."""
    files: dict[str, str] = {}
    for number, item in enumerate(bars):
        cut = int(np.searchsorted(item.close_time, apart_ns, side="right"))
        _write_split(stage, files, f"{number:05d}.parquet", _table(item), cut, folder="bars")
        if truth_arrays is not None:
            _write_split(stage, files, f"{number:05d}.parquet", dict(truth_arrays[item.symbol]), cut, folder="truth")
    _write_file(stage, files, "clock.parquet", encode({"open_time": clock}))
    if membership is not None:
        body = {symbol: [list(span) for span in spans] for symbol, spans in membership.items()}
        _write_file(stage, files, "membership.json", canonical_json(body).encode())
    return files


def _verify(bars: Sequence[Bars], interval_ns: int, calendar: str) -> None:
    if not bars or not any(len(item) for item in bars):
        raise DataError("no bars to write; a market needs at least one symbol with bars")
    names = [item.symbol for item in bars]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"symbol {twice[0]!r} comes twice; give each symbol one series of bars")
    anchor = next(int(item.open_time[0]) for item in bars if len(item)) % interval_ns
    for item in bars:
        if not len(item):
            raise DataError(f"symbol {item.symbol!r} has no bars; leave it out")
        late = np.flatnonzero(np.diff(item.open_time) <= 0)
        if late.size:
            raise DataError(f"{item.symbol}: bars out of order at {iso(int(item.open_time[late[0] + 1]))}; sort them")
        if np.any(item.close_time != item.open_time + interval_ns):
            raise DataError(f"{item.symbol}: close_time is not open_time + {interval_ns} ns; give one interval")
        off = np.flatnonzero(item.open_time % interval_ns != anchor)
        if calendar == "continuous" and off.size:
            raise DataError(
                f"{item.symbol} {iso(int(item.open_time[off[0]]))}: not on the market's clock; drop the bar"
            )


def clock_of(bars: Sequence[Bars], interval_ns: int, calendar: str) -> np.ndarray:
    """Open times i64[T] of all slots: every interval of a `continuous` clock, the open times seen of `sessions`."""
    if calendar == "sessions":
        return np.unique(np.concatenate([item.open_time for item in bars]))
    start, last = min(int(item.open_time[0]) for item in bars), max(int(item.open_time[-1]) for item in bars)
    # not arange(start, last + 1, interval): its length is computed in floats and loses a bar beyond 2^53 ns
    return start + interval_ns * np.arange((last - start) // interval_ns + 1, dtype=np.int64)


def _table(bars: Bars) -> dict[str, np.ndarray]:
    prices = {name: bars.ohlcv[:, column] for column, name in enumerate(OHLCV)}
    return {"open_time": bars.open_time, "close_time": bars.close_time, **prices}


def _entry(bars: Bars, apart_ns: int) -> SymbolEntry:
    return SymbolEntry(
        symbol=bars.symbol,
        bars=len(bars),
        first_ns=int(bars.open_time[0]),
        last_ns=int(bars.close_time[-1]),
        sha=bars.sha,
        sealed_bars=int(np.count_nonzero(bars.close_time > apart_ns)),
        cut_from=bars.cut_from,
    )


def _write_split(
    stage: Path, files: dict[str, str], name: str, table: Mapping[str, np.ndarray], cut: int, *, folder: str
) -> None:
    sealed = "sealed" if folder == "bars" else f"sealed/{folder}"
    _write_file(stage, files, f"{folder}/{name}", encode({key: value[:cut] for key, value in table.items()}))
    _write_file(stage, files, f"{sealed}/{name}", encode({key: value[cut:] for key, value in table.items()}))


def _write_file(stage: Path, files: dict[str, str], name: str, data: bytes) -> None:
    (stage / name).parent.mkdir(parents=True, exist_ok=True)
    (stage / name).write_bytes(data)
    files[name] = sha_bytes(data)
