"""The account a second time, written differently: objects, asset after asset, the fitting share by bisection.

Shares no line with `edgeproof.simulator`: equity is start + gains - costs (there: cash + units x price), volatility and
volume of the impact are summed anew at each fill, and round trips are cut out of each asset's history afterwards.
"""

import math
from dataclasses import dataclass, field

ANYTHING = object()  # no target equals it


@dataclass
class Plain:
    gross: list = field(default_factory=list)
    cost: list = field(default_factory=list)
    equity: list = field(default_factory=list)
    traded: list = field(default_factory=list)
    weights: list = field(default_factory=list)
    events: dict = field(default_factory=dict)  # asset -> [(bar, units before, units after, gain, cost a unit, why)]


@dataclass
class Position:
    units: float = 0.0
    mark: float = 0.0
    done: object = 0.0
    told: object = 0.0  # the last target that was decided
    missing: int = 0
    barred: int = 0
    order: float = 0.0
    asked: object = 0.0
    sigma: float = 0.0
    stop: float | None = None
    take: float | None = None
    due: float = math.inf


class Bars:
    """What is known about the bars, looked up one at a time."""

    def __init__(self, prices, present, costs, options, outside):
        self.prices, self.present, self.costs, self.options = prices, present, costs, options
        self.volatility, self.funding, self.swings = outside.volatility, outside.funding_rate, outside.impact_volatility

    def price(self, a, t, column):
        return float(self.prices[a, t, column])

    def before(self, a, t):
        return [r for r in range(t) if self.present[a, r]]

    def impact(self, a, t):
        """Cost of the square root of a unit; None where it is unknown."""
        n, rows = self.costs.impact_bars, self.before(a, t)
        if self.costs.impact == 0:
            return 0.0
        while len(rows) > n:
            volume = sum(self.price(a, r, 4) for r in rows[-n:])
            if self.swings is None:
                pairs = zip(rows[-n - 1 : -1], rows[-n:], strict=True)
                swing = math.sqrt(sum((self.price(a, s, 3) / self.price(a, r, 3) - 1) ** 2 for r, s in pairs))
            else:
                swing = float(self.swings[a, rows[-1]]) * math.sqrt(n)
            if volume > 0 and math.isfinite(swing):
                return self.costs.impact * swing / math.sqrt(volume)
            rows = rows[:-1]
        return None

    def capacity(self, a, t):
        if self.options.participation == 0:
            return math.inf
        rows = self.before(a, t)
        return self.options.participation * self.price(a, rows[-1], 4) if rows else 0.0

    def lots(self, units):
        lot = self.options.lot
        return units if lot == 0 else math.floor(units / lot + 1e-6) * lot

    def charge(self, size, price, impact, penalty=0.0, rests=False):
        c, worth = self.costs, size * price
        bps = c.maker_bps if rests and c.maker_bps is not None else c.commission_bps
        fee = max(worth * bps / 1e4 + size * c.commission_per_unit, c.commission_minimum)
        other = (c.half_spread_bps + c.slippage_bps) / 1e4 + penalty + impact * math.sqrt(size)
        return fee + worth * other


def run(prices, present, weights, decided, costs, options, outside):
    """Plain lists of the account's money; shapes as in `simulate`, decided bool[A, T]."""
    bars = Bars(prices, present, costs, options, outside)
    out = Plain(events={a: [] for a in range(len(present))})
    book = {a: Position() for a in range(len(present))}
    equity, dead = options.start, False
    for t in range(present.shape[1]):
        day = Day(t, equity, book, bars, out.events)
        if not dead:
            day.live(weights, decided)
            equity = day.worth()
        if equity <= 0 and not dead:
            day.gains.append(-equity)
            equity, dead = 0.0, True
        out.gross.append(sum(day.gains))
        out.cost.append(sum(day.costs))
        out.traded.append(sum(day.notional) / day.start if day.start > 0 else 0.0)
        out.equity.append(equity)
        out.weights.append([0.0 if dead else p.units * p.mark / equity for p in book.values()])
    return out


class Day:
    """One bar of the account."""

    def __init__(self, t, equity, book, bars, events):
        self.t, self.start, self.book, self.bars, self.events = t, equity, book, bars, events
        self.gains, self.costs, self.notional = [], [], []

    def worth(self):
        return self.start + sum(self.gains) - sum(self.costs)

    def now(self, a, column):
        return self.bars.price(a, self.t, column) if self.bars.present[a, self.t] else self.book[a].mark

    def trade(self, a, price, after, why, penalty=0.0):
        p, o = self.book[a], self.bars.options
        size, was = abs(after - p.units), p.units
        cost = self.bars.charge(size, price, self.bars.impact(a, self.t), penalty, why == "target")
        self.costs.append(cost)
        self.notional.append(size * price)
        self.gains.append(was * (price - p.mark))
        self.events[a].append((self.t, was, after, self.gains[-1], cost / size, why))
        p.units, p.mark = after, price
        if after != 0 and was * after <= 0:
            side = 1 if after > 0 else -1
            stop, take = (share or v * p.sigma for share, v in distances(o))
            p.stop = price - side * stop * price if stop else None
            p.take = price + side * take * price if take else None
            p.due = self.t + o.bracket_bars + o.fill_at_close if o.bracket_bars else math.inf

    def leave(self, a, price, why, penalty=0.0):
        p = self.book[a]
        p.barred, p.order = (1 if p.units > 0 else -1), 0.0
        self.trade(a, price, 0.0, why, penalty)

    def hold(self, a, paid):
        self.costs.append(paid)
        units = self.book[a].units
        self.events[a].append((self.t, units, units, 0.0, paid, "hold"))

    def live(self, weights, decided):  # noqa: C901 - one plain day
        o, present = self.bars.options, self.bars.present
        if self.bars.funding is not None:
            for a, p in self.book.items():
                if p.units:
                    self.hold(a, p.units * self.now(a, 0) * float(self.bars.funding[a, self.t]))
        if not o.fill_at_close:
            self.fill(0)
        for a, p in self.book.items():
            p.missing = 0 if present[a, self.t] else p.missing + 1
            if o.delisting_bars and p.missing == o.delisting_bars and p.units:
                p.order, p.done = 0.0, p.told
                self.trade(a, p.mark, 0.0, "delisted")
        self.borrow()
        for a, p in self.book.items():
            if p.units and present[a, self.t]:
                self.bracket(a, p)
        self.mark()
        exposure = sum(abs(p.units) * p.mark for p in self.book.values())
        if 0 < self.worth() < o.maintenance_margin * exposure:
            for a, p in self.book.items():
                if p.units:
                    self.leave(a, p.mark, "liquidated", o.liquidation_bps / 1e4)
        self.worth_now = self.worth()
        if self.worth_now > 0:
            for a, p in self.book.items():
                if decided[a, self.t] and p.mark > 0:
                    self.decide(a, p, float(weights[a, self.t]), self.worth_now)
            if o.fill_at_close:
                self.fill(3)

    def mark(self):
        for a, p in self.book.items():
            if self.bars.present[a, self.t]:
                close = self.bars.price(a, self.t, 3)
                self.gains.append(p.units * (close - (p.mark or close)))
                self.events[a].append((self.t, p.units, p.units, self.gains[-1], 0.0, "mark"))
                p.mark = close
        self.worth_now = self.worth()

    def borrow(self):
        c = self.bars.costs
        value = {a: p.units * self.now(a, 0) for a, p in self.book.items()}
        equity = self.worth() + sum(p.units * (self.now(a, 0) - p.mark) for a, p in self.book.items() if p.units)
        long = sum(v for v in value.values() if v > 0)
        owed = max(0.0, long - max(0.0, equity))
        for a, v in value.items():
            if v < 0 and c.borrow_bps_per_bar:
                self.hold(a, -v * c.borrow_bps_per_bar / 1e4)
            if v > 0 and owed and c.interest_bps_per_bar:
                self.hold(a, owed * (v / long) * c.interest_bps_per_bar / 1e4)

    def bracket(self, a, p):
        start, high, low = (self.bars.price(a, self.t, column) for column in (0, 1, 2))
        long = p.units > 0
        if self.t >= p.due:
            self.leave(a, start, "time")
        elif p.stop is not None and (start <= p.stop if long else start >= p.stop):
            self.leave(a, start, "stop")
        elif p.stop is not None and (low <= p.stop if long else high >= p.stop):
            self.leave(a, p.stop, "stop")
        elif p.take is not None and (high >= p.take if long else low <= p.take):
            self.leave(a, p.take, "target")

    def decide(self, a, p, target, equity):
        o, p.told = self.bars.options, target
        if p.barred and (target > 0) - (target < 0) == p.barred:
            return
        p.barred = 0
        if o.rebalance == "changes" and p.done == target:
            return
        wanted = math.copysign(self.bars.lots(abs(target * equity / p.mark)), target)
        if abs(wanted) < 1e-12 * abs(p.units):
            wanted = 0.0
        waits = False
        if o.stop_volatilities or o.take_volatilities:
            sigma = float(self.bars.volatility[a, self.t])
            if math.isfinite(sigma) and sigma > 0:
                p.sigma = sigma
            else:
                most = p.units if wanted * p.units > 0 else 0.0
                waits = abs(wanted) > abs(most)
                wanted = most if waits else wanted
        change = wanted - p.units
        if wanted and abs(change) < 0.5 * o.lot:
            change = 0.0
        was, p.order, p.asked = p.order, change, ANYTHING if waits else target
        if change == 0 and (was or not waits):
            p.done = p.asked

    def fill(self, column):
        o, live = self.bars.options, {}
        for a, p in self.book.items():
            if p.order and self.bars.present[a, self.t] and self.bars.impact(a, self.t) is not None:
                live[a] = self.cap(a, p)
            elif p.order:
                p.order = 0.0
                if p.done == p.asked:
                    p.done = ANYTHING
        less, more = self.shares(live, column)
        for a, (closing, opening) in live.items():
            p, price = self.book[a], self.bars.price(a, self.t, column)
            side = math.copysign(1.0, p.order)
            full, _ = parts(p.units, p.order)
            rest = p.order - side * (closing + opening) if o.carry_unfilled and less == 1 else 0.0
            shut = closing if less == 1 else self.bars.lots(closing * less)
            if o.lot and shut and abs(p.units) - shut < o.lot / 2:
                shut = abs(p.units)  # whole lots but for rounding
            new = self.bars.lots(opening * more)
            if (shut + new) * price < o.minimum_notional:  # only what closes a position is too small for nobody
                full_close = p.units and shut == abs(p.units)
                shut, new, dropped = (shut if full_close else 0.0), 0.0, shut
            else:
                dropped = shut
            if shut + new > 0:
                left = 0.0 if shut == abs(p.units) else p.units + side * shut
                self.trade(a, price, left + side * new, "signal")
            p.done = ANYTHING if dropped < full and rest == 0 else p.asked
            p.order = rest

    def cap(self, a, p):
        closing, opening = parts(p.units, p.order)
        most = self.bars.capacity(a, self.t)
        if closing + opening <= most:
            return closing, opening
        most = self.bars.lots(most)
        return min(closing, most), max(0.0, most - closing)

    def shares(self, live, column):
        """The largest shares of closings and openings that the limits leave room for."""
        o = self.bars.options
        price = {a: self.now(a, column) for a in self.book}
        equity = self.worth() + sum(p.units * (price[a] - p.mark) for a, p in self.book.items() if p.units)
        closed = sum(closing * price[a] for a, (closing, _) in live.items())
        added = sum(opening * price[a] for a, (_, opening) in live.items())
        most = o.turnover_limit * (self.worth_now if column else self.start) or math.inf
        if closed > most:
            return most / closed, 0.0
        least = sum(self.bars.charge(x, price[a], self.bars.impact(a, self.t)) for a, (x, _) in live.items())
        all_ = sum(self.bars.charge(x + y, price[a], self.bars.impact(a, self.t)) for a, (x, y) in live.items())
        kept = sum(abs(p.units) * price[a] for a, p in self.book.items()) - closed

        def fits(share):
            if closed + share * added > most:
                return False
            return kept + share * added <= (o.leverage or 1.0) * (equity - (1 - share) * least - share * all_)

        if fits(1.0):
            return 1.0, 1.0
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if fits(middle) else (low, middle)
        return 1.0, low if low > 1e-9 else 0.0


def distances(o):
    return (o.stop_loss, o.stop_volatilities), (o.take_profit, o.take_volatilities)


def parts(units, change):
    """Units of an order that bring the position towards flat, and units that lead away from it."""
    after = units + change
    if units == 0 or units * change > 0:
        return 0.0, abs(change)
    if units * after >= 0:
        return min(abs(change), abs(units)), 0.0
    return abs(units), abs(after)


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
        cost += per_unit if why == "hold" else abs(after - before) * per_unit
        if entry is None and after != 0:
            entry, side = t, 1 if after > 0 else -1
    if entry is not None:
        trips.append((entry, last, side, gross, cost, "end"))
    return trips
