"""Progress with an estimate of the time left, on the terminal's error stream, silent where nobody looks."""

import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["Progress", "duration_text", "silent", "to_terminal"]

PAUSE_SECONDS = 1.0  # between two lines of steps of which nobody needs each


def duration_text(seconds: float) -> str:
    """`48 s`, `3 min 20 s`, `2 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def silent(_: str) -> None:
    """A writer that shows nothing."""


def to_terminal(line: str) -> None:
    """Write to the terminal's error stream."""
    sys.stderr.write(line)
    sys.stderr.flush()


@dataclass
class Progress:
    """One task of known length: `progress.step("epoch 3/15  loss 0.6921")` shows the line and the time left."""

    title: str
    total: int
    write: Callable[[str], None] = to_terminal
    done: int = 0
    started: float = field(default_factory=time.monotonic)
    resumed_at: int = 0
    shown_at: float = -math.inf

    def resume(self, done: int) -> None:
        """Steps that an earlier process finished: they count as done and not as time."""
        self.done = self.resumed_at = done

    def step(self, text: str = "", *, always: bool = True) -> None:
        """One more step is done.

        Args:
            text: of its line.
            always: whether its line is shown however soon after the one before; else, but for the last step, a line a
                second is enough.
        """
        self.done += 1
        now = time.monotonic()
        if not always and self.done < self.total and now - self.shown_at < PAUSE_SECONDS:
            return
        self.shown_at = now
        fresh = max(1, self.done - self.resumed_at)
        left = (now - self.started) / fresh * (self.total - self.done)
        tail = f"  {duration_text(left)} left" if self.done < self.total else ""
        self.write(f"  {self.title} {self.done}/{self.total}  {text}{tail}\n")
