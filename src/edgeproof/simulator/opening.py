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


def rules_of(costs: CostsConfig, options: Options, *, funded: bool) -> Rules:
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
    )


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


def open_accounts(weights: np.ndarray, decided: np.ndarray, options: Options, *, kept: int) -> Account:
    """State and outputs of N accounts before the first bar; `rows` and `weights` are there for `kept` of them."""
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
