"""The accounts on a GPU, one thread each: the kernel's own source through `numba.cuda`, or through Numba's simulator.

With `NUMBA_ENABLE_CUDASIM=1` in the environment before Numba is imported, its simulator runs the same path without a
GPU (equal to the interpreted engine to the last bit; tests do so with few accounts and bars). Numba types and lowers
the kernel for its GPU target, but it was not run on hardware yet: there, multiply-adds may be fused, so 1e-9 is what to
expect. Numba alone is needed; where the package `numba-cuda` is installed, it stands in for Numba's own `numba.cuda`.
"""

# N accounts

from typing import Any

from numba import cuda

from edgeproof.core.errors import OptionError
from edgeproof.simulator.account import Account, Feed, Rules
from edgeproof.simulator.settle import settle_accounts

__all__ = ["settle_on_gpu"]

THREADS_A_BLOCK = 64


def _settle_own(count: int, feed: Feed, accounts: Account, rules: Rules) -> None:
    """What each thread does: its own account, if there is one."""
    n: int = cuda.grid(1)  # pyright: ignore[reportCallIssue, reportAssignmentType] - the stub shows the simulator's
    if n < count:
        settle_accounts(n, n + 1, feed, accounts, rules)


_kernel: Any = cuda.jit(_settle_own)


def settle_on_gpu(feed: Feed, accounts: Account, rules: Rules) -> None:
    """Every account of `accounts`, in place; arrays go to the device and come back.

    Raises:
        OptionError: no GPU that CUDA can use, and no simulator.
    """
    if not cuda.is_available():
        raise OptionError(
            "simulator engine 'cuda': there is no CUDA GPU here; use engine='njit', or set NUMBA_ENABLE_CUDASIM=1 "
            "before Python starts to run it on Numba's simulator"
        )
    count = len(accounts.money)
    threads = max(1, min(THREADS_A_BLOCK, count))
    _kernel[-(-count // threads), threads](count, feed, accounts, rules)
