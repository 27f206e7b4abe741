"""A command line to call, and a tiny market to call it on."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Answer:
    status: int
    out: str
    err: str


@pytest.fixture
def edgeproof(capfd, monkeypatch) -> Callable[..., Answer]:
    """Call the command line in this process: `edgeproof("market", "show", path)`."""

    def call(*words: object) -> Answer:
        from edgeproof.cli.main import run

        monkeypatch.setattr(sys, "argv", ["edgeproof", *map(str, words)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as stop:
            run()
        text = capfd.readouterr()
        return Answer(int(stop.value.code or 0), text.out, text.err)

    return call


@pytest.fixture(scope="session")
def tiny_market(tmp_path_factory) -> Path:
    """Three symbols x 2,400 hourly bars with a planted edge."""
    from edgeproof.data.synthetic import make_market

    path = tmp_path_factory.mktemp("markets") / "tiny"
    make_market("linear", path, symbols=3, bars=2400, seed=11, strength=0.3)
    return path
