"""How the command line ends when something is too large: one clear line and exit status 2."""

import signal
import sys

import numpy as np
import pytest

import edgeproof.data.synthetic
from edgeproof.cli import main


@pytest.fixture
def answer(monkeypatch, capsys, tmp_path):
    """Status and error lines of `market synth` where making the market raises."""
    before = signal.getsignal(signal.SIGINT)

    def ask(error=None, *more):
        def fail(*_, **__):
            assert error is not None
            raise error

        if error is not None:
            monkeypatch.setattr(edgeproof.data.synthetic, "make_market", fail)
        monkeypatch.setattr(sys, "argv", ["edgeproof", "market", "synth", "--out", str(tmp_path / "m"), *more])
        with pytest.raises(SystemExit) as ended:
            main.run()
        return ended.value.code, capsys.readouterr().err.splitlines()

    yield ask
    signal.signal(signal.SIGINT, before)


def too_large():
    try:
        np.empty((1 << 40, 1 << 10))
    except MemoryError as error:
        return error
    raise AssertionError("this machine has room for a quadrillion numbers")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "not enough memory; lower"),
        (too_large(), "not enough memory (Unable to allocate"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
            "not enough memory",
        ),
        (OverflowError("Python int too large to convert to C long"), "a number is too large to compute with"),
    ],
)
def test_what_does_not_fit_ends_in_one_line_and_status_2(answer, error, words):
    status, lines = answer(error)
    assert status == 2
    assert len(lines) == 1
    assert words in lines[0]
    assert "lower" in lines[0]


def test_a_defect_keeps_its_traceback(answer):
    with pytest.raises(ZeroDivisionError):
        answer(ZeroDivisionError("x"))


@pytest.mark.parametrize("size", [("--bars", "10000000000"), ("--symbols", "1000000", "--bars", "1000")])
def test_a_market_of_too_many_bars_is_refused_before_it_is_made(answer, size):
    status, lines = answer(None, *size)
    assert status == 2
    assert len(lines) == 1
    assert "at most 2,000,000 bars a symbol" in lines[0]
