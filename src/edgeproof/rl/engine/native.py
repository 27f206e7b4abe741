"""The kernel's parts compiled: for a range of accounts, or for threads that take ranges from each other."""

# N accounts, K ranges

from collections.abc import Callable, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numba
import numpy as np

from edgeproof.rl.engine.desk import Desk, Screen, World
from edgeproof.rl.engine.kernel import step_accounts
from edgeproof.rl.engine.plain import is_plain, step_plain_accounts
from edgeproof.rl.engine.standby import FIRST, LAST, Standby, done, ended, entered, next_range
from edgeproof.rl.engine.words import open_words
from edgeproof.simulator import settle
from edgeproof.simulator.engines import KERNEL_FILES

__all__ = ["bound", "compiled", "stepping"]

OWN_FILES = ("desk.py", "hints.py", "kernel.py", "observe.py", "plain.py", "standby.py", "words.py", "../reward.py")
FLAGS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}


@cache
def _version() -> int:
    """Hash of all files of the kernel.

    Numba's cache on disk watches one file; what is compiled has this as a closure variable, which is part of the key.
    """
    digest = sha256()
    for path in [Path(__file__).parent / name for name in OWN_FILES] + [
        Path(settle.__file__).with_name(name) for name in KERNEL_FILES
    ]:
        digest.update(path.read_bytes())
    return int.from_bytes(digest.digest()[:7])


@cache
def compiled(part: Callable[..., None]) -> Any:
    """A part of the kernel for a range of accounts, compiled as the simulator's engine is; fastmath stays off.

    The parts allocate nothing, so Numba's reference counting is off (`_nrt`).
    """
    version = _version()

    def run(first: int, last: int, world: World, desk: Desk, screen: Screen) -> None:
        if version >= 0:
            part(first, last, world, desk, screen)

    return numba.njit(**FLAGS)(run)


@cache
def _stepping(plain: bool) -> Any:
    """The step for one of the threads that share it; if `plain`, for worlds that are (`is_plain`) and no others."""
    version, part = _version(), step_plain_accounts if plain else step_accounts

    def run(me: int, words: np.ndarray, world: World, desk: Desk, screen: Screen) -> bool:
        while version >= 0 and entered(me, words):
            k = next_range(me, words)
            while k > 0:
                part(words[k, FIRST], words[k, LAST], world, desk, screen)
                done(words)
                k = next_range(me, words)
            if me == 0:
                return ended(words)
        return False

    return numba.njit(**FLAGS)(run)


def _entry(run: Any, *arguments: Any) -> Any:
    """The compiled function for arguments of these types.

    Numba finds out the types of 40 arrays at each call, 13 microseconds of 15; here they are found out once.
    """
    kinds = tuple(numba.typeof(each) for each in arguments)
    run.compile(kinds)
    return run.overloads[kinds].entry_point


def bound(part: Callable[..., None], world: World, desk: Desk, screen: Screen) -> Callable[[], Any]:
    """A part of the kernel on these arrays, for all accounts."""
    entry = _entry(compiled(part), 0, 0, world, desk, screen)
    return lambda: entry(0, len(desk.place), world, desk, screen)


def stepping(edges: Sequence[int], threads: int, world: World, desk: Desk, screen: Screen) -> Callable[[], None]:
    """The step on these arrays, for all accounts: ranges of them from each of `edges` to the next."""
    entry = _entry(_stepping(is_plain(world, desk)), 0, open_words(1), world, desk, screen)
    return Standby(lambda me, words: entry(me, words, world, desk, screen), edges, threads).step
