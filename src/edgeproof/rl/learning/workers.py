"""Work in pieces that threads take one after the other: the same pieces on one thread or many, so the same bytes.

PyTorch's own threads gain nothing on networks this small: they share every single operation. So torch gets one thread
(`core.device.one_thread_each`), and whole pieces of work, which do not wait for each other, go side by side.
"""

from collections.abc import Callable, Sequence
from threading import Lock, get_ident

import torch

from edgeproof.core.device import one_thread_each, thread_count
from edgeproof.rl.learning.crew import Crew

__all__ = ["Workers", "together"]

Piece = Callable[[], None]


class Workers:
    """The calling thread and those that stand by it; they end with this object."""

    def __init__(self) -> None:
        self._crew: Crew | None = None
        self._busy = Lock()

    def __reduce__(self) -> tuple[type["Workers"], tuple[()]]:
        """A copy, in this process or another one, has threads of its own."""
        return Workers, ()

    def run(self, pieces: Sequence[Piece], own: Piece | None = None) -> None:
        """Do all pieces, in any order; what one raises is raised here, once no other thread is at work any more.

        A caller who finds the others at work for somebody else does its pieces alone.

        Args:
            pieces: for any thread.
            own: for the calling thread alone, which does it first.
        """
        threads, one = thread_count(), len(pieces) + (own is not None) == 1
        if threads == 1 or one or not self._busy.acquire(blocking=False):
            together(pieces if own is None else (own, *pieces), None)
            return
        try:
            self._share(pieces, own, threads - 1)
        except BaseException:
            self._crew = None  # who was interrupted while waiting for others never knows what they are at
            raise
        finally:
            self._busy.release()

    def _share(self, pieces: Sequence[Piece], own: Piece | None, others: int) -> None:
        if self._crew is None or self._crew.others != others:
            self._crew = Crew(others)
        waiting, caller = iter(pieces), get_ident()

        def work() -> None:
            torch.set_num_threads(1)  # this and the next hold for the thread that says so
            with torch.no_grad():
                if own is not None and get_ident() == caller:
                    own()
                for piece in waiting:
                    piece()

        with one_thread_each():
            self._crew.do(work)


def together(pieces: Sequence[Piece], workers: Workers | None) -> None:
    """Do all pieces: by the workers, or without them one after the other."""
    if workers is None:
        for piece in pieces:
            piece()
    else:
        workers.run(pieces)
