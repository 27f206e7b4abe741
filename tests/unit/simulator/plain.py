"""The account a second time, written differently: dictionaries, asset after asset, the fitting share by bisection.

Shares no line with `edgeproof.simulator.settle`: equity is start + gains - costs (there: cash + units x price), and
round trips are cut out of each asset's history afterwards (there: summed on the way).
"""

from dataclasses import dataclass, field


@dataclass
class Plain:
    gross: list = field(default_factory=list)
    cost: list = field(default_factory=list)
    equity: list = field(default_factory=list)
    traded: list = field(default_factory=list)
    weights: list = field(default_factory=list)
    events: dict = field(default_factory=dict)  # asset -> [(bar, units before, units after, gain, cost a unit, why)]


def run(prices, present, weights, decided, *, rate, always=False, delisting=0, start=1.0):  # noqa: C901 - one plain loop
    """Plain lists of the account's money; shapes as in `simulate`, decided bool[A, T]."""
    A, T = present.shape
    units, mark, done, missing = (
        dict.fromkeys(range(A), 0.0),
        {},
        dict.fromkeys(range(A), 0.0),
        dict.fromkeys(range(A), 0),
    )
    orders, equity, out, dead = {}, start, Plain(events={a: [] for a in range(A)}), False
    for t in range(T):
        if dead:
            for record, value in ((out.gross, 0.0), (out.cost, 0.0), (out.traded, 0.0), (out.equity, 0.0)):
                record.append(value)
            out.weights.append([0.0] * A)
            continue
        gains, costs, notional = [], [], []
        live = {a: order for a, order in orders.items() if present[a, t]}
        opens = {a: float(prices[a, t, 0]) for a in live}
        at_open = equity + sum(units[a] * (opens[a] - mark[a]) for a in live)
        at_open += sum(units[a] * (float(prices[a, t, 0]) - mark[a]) for a in mark if present[a, t] and a not in live)
        worth = {a: float(prices[a, t, 0]) if present[a, t] else mark[a] for a in mark}
        share = fitting_share(units, live, worth, at_open, rate)
        for a, (change, target) in live.items():
            after = apply(units[a], change, share)
            size = abs(after - units[a]) * opens[a]
            gains.append(units[a] * (opens[a] - mark[a]))
            costs.append(size * rate)
            notional.append(size)
            out.events[a].append((t, units[a], after, gains[-1], opens[a] * rate, "signal"))
            units[a], mark[a], done[a] = after, opens[a], target
        for a in range(A):
            missing[a] = 0 if present[a, t] else missing[a] + 1
            if delisting and missing[a] == delisting and units[a] != 0:
                costs.append(abs(units[a]) * mark[a] * rate)
                notional.append(abs(units[a]) * mark[a])
                out.events[a].append((t, units[a], 0.0, 0.0, mark[a] * rate, "delisted"))
                units[a] = 0.0
        for a in range(A):
            if present[a, t]:
                close = float(prices[a, t, 3])
                gains.append(units[a] * (close - mark.get(a, close)))
                out.events[a].append((t, units[a], units[a], gains[-1], 0.0, "mark"))
                mark[a] = close
        before, equity = equity, equity + sum(gains) - sum(costs)
        out.cost.append(sum(costs))
        out.traded.append(sum(notional) / before)
        if equity <= 0:
            gains.append(-equity)
            equity, dead, orders = 0.0, True, {}
            out.weights.append([0.0] * A)
        else:
            out.weights.append([units[a] * mark.get(a, 0.0) / equity for a in range(A)])
            orders = {}
            for a, price in mark.items():
                target = float(weights[a, t])
                if decided[a, t] and (always or target != done[a]):
                    change = target * equity / price - units[a]
                    if change == 0:
                        done[a] = target
                    else:
                        orders[a] = (change, target)
        out.gross.append(sum(gains))
        out.equity.append(equity)
    return out


def apply(units, change, share):
    """Units after an order whose part beyond flat, or away from it, is filled by `share`."""
    wanted = units + change
    if units * wanted >= 0 and abs(wanted) <= abs(units):
        return 0.0 if abs(wanted) < 1e-15 * abs(units) else wanted
    kept = units if units * wanted > 0 else 0.0
    return kept + (wanted - kept) * share


def fitting_share(units, live, worth, equity, rate):
    """The largest share in [0, 1] that leaves gross exposure within the equity after costs, by bisection."""

    def fits(share):
        held = {a: apply(units[a], live[a][0], share) if a in live else units[a] for a in worth}
        paid = sum(abs(held[a] - units[a]) * worth[a] * rate for a in live)
        return sum(abs(held[a]) * worth[a] for a in worth) <= equity - paid

    if fits(1.0):
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low if low > 1e-9 else 0.0


def round_trips(events, last):
    """[(entry bar, exit bar, side, gross, cost, why)] of one asset, cut where its units reach or cross zero."""
    trips, entry, gross, cost = [], None, 0.0, 0.0
    side = 0
    for t, was, after, gain, per_unit, why in events:
        gross, before = gross + gain, was
        if before != 0 and (after == 0 or before * after < 0):
            trips.append((entry, t, side, gross, cost + abs(before) * per_unit, why))
            gross, cost, entry, side = 0.0, 0.0, None, 0
            before = 0.0
        cost += abs(after - before) * per_unit
        if entry is None and after != 0:
            entry, side = t, 1 if after > 0 else -1
    if entry is not None:
        trips.append((entry, last, side, gross, cost, "end"))
    return trips
