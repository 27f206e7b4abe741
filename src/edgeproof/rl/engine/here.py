"""The market environment on the processor: the kernel on numpy's memory, a step shared by threads."""

# N accounts, A assets

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from edgeproof.core.device import thread_count
from edgeproof.rl.action import accept
from edgeproof.rl.engine.desk import Desk, Screen, World, turned
from edgeproof.rl.engine.kernel import begin_accounts, show_accounts, step_accounts
from edgeproof.rl.engine.native import bound, stepping
from edgeproof.rl.interface import ActionSpace

__all__ = ["Here"]

RANGES_A_THREAD = 4
WORTH_A_THREAD = 1_024  # assets of accounts: handing a step to a thread costs less than stepping so many


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
        self._worth = max(1, min(accounts, accounts * assets // WORTH_A_THREAD))

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
        if self._interpreted:
            return [_interpreted(part, self._count, *arrays) for part in (begin_accounts, step_accounts, show_accounts)]
        threads = min(self._worth, thread_count())
        step = stepping(_edges(self._count, threads), threads, *arrays)
        return [bound(begin_accounts, *arrays), step, bound(show_accounts, *arrays)]


def _interpreted(part: Callable[..., None], count: int, *arrays: Any) -> Callable[[], None]:
    return lambda: part(0, count, *arrays)


def _edges(accounts: int, threads: int) -> list[int]:
    """Where equal ranges of the accounts begin and end, several a thread."""
    count = max(1, min(threads * RANGES_A_THREAD if threads > 1 else 1, accounts))
    return [accounts * i // count for i in range(count + 1)]
