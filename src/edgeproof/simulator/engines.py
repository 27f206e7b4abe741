"""Runs accounts over a panel: `njit` compiled and threaded over accounts, `python` the same source interpreted, `cuda`.

Accounts never meet: each thread settles its own, every output belongs to one account, and nothing is summed across
them, so the number of threads cannot change a bit of the result.
"""

# N accounts, A assets, T bars

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numba
import numpy as np

from edgeproof.core.device import thread_count
from edgeproof.core.errors import DataError, OptionError
from edgeproof.simulator.account import TRADES, Account, Feed, Rules
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.feed import Outside, feed_of
from edgeproof.simulator.opening import open_accounts, rules_of
from edgeproof.simulator.options import Options
from edgeproof.simulator.settle import settle_accounts
from edgeproof.simulator.track import Curves, Track, stamps_of, track_of, trades_of

__all__ = ["ENGINES", "Engine", "compiled", "simulate", "simulate_curves", "simulate_many"]

Engine = Literal["njit", "python", "cuda"]
ENGINES: tuple[Engine, ...] = ("njit", "python", "cuda")
KERNEL_FILES = ("account.py", "fill.py", "hold.py", "settle.py")

DEFAULT, NOTHING = Options(), Outside()
Runner = Callable[[Feed, Account, Rules], None]


def simulate(
    prices: np.ndarray,
    present: np.ndarray,
    weights: np.ndarray,
    decided: np.ndarray,
    costs: CostsConfig,
    *,
    options: Options = DEFAULT,
    outside: Outside = NOTHING,
    engine: Engine = "njit",
) -> Track:
    """One account that follows target weights: decided at the close of t, filled at the open of t+1.

    Args:
        prices: f64[A, T, 5] open, high, low, close, volume; read where `present`.
        present: bool[A, T] the bar exists and may be traded.
        weights: f64[A, T] target positions as shares of equity, short below zero; read where `decided`.
        decided: bool[T] or bool[A, T] bars at whose close a target is set; elsewhere units are held.
        costs: what each side of a trade pays; `CostsConfig.free()` for none.
        options: rules of the account.
        outside: series that options read.
        engine: compiled, the interpreted reference (a thousand times slower, equal to the last bit), or `gpu`'s.

    Raises:
        OptionError: an unknown engine or none for it here, a series that nothing reads or that is missing.
        DataError: shapes that do not match, a weight that is not finite, a present bar without a usable price.
    """
    return simulate_many(
        prices, present, weights[np.newaxis], decided, costs, options=options, outside=outside, engine=engine
    )[0]


def simulate_many(
    prices: np.ndarray,
    present: np.ndarray,
    weights: np.ndarray,
    decided: np.ndarray,
    costs: CostsConfig,
    *,
    options: Options = DEFAULT,
    outside: Outside = NOTHING,
    engine: Engine = "njit",
) -> list[Track]:
    """N accounts on the same bars: `weights` f64[N, A, T], `decided` [T], [A, T] or [N, A, T]; else as `simulate`."""
    run, count = _engine(engine), len(weights)
    decided = np.asarray(decided, bool)
    _check(prices, present, weights, decided)
    feed = feed_of(prices, present, costs, options, outside)
    rules = rules_of(costs, options, funded=outside.funding_rate is not None)
    accounts = _settled(run, feed, rules, lambda room: open_accounts(weights, decided, options, kept=count, room=room))
    return [track_of(n, accounts, trades, options) for n, trades in enumerate(trades_of(accounts, rules))]


def simulate_curves(
    prices: np.ndarray,
    present: np.ndarray,
    weights: np.ndarray,
    decided: np.ndarray,
    costs: CostsConfig,
    *,
    options: Options = DEFAULT,
    outside: Outside = NOTHING,
) -> Curves:
    """As `simulate_many`, but only equity and round trips are kept: for sweeps over many sets of parameters.

    Tracks of 1,000 accounts over a year of hours take up to 770 MB, their curves 70 MB and less than half of the time.
    """
    decided = np.asarray(decided, bool)
    _check(prices, present, weights, decided)
    feed = feed_of(prices, present, costs, options, outside)
    rules = rules_of(costs, options, funded=outside.funding_rate is not None, brief=True)
    accounts = _settled(
        _settle_compiled, feed, rules, lambda room: open_accounts(weights, decided, options, kept=1, room=room)
    )
    return Curves(accounts.equity, tuple(trades_of(accounts, rules)), stamps=stamps_of(options))


def _settled(run: Runner, feed: Feed, rules: Rules, opened: Callable[[int | None], Account]) -> Account:
    """The accounts after their last bar; if a table of trades was too short, run again with one that holds them all."""
    accounts = opened(None)
    run(feed, accounts, rules)
    made = int(accounts.money[:, TRADES].max(initial=0.0))
    if made > accounts.trades.shape[1]:
        accounts = opened(made)
        run(feed, accounts, rules)
    return accounts


def _engine(name: str) -> Runner:
    """What settles accounts under this name."""
    if name == "njit":
        return _settle_compiled
    if name == "python":
        return _settle_interpreted
    if name == "cuda":
        from edgeproof.simulator.gpu import settle_on_gpu

        return settle_on_gpu
    raise OptionError(f"unknown simulator engine {name!r}; known: {', '.join(ENGINES)}")


def _check(prices: np.ndarray, present: np.ndarray, weights: np.ndarray, decided: np.ndarray) -> None:
    """Refuse arrays that do not fit together, and weights that are not numbers."""
    shape = present.shape
    fits = weights.ndim == 3 and weights.shape[1:] == shape and prices.shape == (*shape, 5)
    if not fits or decided.shape not in (shape[1:], shape, weights.shape):
        raise DataError(
            f"simulator: prices {prices.shape}, present {shape}, weights {weights.shape[-2:]}, decided {decided.shape} "
            "do not match; they are [A, T, 5], [A, T], [A, T] and [T] or [A, T]"
        )
    if not np.isfinite(weights).all():
        *_, a, t = np.argwhere(~np.isfinite(weights))[0]
        raise DataError(f"simulator: the weight of asset {a} at bar {t} is not finite; write 0 for no position")


@cache
def compiled() -> Callable[..., Any]:
    """`settle_accounts` compiled for the CPU; fastmath stays off, so it equals the interpreted one bit by bit.

    The kernel allocates nothing, so Numba's reference counting is off (`_nrt`): 23 ms instead of 110 for 143 assets x
    17,520 bars. The interpreter lock is released, so threads run it side by side.

    Numba's cache on disk watches one file, and the kernel has several: their hash is a closure variable, which is part
    of the cache's key.
    """
    digest = sha256()
    for name in KERNEL_FILES:
        digest.update(Path(__file__).with_name(name).read_bytes())
    version = int.from_bytes(digest.digest()[:7])

    def run(first: int, last: int, feed: Feed, accounts: Account, rules: Rules) -> None:
        if version >= 0:
            settle_accounts(first, last, feed, accounts, rules)

    flags: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}
    return numba.njit(**flags)(run)


def _settle_interpreted(feed: Feed, accounts: Account, rules: Rules) -> None:
    settle_accounts(0, len(accounts.money), feed, accounts, rules)


def _settle_compiled(feed: Feed, accounts: Account, rules: Rules) -> None:
    """Equal parts of the accounts, one part a thread."""
    run, count = compiled(), len(accounts.money)
    threads = min(thread_count(), count)
    if threads <= 1:
        run(0, count, feed, accounts, rules)
        return
    edges = [count * i // threads for i in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        for part in [pool.submit(run, *edge, feed, accounts, rules) for edge in pairwise(edges)]:
            part.result()
