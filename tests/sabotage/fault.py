"""What a planted fault is: one piece of one line of the source, exchanged."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Fault", "Mode"]

Mode = Literal["compiled", "interpreted", "kernel"]


@dataclass(frozen=True)
class Fault:
    """A mistake that somebody could make, and where it must be noticed.

    Attributes:
        name: for people.
        file: below `src/edgeproof`.
        before: what stands there, in this file exactly once.
        after: what stands there instead.
        tests: pytest paths or node ids; at least one test of them fails.
        why: what would be wrong with every answer.
        mode: `compiled` as always; `interpreted` without Numba, `kernel` with the account's kernel interpreted: quicker
            where what would be compiled anew is large and the named tests are small.
    """

    name: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...]
    why: str
    mode: Mode = "compiled"
