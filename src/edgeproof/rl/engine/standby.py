"""Threads that share each step of an environment, and stay awake for a moment after it: the next one finds them there.

Waking a sleeping thread takes longer than half of a step. So a thread that is through looks at one word for some tens
of microseconds before it sleeps at a lock, and the calling one looks as long for what others have begun before it naps.
Accounts are dealt out in ranges. Each thread begins with its own, whose accounts lie in its core's cache, and goes on
with those that nobody has taken: who is kept waiting does less, and nobody waits for a thread that has not begun.
"""

# K ranges

import threading
import time
import weakref
from collections.abc import Callable, Sequence
from functools import cache
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba.extending import register_jitable

from edgeproof.rl.engine.words import add, load, open_words, relax, swap, take

__all__ = ["FIRST", "LAST", "OWN", "STEP", "THREADS", "Standby", "done", "ended", "entered", "next_range"]

AWAKE = 50e-6  # seconds that a thread looks for the next step before it sleeps: some times what lies between two
MOST = 63  # threads: each has a bit of a word
NAP = 20e-6  # seconds between two looks at what another thread has begun, on a machine that is too busy to run it
# Words. Then, for each thread, the step that it is in and whether it sleeps; then, for each range, its last step, and
# beside it its first account and the one after its last.
STEP, DONE, RANGES, THREADS, LOOKS, OWN = range(6)
FIRST, LAST = 1, 2

Run = Callable[[int, np.ndarray], bool]


@register_jitable
def entered(me: int, words: np.ndarray) -> bool:
    """Whether there is a step for thread `me`; for another than the calling one, False once it is to sleep."""
    at = load(words, OWN + 2 * me)
    if me == 0:
        return True
    for _ in range(load(words, LOOKS)):
        if load(words, STEP) != at:
            swap(words, OWN + 2 * me, load(words, STEP))
            return True
        relax()
    swap(words, OWN + 2 * me + 1, 1)
    if load(words, STEP) == at or not take(words, OWN + 2 * me + 1, 1, 0):
        return False  # in the second case it has been called, and its lock will open
    swap(words, OWN + 2 * me, load(words, STEP))
    return True


@register_jitable
def next_range(me: int, words: np.ndarray) -> int:
    """Row in `words` of a range that thread `me` has taken in its step; 0 if there is none left."""
    step, count, threads = load(words, OWN + 2 * me), load(words, RANGES), load(words, THREADS)
    for i in range(count):
        place = OWN + 2 * threads + (me * count // threads + i) % count
        if load(words, place) == step - 1 and take(words, place, step - 1, step):
            return place
    return 0


@register_jitable
def done(words: np.ndarray) -> None:
    """A range that was taken is through."""
    add(words, DONE, 1)


@register_jitable
def ended(words: np.ndarray) -> bool:
    """Whether all ranges of the step are through; what others have begun is waited for, but not for long."""
    for _ in range(load(words, LOOKS)):
        if load(words, DONE) == load(words, STEP) * load(words, RANGES):
            return True
        relax()
    return False


@register_jitable
def _called(words: np.ndarray) -> int:
    """Begin the next step; a bit for each thread that sleeps."""
    step, sleepers = load(words, STEP) + 1, 0
    swap(words, OWN, step)
    swap(words, STEP, step)
    for other in range(1, load(words, THREADS)):
        if swap(words, OWN + 2 * other + 1, 0) == 1:
            sleepers |= 1 << other
    return sleepers


@cache
def _native(part: Callable[[np.ndarray], int]) -> Any:
    """A function of words compiled; Numba's cache watches this file, and `words.py` by its hash, a part of the key."""
    version = int.from_bytes(sha256(Path(__file__).with_name("words.py").read_bytes()).digest()[:7])

    def run(words: np.ndarray) -> int:
        return part(words) if version >= 0 else 0

    return numba.njit(cache=True, nogil=True, error_model="numpy")(run)


@cache
def _looks() -> int:
    """How often a thread looks at a word before it sleeps."""
    look, words = _native(ended), open_words(OWN + 2)
    words[[LOOKS, RANGES, DONE], 0] = 1_000, 1, -1
    look(words)
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        look(words)
        seconds.append(time.perf_counter() - started)
    return max(1, int(1_000 * AWAKE / min(seconds)))


class Standby:
    """Threads that run each step together with the calling one; they end with this.

    Args:
        run: takes part in steps as thread number so and so, with these words, until it is to sleep; whether all is
            done that the calling one, number 0, has to wait for.
        edges: K + 1 accounts, a range from each to the next.
        threads: with the calling one; no more than 63 are used.
    """

    def __init__(self, run: Run, edges: Sequence[int], threads: int) -> None:
        ranges, threads = len(edges) - 1, min(threads, MOST)
        self._run, self._words = run, open_words(OWN + 2 * threads + ranges)
        self._words[OWN + 2 * threads :, [FIRST, LAST]] = np.array([*pairwise(edges)])
        self._words[[RANGES, THREADS, LOOKS], 0] = ranges, threads, _looks()
        self._call, self._look = _native(_called), _native(ended)
        self._hands = [_Hand(run, me, self._words) for me in range(1, threads)]
        self._through = True
        weakref.finalize(self, _dismiss, self._hands)

    def step(self) -> None:
        """One step of every range."""
        if not self._through:
            for hand in self._hands:
                hand.wake()
            self._end()  # the last step was interrupted
        self._through = False
        sleepers = self._call(self._words)
        if sleepers:
            for hand in self._hands:
                if sleepers >> hand.me & 1:
                    hand.wake()
        self._end()

    def _end(self) -> None:
        """Do what nobody has taken, and wait for the rest."""
        self._through = self._run(0, self._words)
        while not self._through:
            time.sleep(NAP)
            self._through = self._look(self._words)


class _Hand:
    """One of the other threads."""

    def __init__(self, run: Run, me: int, words: np.ndarray) -> None:
        self.me, self._run, self._words, self._ended = me, run, words, False
        self._go = threading.Lock()
        self._go.acquire()
        threading.Thread(target=self._live, daemon=True).start()

    def wake(self) -> None:
        """Let it look for a step."""
        if self._go.locked():
            self._go.release()

    def end(self) -> None:
        """Let the thread end."""
        self._ended = True
        self.wake()

    def _live(self) -> None:
        while not self._ended:
            self._run(self.me, self._words)
            self._go.acquire()


def _dismiss(hands: list[_Hand]) -> None:
    for hand in hands:
        hand.end()
