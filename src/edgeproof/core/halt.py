"""Ctrl-C between two whole steps of a piece of work: the step that runs is finished first, and a second one waits not.

A signal may come while arrays are half changed. So the first one is only noted, for who asks between two steps; the
next one does at once what it would have done here without this.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

__all__ = ["noted_interrupt"]


@contextmanager
def noted_interrupt(say: Callable[[], None] = lambda: None) -> Iterator[Callable[[], bool]]:
    """Note the first interrupt from the keyboard, and answer whether there was one.

    Args:
        say: called when it comes, once.
    """
    before = signal.getsignal(signal.SIGINT)
    noted: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        noted.append(number)
        signal.signal(signal.SIGINT, before)
        with suppress(RuntimeError):  # the line may break into one that is being written
            say()

    able = callable(before) and threading.current_thread() is threading.main_thread()
    if able:
        signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(noted)
    finally:
        if able:
            signal.signal(signal.SIGINT, before)
