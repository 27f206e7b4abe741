"""Orders become units: all orders of a moment share one equity and one scale, so the order of assets cannot matter."""

# A assets

import math

import numpy as np
from numba.extending import register_jitable

from edgeproof.simulator.account import (
    ASKED,
    ASSET,
    BY_SIGNAL,
    BY_TARGET,
    CASH,
    COMMISSION,
    DUE,
    ENTERED,
    ENTRY,
    EQUITY,
    FEES,
    GAIN,
    GROSS,
    HELD,
    IMPACT,
    LEFT,
    MARK,
    NO_TARGET,
    ORDER,
    PUSHED,
    REASON,
    SIDE,
    SIGMA,
    STOP,
    TAKE,
    TRADE_COLUMNS,
    TRADE_GROSS,
    TRADED,
    TRADES,
    UNITS,
    VOLUME,
    Account,
    Feed,
    Fill,
    Rules,
)

__all__ = ["cost_of", "end_trade", "execute", "fill_orders", "in_lots", "larger", "smaller", "whole"]

DUST = 1e-9
MOST_LOTS = 2.0**52  # beyond it every double is a whole number of lots


@register_jitable(forceinline=True)
def larger(one: float, other: float) -> float:
    """`max` of two; Numba's own does not compile for GPUs."""
    return other if other > one else one


@register_jitable(forceinline=True)
def smaller(one: float, other: float) -> float:
    """`min` of two, likewise."""
    return other if other < one else one


@register_jitable
def end_trade(a: int, t: int, units: float, reason: int, account: Account) -> None:
    """Write the round trip of asset `a`, of which `units` were left when it ended in bar `t`; clear its sums.

    Past the end of the table it is only counted; whoever runs the account then runs it again with a longer one.
    """
    asset, trades, n = account.asset, account.trades, int(account.money[TRADES])
    account.money[TRADES] += 1.0
    room = n < trades.shape[0]
    if room:
        trades[n, ASSET], trades[n, ENTERED], trades[n, LEFT] = a, asset[a, ENTRY], t
        trades[n, SIDE], trades[n, REASON] = 1.0 if units > 0.0 else -1.0, reason
    for kind in range(TRADE_COLUMNS - TRADE_GROSS):
        if room:
            trades[n, TRADE_GROSS + kind] = asset[a, GAIN + kind]
        asset[a, GAIN + kind] = 0.0


@register_jitable(forceinline=True)
def in_lots(units: float, rules: Rules) -> float:
    """Units >= 0 rounded down to whole lots; a millionth of a lot is rounding error."""
    if rules.lot > 0.0 and units < rules.lot * MOST_LOTS:
        return math.floor(units / rules.lot + 1e-6) * rules.lot
    return units


@register_jitable(forceinline=True)
def cost_of(size: float, price: float, rate: float, impact: float, rules: Rules) -> tuple[float, float]:
    """Commission at `rate` and impact of an order that trades `size` units, in money; both convex in the size."""
    notional = size * price
    if not rules.convex:
        return notional * rate, 0.0
    commission = larger(notional * rate + size * rules.per_unit, rules.minimum)
    return commission, (impact * math.sqrt(size) * notional if impact > 0.0 else 0.0)


@register_jitable
def whole(units: float, price: float, impact: float, penalty: float, reason: int) -> Fill:
    """The fill that closes a position of `units`."""
    return Fill(price, -1.0 if units > 0.0 else 1.0, abs(units), 0.0, impact, penalty, reason)


@register_jitable
def _enter(a: int, t: int, fill: Fill, account: Account, rules: Rules) -> None:
    """A position begins: remember when, and where its bracket stands."""
    asset, side = account.asset, fill.side
    asset[a, ENTRY] = t
    if rules.bracketed:
        stop = larger(rules.stop, rules.stop_volatilities * asset[a, SIGMA])
        take = larger(rules.take, rules.take_volatilities * asset[a, SIGMA])
        asset[a, STOP] = fill.price * (1.0 - side * stop) if stop > 0.0 else -side * np.inf
        asset[a, TAKE] = fill.price * (1.0 + side * take) if take > 0.0 else side * np.inf
        later = 1 if rules.at_close else 0
        asset[a, DUE] = t + later + rules.bracket_bars if rules.bracket_bars > 0 else np.inf


@register_jitable(forceinline=True)
def _charge(a: int, fee: float, volume: float, push: float, asset: np.ndarray) -> None:
    """Book a fill to the trade in progress: commission, notional (spread and slippage are shares of it), impact."""
    asset[a, FEES] += fee
    asset[a, VOLUME] += volume
    asset[a, PUSHED] += push


@register_jitable(forceinline=True)
def execute(a: int, t: int, fill: Fill, account: Account, rules: Rules) -> None:
    """Trade what `fill` says, and charge it at once.

    Costs go to the trade that causes them: the closing part's to the old one, the opening part's to the new one.
    """
    asset, bar, price, units = account.asset, account.bar, fill.price, account.asset[a, UNITS]
    size = fill.closing + fill.opening
    notional = size * price
    rate = rules.maker if fill.reason == BY_TARGET else rules.commission  # a target rests in the book
    commission, impact = cost_of(size, price, rate, fill.impact, rules)
    commission += notional * fill.penalty
    cost = commission + impact + notional * (rules.spread + rules.slippage)
    gain = units * (price - asset[a, MARK])
    fee, volume, push = commission, notional, impact
    asset[a, GAIN] += gain
    left = units + fill.side * fill.closing
    now = left + fill.side * fill.opening
    if left == 0.0:
        if fill.closing > 0.0:
            share = fill.closing / size
            _charge(a, fee * share, volume * share, push * share, asset)
            end_trade(a, t, units, fill.reason, account)
            fee, volume, push = fee - fee * share, volume - volume * share, push - push * share
        if fill.opening > 0.0:
            _enter(a, t, fill, account, rules)
    _charge(a, fee, volume, push, asset)
    asset[a, UNITS], asset[a, MARK] = now, price
    account.money[CASH] -= (now - units) * price + cost
    bar[GROSS] += gain
    bar[COMMISSION] += commission
    if rules.convex:
        bar[IMPACT] += impact
    bar[TRADED] += notional


@register_jitable(forceinline=True)
def _closing(units: float, order: float) -> float:
    """How much of an order only reduces the position, in units >= 0."""
    return smaller(abs(order), abs(units)) if order * units < 0.0 else 0.0


@register_jitable(forceinline=True)
def _may_fill(a: int, t: int, feed: Feed, rules: Rules) -> bool:
    """There is a bar, and what a fill in it costs is known."""
    return feed.present[t, a] and (not rules.impacted or feed.impact[t, a] < np.inf)


@register_jitable(forceinline=True)
def _sizes(a: int, t: int, feed: Feed, account: Account, rules: Rules) -> tuple[float, float]:
    """Units of the order that close and that open, within what the participation cap lets through."""
    order, units = account.asset[a, ORDER], account.asset[a, UNITS]
    size, closing = abs(order), _closing(units, order)
    if rules.capped and size > feed.capacity[t, a]:
        size = in_lots(feed.capacity[t, a], rules)
        closing = smaller(closing, size)
    return closing, size - closing


@register_jitable(forceinline=True)
def _shares(t: int, price: np.ndarray, feed: Feed, account: Account, rules: Rules) -> tuple[float, float]:
    """Shares of all closing and of all opening parts that are filled, by the turnover limit and the exposure limit.

    Exposure: kept + k x added <= limit x (equity - costs(k)), where costs(k) are taken as (1 - k) x those of the
    closings alone + k x those of everything: exact for costs in proportion, an upper bound for convex ones.
    """
    asset, limit, most = account.asset, rules.gross_limit, rules.turnover * account.money[EQUITY]
    rate = rules.spread + rules.slippage + (0.0 if rules.convex else rules.commission)
    equity, kept, closed, added, first, more = account.money[CASH], 0.0, 0.0, 0.0, 0.0, 0.0
    for a in range(asset.shape[0]):
        units, at = asset[a, UNITS], price[t, a] if feed.present[t, a] else asset[a, MARK]
        exposed = abs(units)
        if asset[a, ORDER] != 0.0 and _may_fill(a, t, feed, rules):
            closing, opening = _sizes(a, t, feed, account, rules)
            if rules.convex:
                impact = feed.impact[t, a] if rules.impacted else 0.0
                fee, push = cost_of(closing, at, rules.commission, impact, rules)
                all_fee, all_push = cost_of(closing + opening, at, rules.commission, impact, rules)
                first += fee + push
                more += (all_fee - fee) + (all_push - push)
            closed += closing * at
            added += opening * at
            exposed -= closing
        equity += units * at
        kept += exposed * at
    if most > 0.0 and closed > most:
        return most / closed, 0.0
    room = larger(limit * (equity - first - rate * closed) - kept, 0.0)
    need = added + limit * (more + rate * added)
    share = 1.0 if need <= room else room / need
    if most > 0.0 and share * added > most - closed:
        share = (most - closed) / added
    return 1.0, (share if share > DUST else 0.0)  # a full account's rounding error is no room


@register_jitable(forceinline=True)
def _settle_order(a: int, wanted: float, closing: float, rest: float, account: Account) -> None:
    """What remains of an order after its bar.

    A reduction that was cut short is asked for again whatever the next target is; any other part that was cut is gone,
    but for `rest`, which stays an order.
    """
    asset = account.asset
    cut = closing < wanted and rest == 0.0
    asset[a, HELD], asset[a, ORDER] = NO_TARGET if cut else asset[a, ASKED], rest


@register_jitable(forceinline=True)
def fill_orders(t: int, price: np.ndarray, feed: Feed, account: Account, rules: Rules) -> None:
    """Fill every order that has a bar at `t`, at `price` f64[T, A], all at the same shares; cancel the others."""
    asset = account.asset
    closing_share, opening_share = _shares(t, price, feed, account, rules)
    for a in range(asset.shape[0]):
        order, units = asset[a, ORDER], asset[a, UNITS]
        if order != 0.0 and _may_fill(a, t, feed, rules):
            side, wanted = 1.0 if order > 0.0 else -1.0, _closing(units, order)
            closing, opening = _sizes(a, t, feed, account, rules)
            rest = side * (abs(order) - (closing + opening)) if rules.carry else 0.0
            if closing_share < 1.0:
                closing, rest = in_lots(closing * closing_share, rules), 0.0
            if opening_share < 1.0:
                opening = in_lots(opening * opening_share, rules)
            if rules.lot > 0.0 and 0.0 < abs(units) - closing < 0.5 * rules.lot and closing > 0.0:
                closing = abs(units)  # units are whole lots: less than half of one is rounding error, not a position
            size = closing + opening
            if size * price[t, a] < rules.smallest:  # what closes a position is never too small
                opening, size = 0.0, closing if closing == abs(units) else 0.0
            if size > 0.0:
                impact = feed.impact[t, a] if rules.impacted else 0.0
                fill = Fill(price[t, a], side, closing, opening, impact, 0.0, BY_SIGNAL)
                execute(a, t, fill, account, rules)
            _settle_order(a, wanted, closing, rest, account)
        elif order != 0.0:
            asset[a, ORDER] = 0.0
            if asset[a, HELD] == asset[a, ASKED]:  # it was carried: its target was taken for reached
                asset[a, HELD] = NO_TARGET
