"""Runs accounts over a panel: `njit` compiled and threaded over accounts, `python` the same source interpreted.

Accounts never meet: each thread settles its own, every output belongs to one account, and nothing is summed across
them, so the number of threads cannot change a bit of the result.
"""

# N accounts, A assets, T bars

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, Literal

import numba
import numpy as np

from edgeproof.core.device import thread_count
from edgeproof.core.errors import DataError, OptionError
from edgeproof.simulator import settle as source
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.options import Options, require_built
from edgeproof.simulator.settle import Account, Feed, Rules
from edgeproof.simulator.track import TRADE_FIELDS, Track

__all__ = ["ENGINES", "Engine", "Outside", "simulate", "simulate_many"]

Engine = Literal["njit", "python"]
ENGINES: tuple[Engine, ...] = ("njit", "python")
BLOCK = 64  # bars: 64 x 143 prices in and out stay in the second-level cache


@dataclass(frozen=True)
class Outside:
    """Series that some options read beside the bars; this version has none of these options and refuses them.

    Attributes:
        volatility: f64[A, T] of one bar, known at the close of t: brackets in volatilities, impact.
        funding_rate: f64[A, T] share of notional that longs pay to shorts at the open of t, 0 where none is due.
    """

    volatility: np.ndarray | None = None
    funding_rate: np.ndarray | None = None


DEFAULT, NOTHING = Options(), Outside()


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
        engine: compiled, or the interpreted reference (a thousand times slower, equal to the last bit).

    Raises:
        OptionError: an option that this version does not have, or an unknown engine.
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
    _require_known(options, outside, engine)
    decided = np.asarray(decided, bool)
    _check(prices, present, weights, decided)
    feed = _feed(prices, present)
    accounts = _open_accounts(weights, decided, options)
    run = _compiled() if engine == "njit" else source.settle_accounts
    rules = Rules(*costs.rates(), 1.0, options.rebalance == "always", options.delisting_bars)
    _over_threads(lambda first, last: run(first, last, feed, accounts, rules), len(weights), engine)
    return [_track(n, accounts, options.start) for n in range(len(weights))]


def _require_known(options: Options, outside: Outside, engine: str) -> None:
    require_built(options)
    if engine not in ENGINES:
        raise OptionError(f"unknown simulator engine {engine!r}; known: {', '.join(ENGINES)}")
    for name in ("volatility", "funding_rate"):
        if getattr(outside, name) is not None:
            raise OptionError(f"simulator series {name} is not available in this version; leave it out")


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


@numba.njit(cache=True, nogil=True)
def _unpack(prices: np.ndarray, opens: np.ndarray, closes: np.ndarray) -> None:
    """Copy opens and closes by bar: the kernel walks over assets inside a bar (41 -> 23 ms)."""
    for start in range(0, len(opens), BLOCK):
        for a in range(len(prices)):
            for t in range(start, min(start + BLOCK, len(opens))):
                opens[t, a], closes[t, a] = prices[a, t, 0], prices[a, t, 3]


@numba.njit(cache=True, nogil=True)
def _count_bad(values: np.ndarray, present: np.ndarray) -> int:
    """How many present bars hold something that is no price."""
    bad = 0
    for t in range(values.shape[0]):
        for a in range(values.shape[1]):
            value = values[t, a]
            bad += present[t, a] & ((not value > 0.0) | (value == np.inf))
    return bad


@numba.njit(cache=True, nogil=True)
def _turns(target: np.ndarray, decided: np.ndarray) -> int:
    """How often decided targets change side, f64[T, A]: no account makes more round trips than that, and one an asset.

    Fills follow a part of the decided targets in order, and a part of a sequence never changes side more often.
    """
    changes, side = 0, np.zeros(target.shape[1], np.int8)
    for t in range(target.shape[0]):
        for a in range(target.shape[1]):
            now = (target[t, a] > 0.0) - (target[t, a] < 0.0) if decided[t, a] else side[a]
            changes += now != side[a]
            side[a] = now
    return changes


def _feed(prices: np.ndarray, present: np.ndarray) -> Feed:
    """What the kernel reads, by bar.

    Raises:
        DataError: a present bar without a usable open or close.
    """
    opens, closes = np.empty(present.shape[::-1]), np.empty(present.shape[::-1])
    _unpack(prices, opens, closes)
    feed = Feed(opens, closes, _by_bar(present))
    if _count_bad(opens, feed.present) + _count_bad(closes, feed.present) > 0:
        usable = (prices[:, :, [0, 3]] > 0.0) & (prices[:, :, [0, 3]] < np.inf)
        a, t, column = np.argwhere(present[:, :, np.newaxis] & ~usable)[0]
        raise DataError(
            f"simulator: the {('open', 'close')[column]} of asset {a} at bar {t} is {prices[a, t, 3 * column]}, "
            "which is no price; mask the bar"
        )
    return feed


def _by_bar(values: np.ndarray) -> np.ndarray:
    """[..., A, T] as a fresh contiguous [..., T, A]."""
    return np.array(np.swapaxes(values, -1, -2), order="C", copy=True)


def _open_accounts(weights: np.ndarray, decided: np.ndarray, options: Options) -> Account:
    """State and outputs of N accounts before the first bar."""
    n, assets, bars = weights.shape
    target = _by_bar(np.asarray(weights, np.float64))
    asked = _by_bar(np.broadcast_to(decided, (n, assets, bars)))
    most = max((_turns(target[i], asked[i]) for i in range(n)), default=0) + assets
    if options.delisting_bars > 0:
        most += assets * (bars // options.delisting_bars)
    money = np.zeros((n, source.MONEY_ENTRIES))
    money[:, [source.CASH, source.EQUITY]] = options.start
    return Account(
        target=target,
        decided=asked,
        asset=np.zeros((n, assets, source.ASSET_COLUMNS)),
        money=money,
        rows=np.zeros((n, bars, source.ROW_COLUMNS)),
        weights=np.zeros((n, bars, assets)),
        trades=np.empty((n, most, source.TRADE_COLUMNS)),
    )


@cache
def _compiled() -> Callable[..., Any]:
    """`settle_accounts` compiled for the CPU; fastmath stays off, so it equals the interpreted one bit by bit.

    The kernel allocates nothing, so Numba's reference counting is off (`_nrt`): 23 ms instead of 110 for 143 assets x
    17,520 bars. The interpreter lock is released, so threads run it side by side.
    """
    flags: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}
    return numba.njit(**flags)(source.settle_accounts)


def _over_threads(run: Callable[[int, int], None], count: int, engine: Engine) -> None:
    """`run(first, last)` over equal parts of `count` accounts, one part a thread."""
    threads = min(thread_count(), count) if engine == "njit" else 1
    if threads <= 1:
        run(0, count)
        return
    edges = [count * i // threads for i in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        for part in [pool.submit(run, *edge) for edge in pairwise(edges)]:
            part.result()


def _track(n: int, accounts: Account, start: float) -> Track:
    """Account n's outputs under their names."""
    rows = accounts.rows[n]

    def column(index: int) -> np.ndarray:
        return np.ascontiguousarray(rows[:, index])

    return Track(
        gross=column(source.GROSS),
        commission=column(source.COMMISSION),
        spread=column(source.SPREAD),
        slippage=column(source.SLIPPAGE),
        impact=column(source.IMPACT),
        borrow=column(source.BORROW),
        funding=column(source.FUNDING),
        net=column(source.NET),
        equity=np.concatenate([[start], rows[:, source.WORTH]]),
        weights=accounts.weights[n],
        traded=column(source.TRADED),
        trades=_trades(accounts.trades[n, : int(accounts.money[n, source.TRADES])]),
    )


def _trades(table: np.ndarray) -> np.ndarray:
    """The kernel's table of round trips as `TRADE_FIELDS`, in order of their end."""
    trades = np.empty(len(table), TRADE_FIELDS)
    names = ("asset", "entry_bar", "exit_bar", "side", "reason", "gross", "cost")
    for index, name in enumerate(names):
        trades[name] = table[:, index]
    trades["net"] = trades["gross"] - trades["cost"]
    return trades
