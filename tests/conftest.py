"""Fixtures of the whole suite."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# whatever the shell says: two threads that wait for each other on a busy machine took minutes for what one does in 2 s
os.environ |= {"EDGEPROOF_THREADS": "1", "OMP_NUM_THREADS": "1"}

from edgeproof.core.device import prepare_environment

prepare_environment()

# a busy machine is not a defect: tests never assert wall time
settings.register_profile("edgeproof", deadline=None)
settings.load_profile("edgeproof")

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real market bars, beside the repository; tests on it skip where it is not there."""
    if not SHARED.is_dir():
        pytest.skip(f"no real market data at {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def migrated(tmp_path_factory) -> Path:
    """A tracking database, migrated once for all workers: that takes seconds."""
    from filelock import FileLock

    from edgeproof.train.loggers.connect import connect
    from edgeproof.train.loggers.settings import MlflowConfig

    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    place = folder / "migrated" / ".edgeproof" / "mlflow.db"
    with FileLock(folder / "migrated.lock"):
        if not place.is_file():
            connect(MlflowConfig(uri=f"sqlite:///{place}", experiment="other"), folder)
    return place


@pytest.fixture
def tracking_workspace(migrated, tmp_path, monkeypatch) -> Path:
    """A workspace that holds a fresh tracking database."""
    import shutil

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / ".edgeproof").mkdir()
    shutil.copy(migrated, tmp_path / ".edgeproof" / "mlflow.db")
    return tmp_path
