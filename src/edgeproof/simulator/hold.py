"""What happens to positions without an order: funding, borrow, brackets, delisting, liquidation, ruin."""

# A assets

import numpy as np
from numba.extending import register_jitable

from edgeproof.simulator.account import (
    BLOCK,
    BORROW,
    BORROWED,
    BY_DELISTING,
    BY_LIQUIDATION,
    BY_RUIN,
    BY_STOP,
    BY_TARGET,
    BY_TIME,
    CASH,
    DUE,
    EQUITY,
    FUNDED,
    FUNDING,
    GAIN,
    GROSS,
    HELD,
    MARK,
    MISSING,
    ORDER,
    RUINED,
    STOP,
    TAKE,
    TRADE_GROSS,
    TRADES,
    UNITS,
    Account,
    Feed,
    Fill,
    Rules,
)
from edgeproof.simulator.fill import end_trade, execute, larger, smaller, whole

__all__ = ["borrow", "bracket", "delist", "fund", "liquidate", "ruin"]


@register_jitable
def fund(t: int, feed: Feed, account: Account) -> None:
    """Funding due at the open of `t`, on what is held into it: longs pay a positive rate, shorts receive it."""
    asset = account.asset
    for a in range(asset.shape[0]):
        units, rate = asset[a, UNITS], feed.funding[t, a]
        if units != 0.0 and rate != 0.0:
            paid = units * (feed.open[t, a] if feed.present[t, a] else asset[a, MARK]) * rate
            asset[a, FUNDED] += paid
            account.bar[FUNDING] += paid
            account.money[CASH] -= paid


@register_jitable
def borrow(t: int, feed: Feed, account: Account, rules: Rules) -> None:
    """What is borrowed through bar `t` is paid for: assets sold short, and money of longs beyond the equity.

    It is due after the open's fills, bar or no bar, so a trade pays for every bar in which it was held.
    """
    asset, equity, long = account.asset, account.money[CASH], 0.0
    for a in range(asset.shape[0]):
        worth = asset[a, UNITS] * (feed.open[t, a] if feed.present[t, a] else asset[a, MARK])
        equity += worth
        long += larger(worth, 0.0)
    interest = rules.interest * larger(long - larger(equity, 0.0), 0.0) / long if long > 0.0 else 0.0
    for a in range(asset.shape[0]):
        worth = asset[a, UNITS] * (feed.open[t, a] if feed.present[t, a] else asset[a, MARK])
        paid = worth * interest if worth > 0.0 else -worth * rules.borrow
        asset[a, BORROWED] += paid
        account.bar[BORROW] += paid
        account.money[CASH] -= paid


@register_jitable
def _leave(a: int, t: int, fill: Fill, account: Account, rules: Rules) -> None:
    """Close a position against its signal: nothing is ordered, nor entered on this side until the signal changes."""
    account.asset[a, BLOCK], account.asset[a, ORDER] = -fill.side, 0.0
    execute(a, t, fill, account, rules)


@register_jitable
def _exit_at(a: int, t: int, feed: Feed, asset: np.ndarray) -> tuple[float, int]:
    """Price at which the bracket of asset `a` closes in bar `t`, and why; 0 if it does not.

    The time first, then the stop (at the open if the bar opened beyond it), then the target, never better than itself.
    """
    stop, take, start = asset[a, STOP], asset[a, TAKE], feed.open[t, a]
    if t >= asset[a, DUE]:
        return start, BY_TIME
    if asset[a, UNITS] > 0.0:
        if feed.low[t, a] <= stop:
            return smaller(start, stop), BY_STOP
        return (take, BY_TARGET) if feed.high[t, a] >= take else (0.0, BY_TARGET)
    if feed.high[t, a] >= stop:
        return larger(start, stop), BY_STOP
    return (take, BY_TARGET) if feed.low[t, a] <= take else (0.0, BY_TARGET)


@register_jitable
def bracket(t: int, feed: Feed, account: Account, rules: Rules) -> None:
    """Close what reached its stop, its target or its time in bar `t`; the bar of the entry counts."""
    asset = account.asset
    for a in range(asset.shape[0]):
        if asset[a, UNITS] != 0.0 and feed.present[t, a]:
            price, reason = _exit_at(a, t, feed, asset)
            if price > 0.0:
                impact = feed.impact[t, a] if rules.impacted else 0.0
                _leave(a, t, whole(asset[a, UNITS], price, impact, 0.0, reason), account, rules)


@register_jitable
def delist(t: int, row: int, feed: Feed, account: Account, rules: Rules) -> None:
    """Close, at the last valid price, what has had no bar for `delisting_bars` bars.

    The last decided target, in a row before `row`, counts as done, also one decided in the halt: should bars come back,
    `changes` waits for another one.
    """
    asset = account.asset
    for a in range(asset.shape[0]):
        asset[a, MISSING] = 0.0 if feed.present[t, a] else asset[a, MISSING] + 1.0
        if asset[a, MISSING] == rules.delisting_bars and asset[a, UNITS] != 0.0:
            impact = feed.impact[t, a] if rules.impacted else 0.0
            last = row - 1
            while not account.decided[last, a]:  # a position was decided on
                last -= 1
            asset[a, ORDER], asset[a, HELD] = 0.0, account.target[last, a]
            execute(a, t, whole(asset[a, UNITS], asset[a, MARK], impact, 0.0, BY_DELISTING), account, rules)


@register_jitable
def liquidate(t: int, feed: Feed, account: Account, rules: Rules) -> None:
    """Close everything at the marks if the equity is below the maintenance margin on the gross exposure."""
    asset, exposure = account.asset, 0.0
    for a in range(asset.shape[0]):
        exposure += abs(asset[a, UNITS]) * asset[a, MARK]
    if account.money[EQUITY] < rules.margin * exposure:
        for a in range(asset.shape[0]):
            if asset[a, UNITS] != 0.0:
                impact = feed.impact[t, a] if rules.impacted else 0.0
                fill = whole(asset[a, UNITS], asset[a, MARK], impact, rules.penalty, BY_LIQUIDATION)
                _leave(a, t, fill, account, rules)
        account.money[EQUITY] = account.money[CASH]


@register_jitable
def ruin(t: int, account: Account) -> None:
    """End the account at zero: a loss beyond the equity is not the account's, so trades share what is taken off it.

    It is shared by notional; with nothing open it belongs to the trade that ended last.
    """
    asset, money = account.asset, account.money
    beyond, notional = -money[EQUITY], 0.0
    for a in range(asset.shape[0]):
        notional += abs(asset[a, UNITS]) * asset[a, MARK]
    last = int(money[TRADES]) - 1
    if notional == 0.0 and 0 <= last < account.trades.shape[0]:
        account.trades[last, TRADE_GROSS] += beyond
    for a in range(asset.shape[0]):
        units = asset[a, UNITS]
        if units != 0.0:
            asset[a, GAIN] += beyond * (abs(units) * asset[a, MARK] / notional)
            end_trade(a, t, units, BY_RUIN, account)
            asset[a, UNITS] = 0.0
    account.bar[GROSS] += beyond
    money[CASH], money[EQUITY], money[RUINED] = 0.0, 0.0, 1.0
