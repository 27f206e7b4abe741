"""One process trains in a run's folder at a time; however it ends, the kernel lets go of its lock and the next goes on.

The lock lies in the workspace, which has been found writable: nothing of it is in the run's folder or beside it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from filelock import FileLock, Timeout

from edgeproof.core.errors import DataError
from edgeproof.ledger.store import Ledger

__all__ = ["alone_in"]

_LOCKS = "running"


@contextmanager
def alone_in(folder: Path, ledger: Ledger) -> Iterator[None]:
    """Hold a run's folder, whether or not it is there yet; who only reads asks for nothing.

    Raises:
        DataError: another process holds it, or the workspace cannot be written.
    """
    name = sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    lock = FileLock(str(ledger.folder / _LOCKS / f"{name}.lock"))
    try:
        Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise DataError(f"another process is training here ({folder}); wait for it, or choose another --out") from error
    except OSError as error:
        raise DataError(
            f"{lock.lock_file}: cannot be written ({error.strerror or error}); choose another --workspace"
        ) from error
    try:
        yield
    finally:
        lock.release()
