"""The account, written once: one bar of one account, in plain scalar arithmetic.

The order of events in bar t (docs/theory/fills.md):

1. open    orders decided at the close of t-1 fill together; without a bar at t an order is cancelled
2. close   positions are marked at the close, without a bar at the last valid price; equity <= 0 ends the account
3. close   where `decided`, targets become orders in units: target x equity / mark - units

The same functions run interpreted and compiled (`engines`), equal to the last bit: inside them are only + - * /, abs,
min, max and comparisons, and no sum is taken across accounts.
"""

# N accounts, A assets, T bars, C trades at most
# Everything lives in this file because Numba's cache only watches the file of the function that is compiled.

from typing import NamedTuple

import numpy as np
from numba.extending import register_jitable

__all__ = ["Account", "Feed", "Fill", "Rules", "settle", "settle_account", "settle_accounts"]

# Columns of `asset`, one row an asset.
UNITS, MARK, HELD, ORDER, ASKED, ENTRY, GAIN, PAID, MISSING = range(9)
ASSET_COLUMNS = 9
# Entries of `money`.
CASH, EQUITY, ORDERS, RUINED, TRADES = range(5)
MONEY_ENTRIES = 5
# Columns of `rows`, one row a bar.
GROSS, COMMISSION, SPREAD, SLIPPAGE, IMPACT, BORROW, FUNDING, NET, WORTH, TRADED = range(10)
ROW_COLUMNS = 10
# Columns of `trades`, one row a round trip.
ASSET, ENTERED, LEFT, SIDE, REASON, TRADE_GROSS, TRADE_COST = range(7)
TRADE_COLUMNS = 7
DUST = 1e-9
# Why a trade ended, in the order of `track.REASONS`.
BY_SIGNAL, BY_END, BY_RUIN, BY_DELISTING = range(4)


class Rules(NamedTuple):
    """The numbers that an account obeys: costs as shares of traded notional, limits, modes."""

    commission: float
    spread: float
    slippage: float
    gross_limit: float
    always: bool
    delisting_bars: int


class Feed(NamedTuple):
    """What every account reads: prices f64[T, A], valid where `present` bool[T, A]."""

    open: np.ndarray
    close: np.ndarray
    present: np.ndarray


class Account(NamedTuple):
    """What one account owns.

    `target` f64[T, A], `decided` bool[T, A], `asset` f64[A, 9], `money` f64[5], `rows` f64[T, 10],
    `weights` f64[T, A], `trades` f64[C, 7].
    """

    target: np.ndarray
    decided: np.ndarray
    asset: np.ndarray
    money: np.ndarray
    rows: np.ndarray
    weights: np.ndarray
    trades: np.ndarray


class Fill(NamedTuple):
    """How an order is filled: at which price, which share of its opening part, and why a trade that it ends ended."""

    price: float
    share: float
    reason: int


@register_jitable
def _end_trade(a: int, t: int, units: float, reason: int, account: Account) -> None:
    """Write the round trip of asset `a`, of which `units` were left when it ended in bar `t`; clear its sums."""
    asset, trades, n = account.asset, account.trades, int(account.money[TRADES])
    trades[n, ASSET], trades[n, ENTERED], trades[n, LEFT] = a, asset[a, ENTRY], t
    trades[n, SIDE], trades[n, REASON] = 1.0 if units > 0.0 else -1.0, reason
    trades[n, TRADE_GROSS], trades[n, TRADE_COST] = asset[a, GAIN], asset[a, PAID]
    account.money[TRADES] += 1.0
    asset[a, GAIN], asset[a, PAID] = 0.0, 0.0


@register_jitable
def _closing(units: float, order: float) -> float:
    """How much of an order only reduces the position, in units >= 0."""
    return min(max(-order if units > 0.0 else order, 0.0), abs(units))


@register_jitable
def _execute(a: int, t: int, fill: Fill, account: Account, rules: Rules) -> tuple[float, float, float]:
    """Fill the order of asset `a`: its closing part whole, its opening part by the share that fits.

    Costs go to the trade that causes them: the closing part's to the old one, the opening part's to the new one.

    Returns:
        The gain since the last mark, the cash spent before costs, the notional traded.
    """
    asset, price = account.asset, fill.price
    units, order, gained, paid = asset[a, UNITS], asset[a, ORDER], asset[a, GAIN], asset[a, PAID]
    rate = rules.commission + rules.spread + rules.slippage
    gain = units * (price - asset[a, MARK])
    gained += gain
    side = 1.0 if order > 0.0 else -1.0
    closing = _closing(units, order)
    opening = (abs(order) - closing) * fill.share
    left = units + side * closing
    if left == 0.0:
        if closing > 0.0:
            asset[a, GAIN], asset[a, PAID] = gained, paid + closing * price * rate
            _end_trade(a, t, units, fill.reason, account)
            gained = 0.0
        asset[a, ENTRY] = t
        paid = opening * price * rate
    else:
        paid += (closing + opening) * price * rate
    now = left + side * opening
    asset[a, UNITS], asset[a, MARK], asset[a, HELD], asset[a, ORDER] = now, price, asset[a, ASKED], 0.0
    asset[a, GAIN], asset[a, PAID] = gained, paid
    return gain, (now - units) * price, (closing + opening) * price


@register_jitable
def _charge(t: int, notional: float, account: Account, rules: Rules) -> None:
    """Book the costs of the notional traded at once, by kind, and take them from the cash."""
    rows, money = account.rows, account.money
    commission, spread, slippage = notional * rules.commission, notional * rules.spread, notional * rules.slippage
    rows[t, COMMISSION] += commission
    rows[t, SPREAD] += spread
    rows[t, SLIPPAGE] += slippage
    rows[t, TRADED] += notional / money[EQUITY]
    money[CASH] -= commission + spread + slippage


@register_jitable
def _share_that_fits(t: int, feed: Feed, account: Account, rules: Rules) -> float:
    """Share of all opening orders after which gross exposure is within the limit of the equity left by the costs.

    kept + k x added <= limit x (equity - rate x closed - k x rate x added), solved for k.
    """
    asset, limit = account.asset, rules.gross_limit
    rate = rules.commission + rules.spread + rules.slippage
    equity, kept, closed, added = account.money[CASH], 0.0, 0.0, 0.0
    for a in range(asset.shape[0]):
        units, order, price = asset[a, UNITS], 0.0, asset[a, MARK]
        if feed.present[t, a]:
            order, price = asset[a, ORDER], feed.open[t, a]
        closing = _closing(units, order)
        equity += units * price
        kept += (abs(units) - closing) * price
        closed += closing * price
        added += (abs(order) - closing) * price
    room = limit * (equity - rate * closed) - kept
    need = added + limit * rate * added
    share = 1.0 if need <= max(room, 0.0) else max(room, 0.0) / need
    return share if share > DUST else 0.0  # a full account's rounding error is no room


@register_jitable
def _fill(t: int, feed: Feed, account: Account, rules: Rules) -> None:
    """Fill every order that has a bar at `t`, all at the same share; cancel the others."""
    asset, notional, gross, spent = account.asset, 0.0, 0.0, 0.0
    share = _share_that_fits(t, feed, account, rules)
    for a in range(asset.shape[0]):
        if asset[a, ORDER] != 0.0 and feed.present[t, a]:
            gain, cash, size = _execute(a, t, Fill(feed.open[t, a], share, BY_SIGNAL), account, rules)
            gross += gain
            spent += cash
            notional += size
        else:
            asset[a, ORDER] = 0.0
    account.rows[t, GROSS] += gross
    account.money[CASH] -= spent
    _charge(t, notional, account, rules)


@register_jitable
def _delist(t: int, feed: Feed, account: Account, rules: Rules) -> None:
    """Close, at the last valid price, what has had no bar for `delisting_bars` bars.

    What was asked for counts as done: should bars come back, `changes` waits for another target.
    """
    asset, notional, spent = account.asset, 0.0, 0.0
    for a in range(asset.shape[0]):
        asset[a, MISSING] = 0.0 if feed.present[t, a] else asset[a, MISSING] + 1.0
        if asset[a, MISSING] == rules.delisting_bars and asset[a, UNITS] != 0.0:
            asset[a, ORDER], asset[a, ASKED] = -asset[a, UNITS], asset[a, HELD]
            _, cash, size = _execute(a, t, Fill(asset[a, MARK], 1.0, BY_DELISTING), account, rules)
            spent += cash
            notional += size
    account.money[CASH] -= spent
    _charge(t, notional, account, rules)


@register_jitable
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
    account.rows[t, GROSS] += gross
    account.money[EQUITY] = equity


@register_jitable
def _ruin(t: int, account: Account) -> None:
    """End the account at zero: a loss beyond the equity is not the account's, so trades share what is taken off it.

    It is shared by notional; with nothing open it belongs to the trade that ended last.
    """
    asset, money = account.asset, account.money
    beyond, notional = -money[EQUITY], 0.0
    for a in range(asset.shape[0]):
        notional += abs(asset[a, UNITS]) * asset[a, MARK]
    if notional == 0.0:
        account.trades[int(money[TRADES]) - 1, TRADE_GROSS] += beyond
    for a in range(asset.shape[0]):
        units = asset[a, UNITS]
        if units != 0.0:
            asset[a, GAIN] += beyond * (abs(units) * asset[a, MARK] / notional)
            _end_trade(a, t, units, BY_RUIN, account)
            asset[a, UNITS] = 0.0
    account.rows[t, GROSS] += beyond
    money[CASH], money[EQUITY], money[RUINED] = 0.0, 0.0, 1.0


@register_jitable
def _weigh(t: int, account: Account) -> None:
    """Write the positions at this close as shares of equity."""
    asset, equity = account.asset, account.money[EQUITY]
    for a in range(asset.shape[0]):
        account.weights[t, a] = asset[a, UNITS] * asset[a, MARK] / equity


@register_jitable
def _decide(t: int, account: Account, rules: Rules) -> None:
    """Turn targets into orders, all sized by the equity at this close and the assets' last valid prices."""
    asset, money, equity = account.asset, account.money, account.money[EQUITY]
    orders = 0.0
    for a in range(asset.shape[0]):
        target, mark = account.target[t, a], asset[a, MARK]
        if account.decided[t, a] and mark > 0.0 and (rules.always or target != asset[a, HELD]):
            order = target * equity / mark - asset[a, UNITS]
            asset[a, ORDER], asset[a, ASKED] = order, target
            if order != 0.0:
                orders += 1.0
            else:
                asset[a, HELD] = target
    money[ORDERS] = orders


@register_jitable
def settle(t: int, feed: Feed, account: Account, rules: Rules) -> None:
    """One bar of one account: fills at the open, marks at the close, orders for the next open.

    Args:
        t: the bar; bars are settled in order, each once.
        feed: what all accounts read.
        account: what this account owns; changed in place.
        rules: costs, limits and modes.
    """
    money, rows = account.money, account.rows
    if money[RUINED] == 0.0:
        if money[ORDERS] > 0.0:
            _fill(t, feed, account, rules)
        if rules.delisting_bars > 0:
            _delist(t, feed, account, rules)
        _mark(t, feed, account)
        if money[EQUITY] <= 0.0:
            _ruin(t, account)
        else:
            _weigh(t, account)
            _decide(t, account, rules)
        rows[t, NET] = rows[t, GROSS] - (rows[t, COMMISSION] + rows[t, SPREAD] + rows[t, SLIPPAGE])
        rows[t, WORTH] = money[EQUITY]


@register_jitable
def settle_account(feed: Feed, account: Account, rules: Rules) -> None:
    """Every bar of one account; what is still open at the end becomes a trade that ended `BY_END`."""
    bars = account.rows.shape[0]
    for t in range(bars):
        settle(t, feed, account, rules)
    for a in range(account.asset.shape[0]):
        units = account.asset[a, UNITS]
        if units != 0.0:
            _end_trade(a, bars - 1, units, BY_END, account)


def settle_accounts(first: int, last: int, feed: Feed, accounts: Account, rules: Rules) -> None:
    """Accounts `first` to `last` (excluded), one after the other; arrays of `accounts` have a leading axis of N."""
    for n in range(first, last):
        account = Account(
            accounts.target[n],
            accounts.decided[n],
            accounts.asset[n],
            accounts.money[n],
            accounts.rows[n],
            accounts.weights[n],
            accounts.trades[n],
        )
        settle_account(feed, account, rules)
