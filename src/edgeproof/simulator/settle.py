"""The account, written once: one bar of one account, in plain scalar arithmetic.

The order of events in bar t (docs/theory/fills.md):

1. open    funding on what is held; orders decided at the close of t-1 fill together, without a bar they are cancelled
2. open    delisted assets are closed; what is borrowed through the bar is paid for
3. in t    brackets: time at the open, the stop, then the target; positions that were entered at this open too
4. close   positions are marked, without a bar at the last valid price; below the margin they are liquidated;
           equity <= 0 ends the account
5. close   where `decided`, targets become orders in units: target x equity / mark - units

The same functions run interpreted and compiled (`engines`), equal to the last bit: inside them are only + - * /, sqrt,
floor, abs and comparisons, and no sum is taken across accounts.

Events 1 and 2 are `open_bar`, 3 and 4 `close_bar`, 5 `decide`. Bar `t` of the feed and `row` of the account's targets
are one number here; an account that keeps its last targets only (`rl`) has one row.
"""

# N accounts, A assets, T bars

from numba.extending import register_jitable

from edgeproof.simulator.account import (
    ASKED,
    BLOCK,
    BORROW,
    BY_END,
    CASH,
    COMMISSION,
    EQUITY,
    FUNDING,
    GAIN,
    GROSS,
    HELD,
    IMPACT,
    MARK,
    NET,
    NO_TARGET,
    ORDER,
    ORDERS,
    RUINED,
    SIGMA,
    SLIPPAGE,
    SPREAD,
    TRADED,
    UNITS,
    Account,
    Feed,
    Rules,
)
from edgeproof.simulator.fill import end_trade, fill_orders, in_lots
from edgeproof.simulator.hold import borrow, bracket, delist, fund, liquidate, ruin

__all__ = ["close_bar", "decide", "open_bar", "settle", "settle_account", "settle_accounts"]

SPECK = 1e-12  # of a position: a target below it is flat


@register_jitable(forceinline=True)
def _mark(t: int, feed: Feed, account: Account) -> None:
    """Value the account at the closes; an asset without a bar keeps its last valid price."""
    asset, gross, equity = account.asset, 0.0, account.money[CASH]
    for a in range(asset.shape[0]):
        units = asset[a, UNITS]
        if feed.present[t, a]:
            close = feed.close[t, a]
            gain = units * (close - asset[a, MARK])
            asset[a, GAIN] += gain
            asset[a, MARK] = close
            gross += gain
        equity += units * asset[a, MARK]
    account.bar[GROSS] += gross
    account.money[EQUITY] = equity


@register_jitable(forceinline=True)
def _weigh(t: int, account: Account) -> None:
    """Write the positions at this close as shares of equity."""
    asset, equity = account.asset, account.money[EQUITY]
    for a in range(asset.shape[0]):
        account.weights[t, a] = asset[a, UNITS] * asset[a, MARK] / equity


@register_jitable(forceinline=True)
def _may_ask(a: int, row: int, account: Account, rules: Rules) -> bool:
    """Whether the target of asset `a` is to be traded: another one than held, and not barred."""
    asset, target = account.asset, account.target[row, a]
    if asset[a, BLOCK] != 0.0:
        if target * asset[a, BLOCK] > 0.0:
            return False
        asset[a, BLOCK] = 0.0
    return rules.always or target != asset[a, HELD]


@register_jitable(forceinline=True)
def _wanted(a: int, row: int, account: Account, rules: Rules) -> float:
    """Units that the target of asset `a` asks for: whole lots, and none where it is a speck beside the position.

    Without the latter, rounding would decide whether such a target ends the trade.
    """
    asset = account.asset
    wanted = account.target[row, a] * account.money[EQUITY] / asset[a, MARK]
    if rules.lot > 0.0:
        wanted = in_lots(wanted, rules) if wanted > 0.0 else -in_lots(-wanted, rules)
    return 0.0 if abs(wanted) < SPECK * abs(asset[a, UNITS]) else wanted


@register_jitable(forceinline=True)
def decide(t: int, row: int, feed: Feed, account: Account, rules: Rules) -> None:
    """Turn the targets of `row` into orders, all sized by the equity at the close of `t` and the last valid prices."""
    asset, orders = account.asset, 0.0
    for a in range(asset.shape[0]):
        if account.decided[row, a] and asset[a, MARK] > 0.0 and _may_ask(a, row, account, rules):
            target, units, wanted = account.target[row, a], asset[a, UNITS], _wanted(a, row, account, rules)
            asked = target
            if rules.in_volatilities and feed.volatility[t, a] > 0.0:
                asset[a, SIGMA] = feed.volatility[t, a]
            elif rules.in_volatilities:
                most = units if wanted * units > 0.0 else 0.0
                if abs(wanted) > abs(most):  # what would be opened has no bracket: it waits, and is asked for again
                    wanted, asked = most, NO_TARGET
            order = wanted - units
            if wanted != 0.0 and abs(order) < 0.5 * rules.lot:
                order = 0.0  # the same number of lots
            if order == 0.0 and (asked == target or asset[a, ORDER] != 0.0):
                asset[a, HELD] = asked
            asset[a, ORDER], asset[a, ASKED] = order, asked
        if asset[a, ORDER] != 0.0:
            orders += 1.0
    account.money[ORDERS] = orders


@register_jitable(forceinline=True)
def open_bar(t: int, row: int, feed: Feed, account: Account, rules: Rules) -> None:
    """What is done at the open of bar `t`; the targets before `row` were decided before it."""
    if rules.funded:
        fund(t, feed, account)
    if account.money[ORDERS] > 0.0 and not rules.at_close:
        fill_orders(t, feed.open, feed, account, rules)
    if rules.delisting_bars > 0:
        delist(t, row, feed, account, rules)
    if rules.borrow > 0.0 or rules.interest > 0.0:
        borrow(t, feed, account, rules)


@register_jitable(forceinline=True)
def close_bar(t: int, feed: Feed, account: Account, rules: Rules) -> None:
    """What is done in bar `t` after its open, up to the marks at its close."""
    if rules.bracketed:
        bracket(t, feed, account, rules)
    _mark(t, feed, account)
    if rules.margin > 0.0 and account.money[EQUITY] > 0.0:
        liquidate(t, feed, account, rules)


@register_jitable(forceinline=True)
def _write(t: int, before: float, account: Account, rules: Rules) -> None:
    """Put down what bar `t` brought, in an account that was worth `before`; zeros are there already."""
    bar, rows, gross, costs = account.bar, account.rows, account.bar[GROSS], 0.0
    notional = bar[TRADED]
    if notional > 0.0:
        spread, slippage = notional * rules.spread, notional * rules.slippage
        costs = bar[COMMISSION] + spread + slippage
        rows[COMMISSION, t], rows[SPREAD, t], rows[SLIPPAGE, t] = bar[COMMISSION], spread, slippage
        rows[TRADED, t] = notional / before
        if rules.convex:
            costs += bar[IMPACT]
            rows[IMPACT, t], bar[IMPACT] = bar[IMPACT], 0.0
        bar[COMMISSION], bar[TRADED] = 0.0, 0.0
    if rules.borrow > 0.0 or rules.interest > 0.0:
        costs += bar[BORROW]
        rows[BORROW, t], bar[BORROW] = bar[BORROW], 0.0
    if rules.funded:
        costs += bar[FUNDING]
        rows[FUNDING, t], bar[FUNDING] = bar[FUNDING], 0.0
    if gross != 0.0 or costs != 0.0:
        rows[GROSS, t], rows[NET, t], bar[GROSS] = gross, gross - costs, 0.0


@register_jitable(forceinline=True)
def settle(t: int, feed: Feed, account: Account, rules: Rules) -> None:
    """One bar of one account: fills at the open, brackets in the bar, marks at the close, orders for the next open.

    Args:
        t: the bar; bars are settled in order, each once.
        feed: what all accounts read.
        account: what this account owns; changed in place.
        rules: costs, limits and modes.
    """
    money = account.money
    if money[RUINED] == 0.0:
        before = money[EQUITY]
        open_bar(t, t, feed, account, rules)
        close_bar(t, feed, account, rules)
        if money[EQUITY] > 0.0:
            decide(t, t, feed, account, rules)
            if rules.at_close and money[ORDERS] > 0.0:
                fill_orders(t, feed.close, feed, account, rules)
                _mark(t, feed, account)
        if money[EQUITY] <= 0.0:
            ruin(t, account)
        elif not rules.brief:
            _weigh(t, account)
        if not rules.brief:
            _write(t, before, account, rules)
    account.equity[t + 1] = money[EQUITY]


@register_jitable
def settle_account(feed: Feed, account: Account, rules: Rules) -> None:
    """Every bar of one account; what is still open at the end becomes a trade that ended `BY_END`."""
    bars = account.rows.shape[1]
    for t in range(bars):
        settle(t, feed, account, rules)
    for a in range(account.asset.shape[0]):
        units = account.asset[a, UNITS]
        if units != 0.0:
            end_trade(a, bars - 1, units, BY_END, account)


@register_jitable
def settle_accounts(first: int, last: int, feed: Feed, accounts: Account, rules: Rules) -> None:
    """Accounts `first` to `last` (excluded), one after the other; arrays of `accounts` have a leading axis of N.

    Two exceptions: `decided` may be the same for all, and if the rules are `brief` nobody writes `rows` and `weights`.
    """
    kept, asked = accounts.rows.shape[0], accounts.decided.shape[0]
    for n in range(first, last):
        account = Account(
            accounts.target[n],
            accounts.decided[n % asked],
            accounts.asset[n],
            accounts.money[n],
            accounts.bar[n],
            accounts.rows[n % kept],
            accounts.equity[n],
            accounts.weights[n % kept],
            accounts.trades[n],
        )
        settle_account(feed, account, rules)
