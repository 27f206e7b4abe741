"""The account without options: what the simulator's kernel would be if it knew target weights and three costs only.

The yardstick for options that are off (`simulator.py`): same state, same outputs (money by bar and kind, weights, round
trips), same arithmetic where no option is on, so both must agree to the last bit.
"""

# A assets, T bars, C trades at most
# ruff: noqa: C901, PLR0913, PLR0915, PLR0917 - a bare kernel: arrays in, arrays out, nothing bundled

from typing import Any

import numba

from edgeproof.simulator import account as columns

__all__ = ["bare"]

UNITS, MARK, HELD, ORDER, ASKED, ENTRY, GAIN, FEES, VOLUME = range(9)
CASH, EQUITY, ORDERS, RUINED, TRADES = range(5)
GROSS, COMMISSION, SPREAD, SLIPPAGE = columns.GROSS, columns.COMMISSION, columns.SPREAD, columns.SLIPPAGE
NET, TRADED = columns.NET, columns.TRADED


@numba.njit(forceinline=True)
def _end(a, t, units, reason, asset, money, trades):
    n = int(money[TRADES])
    trades[n, 0], trades[n, 1], trades[n, 2] = a, asset[a, ENTRY], t
    trades[n, 3], trades[n, 4] = 1.0 if units > 0.0 else -1.0, reason
    trades[n, 5], trades[n, 6], trades[n, 7] = asset[a, GAIN], asset[a, FEES], asset[a, VOLUME]
    money[TRADES] += 1.0
    asset[a, GAIN], asset[a, FEES], asset[a, VOLUME] = 0.0, 0.0, 0.0


@numba.njit(forceinline=True)
def _closing(units, order):
    return min(abs(order), abs(units)) if order * units < 0.0 else 0.0


@numba.njit(forceinline=True)
def _fill(t, opens, present, asset, money, bar, trades, commission, running):
    count = asset.shape[0]
    equity, kept, closed, added, rate = money[CASH], 0.0, 0.0, 0.0, running + commission
    for a in range(count):
        units, order, at = asset[a, UNITS], asset[a, ORDER], asset[a, MARK]
        if present[t, a]:
            at = opens[t, a]
        exposed = abs(units)
        if order != 0.0 and present[t, a]:
            closing = _closing(units, order)
            closed += closing * at
            added += (abs(order) - closing) * at
            exposed -= closing
        equity += units * at
        kept += exposed * at
    room = max(equity - rate * closed - kept, 0.0)
    need = added + rate * added
    share = 1.0 if need <= room else room / need
    share = share if share > 1e-9 else 0.0
    for a in range(count):
        order, units = asset[a, ORDER], asset[a, UNITS]
        if order != 0.0 and present[t, a]:
            side, price = 1.0 if order > 0.0 else -1.0, opens[t, a]
            closing = _closing(units, order)
            opening = abs(order) - closing
            if share < 1.0:
                opening = opening * share
            size = closing + opening
            if size > 0.0:
                notional = size * price
                fee = notional * commission
                cost = fee + notional * running
                gain = units * (price - asset[a, MARK])
                paid, volume = fee, notional
                asset[a, GAIN] += gain
                left = units + side * closing
                now = left + side * opening
                if left == 0.0:
                    if closing > 0.0:
                        part = closing / size
                        asset[a, FEES] += paid * part
                        asset[a, VOLUME] += volume * part
                        _end(a, t, units, columns.BY_SIGNAL, asset, money, trades)
                        paid, volume = paid - paid * part, volume - volume * part
                    if opening > 0.0:
                        asset[a, ENTRY] = t
                asset[a, FEES] += paid
                asset[a, VOLUME] += volume
                asset[a, UNITS], asset[a, MARK] = now, price
                money[CASH] -= (now - units) * price + cost
                bar[GROSS] += gain
                bar[COMMISSION] += fee
                bar[TRADED] += notional
            asset[a, HELD], asset[a, ORDER] = asset[a, ASKED], 0.0
        elif order != 0.0:
            asset[a, ORDER] = 0.0


@numba.njit(forceinline=True)
def _mark(t, closes, present, asset, money, bar):
    equity, gross = money[CASH], 0.0
    for a in range(asset.shape[0]):
        units = asset[a, UNITS]
        if present[t, a]:
            gain = units * (closes[t, a] - asset[a, MARK])
            asset[a, GAIN] += gain
            asset[a, MARK] = closes[t, a]
            gross += gain
        equity += units * asset[a, MARK]
    bar[GROSS] += gross
    money[EQUITY] = equity


@numba.njit(forceinline=True)
def _decide(t, target, decided, asset, money, always):
    orders = 0.0
    for a in range(asset.shape[0]):
        mark = asset[a, MARK]
        if decided[t, a] and mark > 0.0 and (always or target[t, a] != asset[a, HELD]):
            order = target[t, a] * money[EQUITY] / mark - asset[a, UNITS]
            asset[a, ORDER], asset[a, ASKED] = order, target[t, a]
            if order == 0.0:
                asset[a, HELD] = target[t, a]
        if asset[a, ORDER] != 0.0:
            orders += 1.0
    money[ORDERS] = orders


@numba.njit(forceinline=True)
def _ruin(t, asset, money, bar, trades):
    beyond, notional = -money[EQUITY], 0.0
    for a in range(asset.shape[0]):
        notional += abs(asset[a, UNITS]) * asset[a, MARK]
    for a in range(asset.shape[0]):
        if asset[a, UNITS] != 0.0:
            asset[a, GAIN] += beyond * (abs(asset[a, UNITS]) * asset[a, MARK] / notional)
            _end(a, t, asset[a, UNITS], columns.BY_RUIN, asset, money, trades)
            asset[a, UNITS] = 0.0
    bar[GROSS] += beyond
    money[CASH], money[EQUITY], money[RUINED] = 0.0, 0.0, 1.0


FLAGS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}


@numba.njit(**FLAGS)
def bare(opens, closes, present, account, rates, always):
    """One account over all its bars; arrays as in `simulator.account`, rates: commission, spread, slippage."""
    commission, spread, slippage = rates
    target, decided, asset, money, bar, rows, equity, weights, trades = account
    bars = rows.shape[1]
    for t in range(bars):
        if money[RUINED] == 0.0:
            before = money[EQUITY]
            if money[ORDERS] > 0.0:
                _fill(t, opens, present, asset, money, bar, trades, commission, spread + slippage)
            _mark(t, closes, present, asset, money, bar)
            if money[EQUITY] <= 0.0:
                _ruin(t, asset, money, bar, trades)
            else:
                _decide(t, target, decided, asset, money, always)
                for a in range(asset.shape[0]):
                    weights[t, a] = asset[a, UNITS] * asset[a, MARK] / money[EQUITY]
            notional, gross, fee = bar[TRADED], bar[GROSS], bar[COMMISSION]
            if notional > 0.0:
                rows[COMMISSION, t], rows[TRADED, t] = fee, notional / before
                rows[SPREAD, t], rows[SLIPPAGE, t] = notional * spread, notional * slippage
            rows[GROSS, t], rows[NET, t] = gross, gross - (fee + notional * spread + notional * slippage)
            bar[TRADED], bar[GROSS], bar[COMMISSION] = 0.0, 0.0, 0.0
        equity[t + 1] = money[EQUITY]
    for a in range(asset.shape[0]):
        if asset[a, UNITS] != 0.0:
            _end(a, bars - 1, asset[a, UNITS], columns.BY_END, asset, money, trades)
