"""Where a search is kept: a journal beside its trials, any database that Optuna knows, or nowhere but in memory.

The journal is the default: 20 trials of 8 settings and 10 epochs cost 0.2 s of processor time in it and 1.8 s in SQLite
(2026-11-21), it needs no migrations, and several processes of one machine or of one shared disk may write to it.
"""

import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from filelock import FileLock
from optuna.exceptions import OptunaError
from optuna.storages import BaseStorage, InMemoryStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from edgeproof.core.errors import DataError, OptionError

__all__ = ["JOURNAL", "MEMORY", "open_storage", "shown", "stays_in_memory"]

JOURNAL = "study.journal"
MEMORY = "memory"
_UNUSABLE = (SQLAlchemyError, OptunaError, ImportError, ValueError, OSError, RuntimeError)


class _KernelLock:
    """A lock that ends with its process, however that ends."""

    def __init__(self, path: Path) -> None:
        self._lock = FileLock(str(path))

    def acquire(self) -> bool:
        self._lock.acquire()
        return True

    def release(self) -> None:
        self._lock.release()


def stays_in_memory(url: str | None) -> bool:
    """Whether the storage ends with its process."""
    return url == MEMORY or (url is not None and url.startswith("sqlite") and (":memory:" in url or url == "sqlite://"))


def shown(url: str | None) -> str:
    """The storage as it may be printed: without a password."""
    if url is None or url == MEMORY:
        return url or JOURNAL
    try:
        return make_url(url).render_as_string(hide_password=True)
    except SQLAlchemyError:
        return "the given URL"


def open_storage(url: str | None, folder: Path) -> BaseStorage:
    """The storage.

    Args:
        url: of a database, such as `sqlite:///search.db`; `memory`; None for the journal in the folder.
        folder: of the search.

    Raises:
        OptionError: a URL that Optuna cannot open.
        DataError: the journal cannot be read or written.
    """
    if url is None:
        return _or_refuse(lambda: _journal(folder / JOURNAL), folder / JOURNAL)
    if url == MEMORY:
        return InMemoryStorage()
    try:
        storage = RDBStorage(url)
        weakref.finalize(storage, storage.engine.dispose)  # its connections end with it
        return storage
    except _UNUSABLE as error:
        told = error.__cause__ if isinstance(error.__cause__, ImportError) else error  # which driver is missing
        reason = " ".join(str(told).split()).partition(" (Background on")[0][:200]
        raise OptionError(
            f"--storage {shown(url)} cannot be opened ({reason}); give one such as sqlite:///search.db, or none"
        ) from error


def _or_refuse(make: Callable[[], BaseStorage], path: Path) -> BaseStorage:
    try:
        return make()
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror}); choose another --out") from error
    except (ValueError, KeyError) as error:
        raise DataError(f"{path}: damaged ({error}); restore it from a copy, or choose another --out") from error


def _journal(path: Path) -> JournalStorage:
    lock = _KernelLock(path.with_name(f".{path.name}.lock"))
    lock.acquire()
    try:
        _cut_torn_line(path)
    finally:
        lock.release()
    return JournalStorage(JournalFileBackend(str(path), lock_obj=cast("Any", lock)))


def _cut_torn_line(path: Path) -> None:
    """What a kill left of a last line is no record, and would spoil the next one."""
    with suppress(FileNotFoundError):
        data = path.read_bytes()
        if data and not data.endswith(b"\n"):
            with path.open("r+b") as stream:
                stream.truncate(data.rfind(b"\n") + 1)
