"""Runs accounts over a panel: `njit` compiled and threaded over accounts, `python` the same source interpreted.

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
from edgeproof.simulator import account as layout
from edgeproof.simulator.account import Account, Feed, Rules
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.feed import Outside, by_bar, feed_of
from edgeproof.simulator.options import Options
from edgeproof.simulator.settle import settle_accounts
from edgeproof.simulator.track import TRADE_FIELDS, Track

__all__ = ["ENGINES", "Engine", "simulate", "simulate_many"]

Engine = Literal["njit", "python"]
ENGINES: tuple[Engine, ...] = ("njit", "python")
KERNEL_FILES = ("account.py", "fill.py", "hold.py", "settle.py")

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
        OptionError: an unknown engine, a series that nothing reads or that is missing.
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
    _require_known(engine)
    decided = np.asarray(decided, bool)
    _check(prices, present, weights, decided)
    feed = feed_of(prices, present, costs, options, outside)
    accounts = _open_accounts(weights, decided, options)
    run = _compiled() if engine == "njit" else settle_accounts
    rules = _rules(costs, options, funded=outside.funding_rate is not None)
    _over_threads(lambda first, last: run(first, last, feed, accounts, rules), len(weights), engine)
    return [_track(n, accounts, options) for n in range(len(weights))]


def _rules(costs: CostsConfig, options: Options, *, funded: bool) -> Rules:
    """Costs and options as the kernel reads them."""
    rates = costs.rates()
    return Rules(
        commission=rates.commission,
        spread=rates.spread,
        slippage=rates.slippage,
        per_unit=costs.commission_per_unit,
        minimum=costs.commission_minimum,
        borrow=costs.borrow_bps_per_bar / 1e4,
        interest=costs.interest_bps_per_bar / 1e4,
        gross_limit=options.leverage or 1.0,
        margin=options.maintenance_margin,
        penalty=options.liquidation_bps / 1e4,
        lot=options.lot,
        smallest=options.minimum_notional,
        turnover=options.turnover_limit,
        stop=options.stop_loss,
        take=options.take_profit,
        stop_volatilities=options.stop_volatilities,
        take_volatilities=options.take_volatilities,
        bracket_bars=options.bracket_bars,
        delisting_bars=options.delisting_bars,
        always=options.rebalance == "always",
        carry=options.carry_unfilled,
        capped=options.participation > 0.0,
        impacted=costs.impact > 0.0,
        funded=funded,
        bracketed=options.has_bracket,
        in_volatilities=options.in_volatilities,
        convex=costs.impact > 0.0 or costs.commission_per_unit > 0.0 or costs.commission_minimum > 0.0,
        at_close=options.fill_at_close,
    )


def _require_known(engine: str) -> None:
    if engine not in ENGINES:
        raise OptionError(f"unknown simulator engine {engine!r}; known: {', '.join(ENGINES)}")


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


def _open_accounts(weights: np.ndarray, decided: np.ndarray, options: Options) -> Account:
    """State and outputs of N accounts before the first bar."""
    n, assets, bars = weights.shape
    target = by_bar(np.asarray(weights, np.float64))
    asked = by_bar(np.broadcast_to(decided, (n, assets, bars)))
    most = max((_turns(target[i], asked[i]) for i in range(n)), default=0) + assets
    if options.lot > 0.0:  # a target may be no lot at one decision and one lot at the next
        most = max((int(asked[i].sum()) for i in range(n)), default=0) + assets
    if options.delisting_bars > 0:
        most += assets * (bars // options.delisting_bars)
    money = np.zeros((n, layout.MONEY_ENTRIES))
    money[:, [layout.CASH, layout.EQUITY]] = options.start
    return Account(
        target=target,
        decided=asked,
        asset=np.zeros((n, assets, layout.ASSET_COLUMNS)),
        money=money,
        rows=np.zeros((n, bars, layout.ROW_COLUMNS)),
        weights=np.zeros((n, bars, assets)),
        trades=np.empty((n, most, layout.TRADE_COLUMNS)),
    )


@cache
def _compiled() -> Callable[..., Any]:
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


def _track(n: int, accounts: Account, options: Options) -> Track:
    """Account n's outputs under their names."""
    rows = accounts.rows[n]

    def column(index: int) -> np.ndarray:
        return np.ascontiguousarray(rows[:, index])

    return Track(
        gross=column(layout.GROSS),
        commission=column(layout.COMMISSION),
        spread=column(layout.SPREAD),
        slippage=column(layout.SLIPPAGE),
        impact=column(layout.IMPACT),
        borrow=column(layout.BORROW),
        funding=column(layout.FUNDING),
        net=column(layout.NET),
        equity=np.concatenate([[options.start], rows[:, layout.WORTH]]),
        weights=accounts.weights[n],
        traded=column(layout.TRADED),
        trades=_trades(accounts.trades[n, : int(accounts.money[n, layout.TRADES])]),
        stamps=("fill_at_close",) if options.fill_at_close else (),
    )


def _trades(table: np.ndarray) -> np.ndarray:
    """The kernel's table of round trips as `TRADE_FIELDS`, in order of their end."""
    trades = np.empty(len(table), TRADE_FIELDS)
    names = ("asset", "entry_bar", "exit_bar", "side", "reason", "gross", "cost")
    for index, name in enumerate(names):
        trades[name] = table[:, index]
    trades["net"] = trades["gross"] - trades["cost"]
    return trades
