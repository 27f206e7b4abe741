"""Feature tables on disk: found by the hash of all that went into them, mapped into memory, whole or not there."""

# S symbols, T bars, F features

import shutil
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from edgeproof.core.errors import DataError
from edgeproof.core.files import staged_directory
from edgeproof.core.identity import sha_array

CONTENT = "content.sha256"

__all__ = ["Arrays", "read_arrays", "write_arrays"]


@dataclass(frozen=True)
class Arrays:
    """What a table holds: x f32[S, T, F], ready bool[S, T], first_read i32[S, T]."""

    x: np.ndarray
    ready: np.ndarray
    first_read: np.ndarray


def _place(cache: Path, sha: str) -> Path:
    return Path(cache) / f"features-{sha[:32]}"


def read_arrays(cache: Path, sha: str) -> Arrays | None:
    """The arrays of this hash, mapped read-only; None where they are not there, or not as they were written."""
    place = _place(cache, sha)
    try:
        arrays = Arrays(*(np.load(place / f"{field.name}.npy", mmap_mode="r") for field in fields(Arrays)))
        return arrays if (place / CONTENT).read_text() == _content(arrays) else None
    except (OSError, ValueError, EOFError):
        return None


def _content(arrays: Arrays) -> str:
    """Hash of what is in the arrays: a table that was altered on disk is computed again."""
    return sha_array(arrays.x, arrays.ready, arrays.first_read)


def write_arrays(cache: Path, sha: str, arrays: Arrays) -> Arrays:
    """Write the arrays and return them mapped, so that their memory is the page cache's.

    Raises:
        DataError: the folder cannot be written.
    """
    place = _place(cache, sha)
    shutil.rmtree(place, ignore_errors=True)  # only what could not be read comes here
    try:
        with staged_directory(place) as stage:
            for field in fields(Arrays):
                np.save(stage / f"{field.name}.npy", getattr(arrays, field.name))
            (stage / CONTENT).write_text(_content(arrays))
    except DataError:
        # another process may have written the same in the meantime
        if read_arrays(cache, sha) is None:
            raise
    kept = read_arrays(cache, sha)
    return arrays if kept is None else kept
