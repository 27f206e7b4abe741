"""The ledger is one append-only file of rows, each sealed by its hash and chained to the row before it.

`.edgeproof/ledger.jsonl` holds one row a line, its SHA-256 last and taken over the bytes before it. Readers verify the
whole chain. Writers hold a lock, verify the row they chain to, write, fsync, and then move `ledger.head`, which says
how far the file reached: rows cut off at the end are missed by it. A line that a kill tore is no row and is cut off by
the next writer.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from edgeproof.core.clock import iso, now_ns
from edgeproof.core.errors import DataError, LedgerError
from edgeproof.core.files import write_bytes
from edgeproof.core.identity import canonical_json, sha_bytes
from edgeproof.ledger.workspace import FOLDER

__all__ = ["Entry", "Ledger", "Row"]

Entry = tuple[str, dict[str, Any]]

_FIRST = "0" * 64
_TAIL = len(',"hash":""}') + 64  # what a line has after the bytes that its hash covers
_LOCK_SECONDS = 60.0
_RESTORE = "restore the workspace's .edgeproof folder from a copy"


@dataclass(frozen=True)
class Row:
    """One thing that was done.

    Attributes:
        seq: place in the ledger, from 0.
        kind: `ledger` (the first row), `market`, `training`, `trial`, `candidate`, `opening`, `reseal`.
        time_ns: when it was written, ns UTC by the machine's clock; the order of rows is `seq`, not this.
        body: JSON-ready content.
        prev: hash of the row before; zeros for the first.
        hash: SHA-256 over all of the above.
    """

    seq: int
    kind: str
    time_ns: int
    body: dict[str, Any]
    prev: str
    hash: str


class Ledger:
    """The ledger of one workspace; nothing is created before the first row.

    Args:
        workspace: its folder.
        writes: false for a process that works for another one, which writes for both: it reads, and adds no row.
    """

    def __init__(self, workspace: Path, *, writes: bool = True) -> None:
        self.workspace = Path(workspace)
        self.writes = writes
        self.folder = self.workspace / FOLDER
        self.path = self.folder / "ledger.jsonl"
        self._head_path = self.folder / "ledger.head"

    def returns_path(self, sha: str) -> Path:
        """Where the returns file of this hash lies."""
        return self.folder / "returns" / f"{sha}.parquet"

    def fingerprints_path(self, market: str) -> Path:
        """Where the prints of this market lie."""
        return self.folder / "fingerprints" / f"{market}.json"

    def rows(self, kind: str | None = None) -> list[Row]:
        """All rows, or those of one kind, after verifying the whole chain.

        Raises:
            LedgerError: a row was edited, removed or moved (it is named), or the file cannot be read.
        """
        head = self._head()  # before the rows: a writer moves it after them
        data = self._bytes()
        if head is None and data and self._head() is not None:  # the first writer came in between: look again
            return self.rows(kind)
        rows = list(self._chain(data[: data.rfind(b"\n") + 1]))
        self._check_head(head, rows)
        return rows if kind is None else [row for row in rows if row.kind == kind]

    def verify(self) -> int:
        """Number of rows of a sound ledger; raises `LedgerError` as `rows` does."""
        return len(self.rows())

    def born_ns(self) -> int | None:
        """When the ledger's first row was written; None where there is no ledger yet."""
        rows = self.rows()
        return rows[0].time_ns if rows else None

    def append(self, kind: str, body: dict[str, Any]) -> Row:
        """Append one row; it is on disk when this returns."""
        return self.append_many([(kind, body)])[0]

    def append_many(self, entries: Sequence[Entry]) -> list[Row]:
        """Append rows in order, under one lock and one fsync.

        Raises:
            LedgerError: the workspace cannot be written, is held by another process, or its tail is not sound.
        """
        if not self.writes:
            return []
        with self._locked():
            return self._write(entries)

    def extend(self, decide: Callable[[list[Row]], Sequence[Entry]]) -> list[Row]:
        """Append what `decide` answers to the verified rows, with no other writer in between."""
        if not self.writes:
            return []
        with self._locked():
            entries = decide(self.rows())
            return self._write(entries) if entries else []

    def export(self, rows: Sequence[Row], path: Path) -> None:
        """Write rows to a Parquet file: seq, kind, time, body (JSON text), prev, hash."""
        import io

        import polars as pl

        frame = pl.DataFrame(
            {
                "seq": [row.seq for row in rows],
                "kind": [row.kind for row in rows],
                "time": [row.time_ns for row in rows],
                "body": [canonical_json(row.body) for row in rows],
                "prev": [row.prev for row in rows],
                "hash": [row.hash for row in rows],
            },
            schema={"seq": pl.Int64, "kind": pl.String, "time": pl.Int64}
            | dict.fromkeys(("body", "prev", "hash"), pl.String),
        ).with_columns(pl.col("time").cast(pl.Datetime("ns", "UTC")))
        stream = io.BytesIO()
        frame.write_parquet(stream)
        write_bytes(path, stream.getvalue())

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._writable():
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(str(self.folder / "ledger.lock"), timeout=_LOCK_SECONDS)
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def _writable(self) -> Iterator[None]:
        try:
            yield
        except Timeout as error:
            raise LedgerError(
                f"{self.path}: another process has held the ledger for {_LOCK_SECONDS:.0f} s; wait for it or end it"
            ) from error
        except (OSError, DataError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise LedgerError(
                f"{self.folder}: the ledger cannot be written ({reason}); "
                "free space, or choose a folder that you can write to with --workspace"
            ) from error

    def _write(self, entries: Sequence[Entry]) -> list[Row]:
        with self._writable():
            tail, size = self._sound_tail()
            rows = list(_chained(tail, entries))
            if tail is None:
                self._set_head(-1, _FIRST)
            with self.path.open("r+b" if self.path.exists() else "w+b") as stream:
                stream.truncate(size)  # a line that a kill tore
                stream.seek(size)
                try:
                    stream.write(b"".join(line for line, _ in rows))
                    stream.flush()
                    os.fsync(stream.fileno())
                except OSError:
                    os.truncate(self.path, size)
                    raise
            last = rows[-1][1]
            self._set_head(last.seq, last.hash)
        return [row for _, row in rows][-len(entries) :]

    def _sound_tail(self) -> tuple[Row | None, int]:
        """The last row, verified against itself and the head, and the size of the file up to its end."""
        head = self._head()
        line, size = _last_line(self.path)
        tail = _intact(line)
        if head is not None and tail is not None and (head["seq"], head["hash"]) == (tail.seq, tail.hash):
            return tail, size
        rows = self.rows()  # the head lags after a kill, or something is wrong: look at everything
        return (rows[-1] if rows else None), size

    def _head(self) -> dict[str, Any] | None:
        try:
            head = json.loads(self._head_path.read_bytes())
            return {"seq": int(head["seq"]), "hash": str(head["hash"])}
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LedgerError(f"{self._head_path}: not readable ({error}); {_RESTORE}") from error

    def _set_head(self, seq: int, sha: str) -> None:
        write_bytes(self._head_path, canonical_json({"seq": seq, "hash": sha}).encode())

    def _check_head(self, head: dict[str, Any] | None, rows: Sequence[Row]) -> None:
        if head is None:
            if rows:
                raise LedgerError(f"{self._head_path}: removed, so rows may have been cut off; {_RESTORE}")
            return
        seq = head["seq"]
        if seq >= len(rows):
            raise LedgerError(
                f"{self.path}: ends at row {len(rows) - 1} but reached row {seq}; "
                f"rows were removed at its end; {_RESTORE}"
            )
        if seq >= 0 and rows[seq].hash != head["hash"]:
            raise LedgerError(f"{self.path}: row {seq} is not the one that was written; {_RESTORE}")

    def _bytes(self) -> bytes:
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise LedgerError(f"{self.path}: cannot be read ({error.strerror}); check the workspace") from error

    def _chain(self, data: bytes) -> Iterator[Row]:
        prev = _FIRST
        for seq, line in enumerate(data.split(b"\n")[:-1]):
            row = _intact(line)
            if row is None:
                raise LedgerError(
                    f"{self.path}: row {seq} was edited after it was written: {_looks_like(line)}; {_RESTORE}"
                )
            if row.seq != seq or row.prev != prev:
                raise LedgerError(
                    f"{self.path}: row {seq} does not follow the row before it (a row was removed, added or moved; "
                    f"the row found there calls itself {row.seq}, {row.kind} of {iso(row.time_ns)}); {_RESTORE}"
                )
            prev = row.hash
            yield row


def _intact(line: bytes) -> Row | None:
    """The row of a line, None if its hash does not cover it."""
    body, tail = line[:-_TAIL] + b"}", line[-_TAIL:]
    if tail != f',"hash":"{sha_bytes(body)}"}}'.encode():
        return None
    try:
        return Row(**json.loads(line))
    except (ValueError, TypeError):
        return None  # hashed, but not by this program: as good as edited


def _chained(tail: Row | None, entries: Sequence[Entry]) -> Iterator[tuple[bytes, Row]]:
    """Lines and rows that follow `tail`; a new ledger begins with a row of its own."""
    seq, prev = (0, _FIRST) if tail is None else (tail.seq + 1, tail.hash)
    opening: list[Entry] = [("ledger", {"format": 1})] if tail is None else []
    for kind, body in (*opening, *entries):
        text = canonical_json({"seq": seq, "kind": kind, "time_ns": now_ns(), "body": body, "prev": prev})
        sha = sha_bytes(text.encode())
        line = f'{text[:-1]},"hash":"{sha}"}}'
        yield line.encode() + b"\n", Row(**json.loads(line))
        seq, prev = seq + 1, sha


def _last_line(path: Path) -> tuple[bytes, int]:
    """The last whole line of a file without its end, and the offset after it; (b"", 0) where there is none."""
    if not path.exists():
        return b"", 0
    with path.open("rb") as stream:
        size, block = stream.seek(0, os.SEEK_END), 1 << 14
        while True:
            start = max(0, size - block)
            stream.seek(start)
            data = stream.read(size - start)
            end = data.rfind(b"\n")
            begin = data.rfind(b"\n", 0, max(end, 0)) + 1
            if begin > 0 or start == 0:
                return (data[begin:end], start + end + 1) if end >= 0 else (b"", 0)
            block *= 4


def _looks_like(line: bytes) -> str:
    text = line.decode(errors="replace")
    return text if len(text) <= 80 else f"{text[:77]}..."
