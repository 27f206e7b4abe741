"""A PostgreSQL server on the loopback, where its programs and a driver are installed."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

__all__ = ["SECRET", "database"]

SECRET = "wicked-password"  # noqa: S105 - of a server that lives as long as a test
DEBIAN = Path("/usr/lib/postgresql")


def programs() -> Path:
    """The folder of `initdb` and `pg_ctl`; skips where it or the driver is missing."""
    pytest.importorskip("psycopg", reason="no driver of PostgreSQL: tools/setup-postgres installs it")
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else sorted(DEBIAN.glob("*/bin"))
    if not folders:
        pytest.skip("no PostgreSQL server here: tools/setup-postgres says what to install")
    return folders[-1]


@contextmanager
def database() -> Iterator[str]:
    """The URL of an empty database, whose server ends with the block."""
    programs_at = programs()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    # it refuses to run as root
    owner = {"user": "nobody", "group": "nogroup", "extra_groups": ()} if os.geteuid() == 0 else {}

    def call(name: str, *words: object) -> None:
        done = subprocess.run(
            [programs_at / name, *map(str, words)], cwd=folder, capture_output=True, text=True, check=False, **owner
        )
        assert done.returncode == 0, done.stdout + done.stderr

    try:
        (folder / "password").write_text(SECRET)
        for path in (folder, folder / "password"):
            shutil.chown(path, owner.get("user", os.geteuid()))
        data, options = folder / "data", f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        call("initdb", "-D", data, "-U", "anna", "-A", "scram-sha-256", "--pwfile", folder / "password", "--no-sync")
        call("pg_ctl", "-D", data, "-l", folder / "log", "-o", options, "-w", "start")
        try:
            yield f"postgresql+psycopg://anna:{SECRET}@127.0.0.1:{port}/postgres"
        finally:
            call("pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
