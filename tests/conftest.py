"""Fixtures of the whole suite."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("EDGEPROOF_THREADS", "1")

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
