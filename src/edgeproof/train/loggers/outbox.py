"""What is tracked lies in the run's folder first: a line a fact, in the order in which it was learned.

A line is whole or it is not there; from which line on a server has not heard is the sender's affair (`mlflow.py`), so
that nothing is lost with a server, and a run tracked into lines alone can be sent later.
"""

import json
import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgeproof.core.errors import DataError
from edgeproof.core.files import write_bytes
from edgeproof.train.loggers.card import Card
from edgeproof.train.loggers.scrub import scrub, scrubber

__all__ = ["Outbox"]

PARTS = ("fold",)  # whole numbers of a row that say which training of the run it belongs to


@dataclass
class Outbox:
    """The lines of one tracked run, and the small files beside them.

    Attributes:
        folder: `RUN/tracking`.
        lines: all of them, those of earlier processes included.
    """

    folder: Path
    lines: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder = Path(self.folder)
        self._hidden, self._bytes = scrubber(), -1
        self._told: dict[tuple[Any, ...], dict[str, float]] = {}
        self._tags: dict[str, str] = {}
        self.refresh()

    def refresh(self) -> None:
        """Read again what other processes of the same run have told meanwhile."""
        if self._bytes == (self.path.stat().st_size if self.path.is_file() else 0):
            return
        self.lines = self._read()
        self._bytes = self.path.stat().st_size if self.path.is_file() else 0
        self._told = {_place(line): line["values"] for line in self.lines if line["kind"] == "metrics"}
        self._tags = {}
        for line in self.lines:
            self._tags |= line.get("tags", {})

    @property
    def path(self) -> Path:
        """The file of lines."""
        return self.folder / "events.jsonl"

    def begin(self, card: Card) -> None:
        """Say what the run is; said once, whatever process asks again."""
        if any(line["kind"] == "run" for line in self.lines):
            return
        self._tags |= self._clean(card.tags())
        self._write({"kind": "run", "name": card.name, "tags": dict(self._tags), "params": self._clean(card.params())})

    @property
    def first(self) -> dict[str, Any]:
        """The line that says what the run is."""
        return next(line for line in self.lines if line["kind"] == "run")

    def row(self, row: Mapping[str, Any]) -> None:
        """An epoch's figures; those of an epoch that was told before are not written again."""
        parts = {key: int(row[key]) for key in PARTS if key in row}
        line = _metrics({key: row[key] for key in row if key not in ("epoch", *PARTS)}, int(row["epoch"]), parts)
        if _place(line) not in self._told:
            self._metrics(line)

    def figures(self, values: Mapping[str, Any]) -> None:
        """Figures of the run as a whole; written again where they have changed."""
        line = _metrics(values, 0, {})
        if self._told.get(_place(line)) != line["values"]:
            self._metrics(line)

    def tags(self, tags: Mapping[str, Any]) -> None:
        """Words about the run; of each the last one holds."""
        fresh = self._clean({key: str(value) for key, value in tags.items()})
        fresh = {key: value for key, value in fresh.items() if self._tags.get(key) != value}
        if fresh:
            self._tags |= fresh
            self._write({"kind": "tags", "tags": fresh})

    def data(self, name: str, digest: str, profile: str) -> None:
        """The data that the run reads: a name, a hash, and a line about them."""
        line = {"kind": "data", "name": self._clean(name), "digest": digest, "profile": self._clean(profile)}
        if not any(old["kind"] == "data" and old["digest"] == digest for old in self.lines):
            self._write(line)

    def text(self, path: str, text: str) -> None:
        """A small text, by its path among the run's artifacts; without home folders and secret variables."""
        self._file(path, scrub(text, self._hidden).encode())

    def json(self, path: str, value: Any) -> None:
        """A JSON-ready value, as `text`."""
        body = json.dumps(self._clean(value), indent=2, allow_nan=False, ensure_ascii=False)
        self._file(path, f"{body}\n".encode())

    def clean(self, text: str) -> bool:
        """Whether a text holds neither a home folder nor a secret variable."""
        return scrub(text, self._hidden) == text

    def as_it_is(self, path: str, source: Path) -> None:
        """A folder or file of the run that must not change in a byte; it stays where it is."""
        line = {"kind": "source", "path": path, "source": str(Path(source).relative_to(self.folder.parent))}
        if not any(all(old.get(key) == value for key, value in line.items()) for old in self.lines):
            self._write(line)

    def goes_on(self) -> None:
        """A run that had ended is taken up again."""
        self.end("RUNNING")

    def end(self, status: str) -> None:
        """`FINISHED`, `FAILED` or `KILLED`."""
        said = next((line["status"] for line in reversed(self.lines) if line["kind"] == "status"), "RUNNING")
        if status != said:
            self._write({"kind": "status", "status": status})

    def _clean(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: self._clean(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self._clean(inner) for inner in value]
        return scrub(value, self._hidden) if isinstance(value, str) else value

    def _metrics(self, line: dict[str, Any]) -> None:
        if line["values"]:
            self._told[_place(line)] = line["values"]
            self._write(line)

    def _file(self, path: str, data: bytes) -> None:
        place = self.folder / "files" / path
        known = any(line["kind"] == "file" and line["path"] == path for line in self.lines)
        if known and place.is_file() and place.read_bytes() == data:
            return
        write_bytes(place, data)
        self._write({"kind": "file", "path": path})

    def _write(self, line: dict[str, Any]) -> None:
        line = {"time_ms": time.time_ns() // 1_000_000, **line}
        text = json.dumps(line, allow_nan=False, ensure_ascii=False) + "\n"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            begun = "" if _ends_in_a_line(self.path) else "\n"
            with self.path.open("ab") as stream:
                self._bytes += stream.write(f"{begun}{text}".encode())
        except OSError as error:
            raise DataError(
                f"{self.path}: cannot be written ({error.strerror}); free space or choose another --out"
            ) from error
        self.lines.append(line)

    def _read(self) -> list[dict[str, Any]]:
        """The whole lines; what a cut of power left of one is none."""
        found = []
        for text in self.path.read_bytes().split(b"\n") if self.path.is_file() else ():
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if isinstance(line, dict) and "kind" in line:
                found.append(line)
        return found


def _ends_in_a_line(path: Path) -> bool:
    if not path.is_file() or not path.stat().st_size:
        return True
    with path.open("rb") as stream:
        stream.seek(-1, os.SEEK_END)
        return stream.read() == b"\n"


def _metrics(values: Mapping[str, Any], step: int, parts: Mapping[str, int]) -> dict[str, Any]:
    numbers = {key: float(value) for key, value in values.items() if _is_number(value)}
    return {"kind": "metrics", "step": step, "parts": dict(parts), "values": numbers}


def _place(line: Mapping[str, Any]) -> tuple[Any, ...]:
    """What tells one row of figures from another."""
    return (line["step"], *sorted(line["parts"].items()), *sorted(line["values"]))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
