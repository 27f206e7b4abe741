"""Threads and devices, set in one place.

PyTorch's OpenMP threads spin while they wait: with another busy process a small model trains 60 times slower. So the
wait policy is passive, which must be in the environment before torch is loaded (`prepare_environment`, called first
by the command line and by worker processes).
"""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["prepare_environment", "set_threads", "thread_count", "torch_device"]


def thread_count() -> int:
    """Threads to use: `EDGEPROOF_THREADS`, else the cores this process may run on."""
    asked = os.environ.get("EDGEPROOF_THREADS", "")
    return (
        max(1, int(asked))
        if asked.isdigit()
        else len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 1
    )


def prepare_environment() -> None:
    """Set wait policy and thread counts for every library, before any of them is loaded."""
    count = str(thread_count())
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    for name in (
        "OMP_NUM_THREADS",
        "MKL_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "NUMBA_NUM_THREADS",
        "POLARS_MAX_THREADS",
    ):
        os.environ.setdefault(name, count)


def set_threads(count: int | None = None) -> int:
    """Apply a thread count to torch and Numba in this process; returns it."""
    import numba
    import torch

    count = thread_count() if count is None else count
    torch.set_num_threads(count)
    numba.set_num_threads(min(count, int(os.environ.get("NUMBA_NUM_THREADS") or os.cpu_count() or 1)))
    return count


def torch_device(name: str = "cpu") -> "torch.device":
    """The device of this name; `auto` takes CUDA where there is one.

    Raises:
        ConfigError: the device is not available on this machine.
    """
    import torch

    from edgeproof.core.errors import ConfigError

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise ConfigError(f"train.device={name}: no CUDA device on this machine; use cpu or auto")
    return torch.device(name)
