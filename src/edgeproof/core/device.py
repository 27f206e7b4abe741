"""Threads, memory and devices, set in one place.

PyTorch's OpenMP threads spin while they wait: with another busy process a small model trains 60 times slower. So the
wait policy is passive. OpenMP reads it once, when torch is loaded: `import edgeproof` loads this file, which sets it.
Where torch was there before, it gets one thread, which waits for nobody.
"""

import ctypes
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["kept_memory", "one_thread_each", "prepare_environment", "set_threads", "thread_count", "torch_device"]

# of glibc's malloc.h: parameter, while memory is kept, afterwards (where glibc's own adaptation ends)
_MALLOC = ((-3, 256 << 20, 32 << 20), (-1, 512 << 20, 64 << 20))  # from when on: mapped apiece; handed back
_TOLD = {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"} & os.environ.keys()  # by the user: that stands
_SPINS = "torch" in sys.modules and not _TOLD
if not _TOLD:
    os.environ["OMP_WAIT_POLICY"] = "passive"


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
    """Set thread counts for every library, before any of them is loaded."""
    count = str(thread_count())
    for name in (
        "OMP_NUM_THREADS",
        "MKL_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "NUMBA_NUM_THREADS",
        "POLARS_MAX_THREADS",
    ):
        os.environ.setdefault(name, count)


def set_threads(count: int | None = None) -> int:
    """Apply a thread count to torch and Numba in this process; returns torch's.

    Where nobody asked for a number and torch's threads would spin, torch gets one, with a warning.
    """
    import numba
    import torch

    asked = count is not None or "EDGEPROOF_THREADS" in os.environ
    count = thread_count() if count is None else count
    numba.set_num_threads(min(count, int(os.environ.get("NUMBA_NUM_THREADS") or os.cpu_count() or 1)))
    if count > 1 and not asked and _SPINS:
        warnings.warn(
            "torch was imported before edgeproof, so its threads spin while they wait, which on a busy machine is many "
            "times slower than one thread: torch gets one thread; import edgeproof first, or set EDGEPROOF_THREADS",
            stacklevel=2,
        )
        count = 1
    torch.set_num_threads(count)
    return count


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Give torch one thread in a block that divides its work among threads of its own.

    Those threads set it too, each for itself: OpenMP keeps a number for every thread that calls it.
    """
    import torch

    count = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(count)


@contextmanager
def kept_memory() -> Iterator[None]:
    """Let a block take up again what it has freed, and hand all of it back to the system at the end.

    glibc asks the system for every large array and hands it back at once, so each training step maps and clears its
    memory anew: a quarter of a recurrent model's step. Other C libraries are left as they are.
    """
    try:
        libc = ctypes.CDLL(None)
        tune, hand_back = libc.mallopt, libc.malloc_trim
    except (AttributeError, OSError, TypeError):
        yield
        return
    for parameter, kept, _ in _MALLOC:
        tune(parameter, kept)
    try:
        yield
    finally:
        for parameter, _, after in _MALLOC:
            tune(parameter, after)
        hand_back(0)


def torch_device(name: str = "cpu", key: str = "train.device") -> "torch.device":
    """The device of this name, which stands under `key`; `auto` takes CUDA where there is one.

    Raises:
        ConfigError: there is no such device, or not on this machine.
    """
    import torch

    from edgeproof.core.errors import ConfigError

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind, numbered, number = name.partition(":")
    if kind not in ("cpu", "cuda") or (numbered and not (kind == "cuda" and number.isdigit())):
        raise ConfigError(f"{key}={name}: no such device; use cpu, cuda (or cuda:0 and so on) or auto")
    if kind == "cuda" and not torch.cuda.is_available():
        raise ConfigError(f"{key}={name}: no CUDA device on this machine; use cpu or auto")
    if numbered and int(number) >= torch.cuda.device_count():
        raise ConfigError(f"{key}={name}: {torch.cuda.device_count()} CUDA devices here, counted from 0")
    return torch.device(name)
