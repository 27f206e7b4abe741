"""The market environment on a CUDA device: the kernel's own source, one thread an account, on memory that torch shares.

Bars, accounts and what they are shown are torch tensors on the device; `numba.cuda` steps them where they lie, on
torch's current stream, so a step can be part of a captured CUDA graph. With `NUMBA_ENABLE_CUDASIM=1` in the environment
before Python starts, Numba's simulator runs the same path without a GPU, equal to the CPU's to the last bit: that of
Numba's own `numba.cuda` (0.68), and that of the package `numba-cuda` (0.30). NVIDIA's compilers (NVVM 13.0, assembler
12.9, sm_90) take the kernels in ten seconds, with 140 registers and nothing spilled, but they were not run on hardware
yet: there multiply-adds may be fused and logarithms differ in the last bit, so 1e-9 is what to expect.
"""

# N accounts, A assets

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import numpy as np
import torch
from numba import config, cuda
from torch import Tensor

from edgeproof.core.device import torch_device
from edgeproof.core.errors import TrainError
from edgeproof.rl.action import check_kind
from edgeproof.rl.engine.desk import Desk, Screen, World, turned
from edgeproof.rl.engine.kernel import begin_accounts, show_accounts, step_account
from edgeproof.rl.interface import ActionSpace, Discrete

__all__ = ["There", "device_of"]

THREADS_A_BLOCK = 64
SIMULATED = bool(getattr(config, "ENABLE_CUDASIM", 0))


def device_of(name: str, key: str = "environment: device") -> torch.device:
    """The device of this name, which stands under `key`; to Numba's CUDA simulator, its memory is that of the CPU.

    Raises:
        ConfigError: there is no such device, or not on this machine.
    """
    return torch.device("cpu") if SIMULATED and name == "cuda" else torch_device(name, key)


def _step(count: int, world: World, desk: Desk, screen: Screen) -> None:
    n: int = cuda.grid(1)  # pyright: ignore[reportCallIssue, reportAssignmentType] - the stub shows the simulator's
    if n < count:
        step_account(n, world, desk, screen)


def _begin(count: int, world: World, desk: Desk, screen: Screen) -> None:
    n: int = cuda.grid(1)  # pyright: ignore[reportCallIssue, reportAssignmentType]
    if n < count:
        begin_accounts(n, n + 1, world, desk, screen)


def _show(count: int, world: World, desk: Desk, screen: Screen) -> None:
    n: int = cuda.grid(1)  # pyright: ignore[reportCallIssue, reportAssignmentType]
    if n < count:
        show_accounts(n, n + 1, world, desk, screen)


_kernels: tuple[Any, ...] = tuple(cuda.jit(part) for part in (_begin, _step, _show))


class There:
    """Steps N accounts on a CUDA device.

    Args:
        accounts: N.
        device: its name.

    Raises:
        ConfigError: there is no such device here.
    """

    place = "cuda"

    def __init__(self, accounts: int, device: str) -> None:
        self.device, self._count = device_of(device), accounts
        self._threads = max(1, min(THREADS_A_BLOCK, accounts))

    def taken(self, values: Any) -> Any:
        """A record of arrays as tensors on the device."""
        return turned(values, lambda each: torch.from_numpy(each).to(self.device), np.ndarray)

    def world(self, world: World) -> World:
        """A copy of what all accounts read in the device's memory; series that lie side by side do so there."""
        memory: dict[int, Tensor] = {}

        def there(values: np.ndarray) -> Tensor:
            owner = values if values.base is None or values.flags.c_contiguous else values.base
            if id(owner) not in memory:
                memory[id(owner)] = torch.from_numpy(owner).to(self.device)
            moved, size = memory[id(owner)], values.itemsize
            if owner is values:
                return moved
            start = values.__array_interface__["data"][0] - owner.__array_interface__["data"][0]
            flags = moved.view(torch.bool) if values.dtype == np.bool_ else moved
            return flags.as_strided(values.shape, [step // size for step in values.strides], start // size)

        return turned(world, there, np.ndarray)

    def accept(self, action: Tensor, space: ActionSpace, levels: Tensor, target: Tensor) -> None:
        """Write the target weights f64[N, 1, A] that `action` asks for, all on the device.

        Within a CUDA graph nothing can be refused: what is out of range is taken for the nearest, NaN for 0.

        Raises:
            TrainError: actions that the space has not; nothing is written then.
        """
        check_kind(action, space, len(target))
        captured = action.is_cuda and torch.cuda.is_current_stream_capturing()
        if not captured:
            _check_range(action, space)
        if isinstance(space, Discrete):
            target[:, 0, 0] = levels[action.clamp(0, space.count - 1)]
        else:
            target[:, 0] = action.nan_to_num(0.0).to(target.dtype).clamp(space.low, space.high)

    def bound(self, world: World, desk: Desk, screen: Screen) -> list[Callable[[], None]]:
        """Begin, step and show, for all accounts of these records of tensors."""
        with self._current():
            arrays = [turned(each, _of_numba, Tensor) for each in (world, desk, screen)]
        return [partial(self._run, kernel, arrays) for kernel in _kernels]

    def _run(self, kernel: Any, arrays: list[Any]) -> None:
        shape: tuple[Any, ...] = (-(-self._count // self._threads), self._threads)
        if not SIMULATED:
            shape = (*shape, cuda.external_stream(torch.cuda.current_stream(self.device).cuda_stream))
        with self._current():
            kernel[shape](self._count, *arrays)

    def _current(self) -> AbstractContextManager[Any]:
        """Numba works on the first device unless it is told otherwise."""
        return cuda.gpus[self.device.index] if self.device.index else nullcontext()


def _of_numba(values: Tensor) -> Any:
    """The same memory as Numba's kernels take it."""
    return values.numpy() if SIMULATED else cuda.as_cuda_array(values)


def _check_range(action: Tensor, space: ActionSpace) -> None:
    """Refuse actions that the space has not; the device is waited for."""
    discrete = isinstance(space, Discrete)
    bad = (action < 0) | (action >= space.count) if discrete else action.isnan().any(1)
    if bool(bad.any()):
        n = int(bad.nonzero()[0])
        if discrete:
            raise TrainError(f"environment: action {int(action[n])} of account {n} is none of 0 to {space.count - 1}")
        raise TrainError(f"environment: the action of account {n} is NaN; the policy's output is no number")
