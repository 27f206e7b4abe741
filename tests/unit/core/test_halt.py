"""The first interrupt is noted, the second does what it would have done, and afterwards all is as before."""

import signal
import threading

import pytest

from edgeproof.core.halt import noted_interrupt


@pytest.fixture(autouse=True)
def plain():
    """Ctrl-C as Python has it, whatever the command line has made of it in this process."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_the_first_interrupt_is_noted_and_the_second_raises():
    before, said = signal.getsignal(signal.SIGINT), []
    with noted_interrupt(lambda: said.append("stopping")) as stops:
        assert not stops()
        signal.raise_signal(signal.SIGINT)
        assert stops()
        assert said == ["stopping"]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
    assert said == ["stopping"]


def test_what_raises_inside_leaves_the_handler_as_it_was():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ValueError, match="x"), noted_interrupt():
        raise ValueError("x")
    assert signal.getsignal(signal.SIGINT) is before


def test_where_interrupts_are_ignored_or_do_not_come_nothing_is_changed():
    kept = []

    def elsewhere():
        with noted_interrupt() as stops:
            kept.append((stops(), signal.getsignal(signal.SIGINT)))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert kept == [(False, before)]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with noted_interrupt() as stops:
            signal.raise_signal(signal.SIGINT)
            assert not stops()
    finally:
        signal.signal(signal.SIGINT, before)
