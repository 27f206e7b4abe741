"""Fixtures of the whole suite."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("EDGEPROOF_THREADS", "1")

from edgeproof.core.device import prepare_environment

prepare_environment()

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real market bars, beside the repository; tests on it skip where it is not there."""
    if not SHARED.is_dir():
        pytest.skip(f"no real market data at {SHARED}")
    return SHARED
