"""The one way to write: whole or not at all.

A file is written beside its place and renamed; a folder is filled beside its place and renamed. What a kill leaves
behind is a hidden `.partial-*` sibling that nothing reads.
"""

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edgeproof.core.errors import DataError

__all__ = ["read_json", "staged_directory", "write_bytes", "write_json", "write_text"]


@contextmanager
def _readable_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise DataError(f"{path}: no permission to write; choose a folder that you can write to") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(f"{path}: cannot be written ({reason}); free space or choose another folder") from error


def _beside(path: Path) -> Path:
    """A hidden name that nobody has; opened plainly, so that it gets the permissions that the user's umask gives."""
    return path.parent / f".partial-{path.name}-{secrets.token_hex(6)}"


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file atomically, creating its folder.

    Raises:
        DataError: the place cannot be written (permission, full disk); the old file is untouched.
    """
    path = Path(path)
    with _readable_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        name = _beside(path)
        try:
            with name.open("xb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            name.replace(path)
        except BaseException:
            name.unlink(missing_ok=True)
            raise


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically; NaN and infinity are refused, absence is null."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        DataError: the file is missing or is not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not readable as JSON ({error}); restore it from a copy") from error


@contextmanager
def staged_directory(path: Path) -> Iterator[Path]:
    """Fill a folder beside its place; it appears under its name when the block ends without an error.

    Raises:
        DataError: the place exists and is not an empty folder, or cannot be written.
    """
    path = Path(path)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise DataError(f"{path}: already there and not empty; choose another --out or remove it first")
    with _readable_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        stage = _beside(path)
        stage.mkdir()
    try:
        with _readable_errors(path):
            yield stage
            if path.exists():
                path.rmdir()
            stage.rename(path)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
