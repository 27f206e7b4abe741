"""MLflow's own server on the loopback, where the full package is installed; the client alone has none."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLACES = (ROOT / "benchmarks" / ".envs" / "mlflow" / "bin", Path(sys.executable).parent)
PATIENCE_S = 240


def mlflow_program() -> Path:
    """The full package's command, of an environment of its own or of this one; skips where it is nowhere."""
    for folder in PLACES:
        program = folder / "mlflow"
        if program.is_file():
            code = "import flask, mlflow.server"
            if subprocess.run([folder / "python", "-c", code], capture_output=True, check=False).returncode == 0:
                return program
    pytest.skip("no MLflow with a server: make one with tools/setup-mlflow")


@dataclass
class Server:
    """A tracking server on a free port."""

    program: Path
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        database, artifacts = f"sqlite:///{self.folder / 'server.db'}", str(self.folder / "artifacts")
        words = [self.program, "server", "--backend-store-uri", database, "--artifacts-destination", artifacts]
        words += ["--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                list(map(str, words)), stdout=log, stderr=log, env={**os.environ, **quiet}, start_new_session=True
            )
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.uri}/health", timeout=2):  # noqa: S310 - on the loopback
                    return
            except OSError:
                time.sleep(0.2)
        raise RuntimeError((self.folder / "log").read_text()[-2000:])

    def stop(self) -> None:
        """Stop it with its workers: they are a session of their own."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


@pytest.fixture
def server(migrated: Path, tmp_path_factory) -> Iterator[Server]:
    program = mlflow_program()
    folder = tmp_path_factory.mktemp("server")
    shutil.copy(migrated, folder / "server.db")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    made = Server(program, folder, port)
    made.start()
    try:
        yield made
    finally:
        made.stop()
