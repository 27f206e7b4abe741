"""The market environment on the processor: the kernel on numpy's memory, accounts in ranges that threads take."""

# N accounts, A assets

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from edgeproof.core.device import thread_count
from edgeproof.rl.action import accept
from edgeproof.rl.crew import Crew
from edgeproof.rl.desk import Desk, Screen, World, turned
from edgeproof.rl.interface import ActionSpace
from edgeproof.rl.kernel import begin_accounts, bound, show_accounts, step_accounts

__all__ = ["Here"]

RANGES_A_THREAD = 4
WORTH_A_THREAD = 1_024  # assets of accounts: a thread's start costs as much as stepping so many


class Here:
    """Steps N accounts of A assets on the processor.

    Args:
        accounts: N.
        assets: A.
        interpreted: the kernel's source as it is, on one thread; else compiled.
    """

    place = "cpu"

    def __init__(self, accounts: int, assets: int, *, interpreted: bool) -> None:
        self.device, self._count, self._interpreted = torch.device("cpu"), accounts, interpreted
        self._crew: Crew | None = None
        self._threads = 1 if interpreted else max(1, min(accounts, accounts * assets // WORTH_A_THREAD))
        self._ranges = _ranges(accounts, min(self._threads, thread_count()))

    def taken(self, values: Any) -> Any:
        """A record of arrays as tensors on the same memory."""
        return turned(values, torch.from_numpy, np.ndarray)

    def world(self, world: World) -> World:
        """What all accounts read, as it is."""
        return world

    def accept(self, action: Tensor, space: ActionSpace, levels: Tensor, target: Tensor) -> None:
        """Write the target weights f64[N, 1, A] that `action` asks for.

        Raises:
            TrainError: actions that the space has not; nothing is written then.
        """
        accept(action, space, levels.numpy(), target.numpy())

    def bound(self, world: World, desk: Desk, screen: Screen) -> list[Callable[[], None]]:
        """Begin, step and show, for all accounts of these records of tensors."""
        arrays = (world, *turned((desk, screen), Tensor.numpy, Tensor))
        bind = _interpreted if self._interpreted else bound
        parts = (begin_accounts, step_accounts, show_accounts)
        return [partial(self._run, bind(part, *arrays)) for part in parts]

    def _run(self, part: Callable[[int, int], object]) -> None:
        """Every account, in ranges that the threads take one after the other.

        So a thread that another process keeps waiting does less; one that has not even begun is not waited for.
        """
        threads = min(self._threads, thread_count())
        if threads == 1:
            part(0, self._count)
            return
        if self._crew is None or self._crew.others != threads - 1:
            self._crew = Crew(threads - 1)
        ranges = iter(self._ranges)

        def work() -> None:
            for first, last in ranges:
                part(first, last)

        self._crew.do(work)


def _interpreted(part: Callable[..., None], world: World, desk: Desk, screen: Screen) -> Callable[[int, int], None]:
    return lambda first, last: part(first, last, world, desk, screen)


def _ranges(accounts: int, threads: int) -> list[tuple[int, int]]:
    """Equal ranges of the accounts, several a thread."""
    count = max(1, min(threads * RANGES_A_THREAD, accounts))
    return list(pairwise(accounts * i // count for i in range(count + 1)))
