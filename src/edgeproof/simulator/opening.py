"""Accounts as they stand before their first bar, and costs and options as the kernel reads them."""

# N accounts, A assets, T bars

import numba
import numpy as np

from edgeproof.simulator import account as layout
from edgeproof.simulator.account import Account, Rules
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.feed import by_bar
from edgeproof.simulator.options import Options

__all__ = ["open_accounts", "rules_of"]

VANISHED = 1e-6  # of the target before: with the moves of equity and price this may come to nothing beside the position


def rules_of(costs: CostsConfig, options: Options, *, funded: bool, brief: bool = False) -> Rules:
    """Costs and options as the kernel reads them."""
    rates = costs.rates()
    return Rules(
        commission=rates.commission,
        maker=rates.commission if costs.maker_bps is None else costs.maker_bps / 1e4,
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
        brief=brief,
    )


@numba.njit(cache=True, nogil=True)
def _most_turns(target: np.ndarray, decided: np.ndarray) -> int:
    """How often decided targets change side, or all but vanish, in the account that changes them most, f64[N, T, A].

    Fills follow a part of the decided targets in order, and a part of a sequence never changes side more often.
    """
    most, side, last = 0, np.zeros(target.shape[2], np.int8), np.zeros(target.shape[2])
    for n in range(target.shape[0]):
        changes, k = 0, n % decided.shape[0]
        side[:], last[:] = 0, 0.0
        for t in range(target.shape[1]):
            for a in range(target.shape[2]):
                wanted = target[n, t, a]
                if wanted != last[a] and decided[k, t, a]:
                    now = (wanted > 0.0) - (wanted < 0.0)
                    changes += (now != side[a]) | (abs(wanted) < VANISHED * abs(last[a]))
                    side[a], last[a] = now, wanted
        most = max(most, changes)
    return most


def _most_trades(target: np.ndarray, decided: np.ndarray, options: Options) -> int:
    """Round trips to make room for; who makes more (equity or prices changed a billionfold) is run again."""
    _, bars, assets = target.shape
    # In lots a target may be none at one decision and one at the next.
    most = int(decided.sum(axis=(1, 2)).max(initial=0)) if options.lot > 0.0 else _most_turns(target, decided)
    return most + assets + (assets * (bars // options.delisting_bars) if options.delisting_bars > 0 else 0)


def open_accounts(
    weights: np.ndarray, decided: np.ndarray, options: Options, *, kept: int, room: int | None = None
) -> Account:
    """State and outputs of N accounts before the first bar.

    Args:
        weights: f64[N, A, T] target positions.
        decided: bool[T], [A, T] or [N, A, T].
        options: rules of the accounts.
        kept: accounts for which `rows` and `weights` are there.
        room: round trips that each table holds; by default an estimate.
    """
    n, assets, bars = weights.shape
    target = by_bar(np.asarray(weights, np.float64))
    asked = by_bar(decided if decided.ndim == 3 else np.broadcast_to(decided, (1, assets, bars)))
    most = _most_trades(target, asked, options) if room is None else room
    money = np.zeros((n, layout.MONEY_ENTRIES))
    money[:, [layout.CASH, layout.EQUITY]] = options.start
    equity = np.empty((n, bars + 1))
    equity[:, 0] = options.start
    return Account(
        target=target,
        decided=asked,
        asset=np.zeros((n, assets, layout.ASSET_COLUMNS)),
        money=money,
        bar=np.zeros((n, layout.KINDS)),
        rows=np.zeros((kept, layout.KINDS, bars)),
        equity=equity,
        weights=np.zeros((kept, bars, assets)),
        trades=np.empty((n, most, layout.TRADE_COLUMNS)),
    )
