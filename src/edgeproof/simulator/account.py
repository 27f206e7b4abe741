"""What an account is: the columns of its arrays, the rules it obeys and the series it reads, for every engine."""

# N accounts, A assets, T bars, C trades at most

from typing import NamedTuple

import numpy as np

__all__ = ["Account", "Feed", "Fill", "Rules"]

# Columns of `asset`, one row an asset.
UNITS, MARK, HELD, ORDER, ASKED, ENTRY, MISSING, BLOCK, SIGMA, STOP, TAKE, DUE = range(12)
GAIN, FEES, VOLUME, PUSHED, BORROWED, FUNDED = range(12, 18)  # of the trade in progress, as they end in `trades`
ASSET_COLUMNS = 18
# Entries of `money`.
CASH, EQUITY, ORDERS, RUINED, TRADES = range(5)
MONEY_ENTRIES = 5
# Rows of `rows`, one column a bar; entries of `bar`, where the bar in progress is summed up.
GROSS, COMMISSION, SPREAD, SLIPPAGE, IMPACT, BORROW, FUNDING, NET, TRADED = range(9)
KINDS = 9
# Columns of `trades`, one row a round trip.
ASSET, ENTERED, LEFT, SIDE, REASON = range(5)
TRADE_GROSS, TRADE_FEES, TRADE_VOLUME, TRADE_IMPACT, TRADE_BORROW, TRADE_FUNDING = range(5, 11)
TRADE_COLUMNS = 11
# Why a trade ended, in the order of `track.REASONS`.
BY_SIGNAL, BY_END, BY_RUIN, BY_DELISTING, BY_LIQUIDATION, BY_STOP, BY_TARGET, BY_TIME = range(8)
NO_TARGET = np.inf  # in HELD: whatever the next target is, it is asked for


class Rules(NamedTuple):
    """The numbers that an account obeys: costs as shares of traded notional, limits, modes; zero is off."""

    commission: float
    maker: float
    spread: float
    slippage: float
    per_unit: float
    minimum: float
    borrow: float
    interest: float
    gross_limit: float
    margin: float
    penalty: float
    lot: float
    smallest: float
    turnover: float
    stop: float
    take: float
    stop_volatilities: float
    take_volatilities: float
    bracket_bars: int
    delisting_bars: int
    always: bool
    carry: bool
    capped: bool
    impacted: bool
    funded: bool
    bracketed: bool
    in_volatilities: bool
    convex: bool
    at_close: bool
    brief: bool


class Feed(NamedTuple):
    """What every account reads by bar, f64[T, A]; what no rule asks for is f64[0, 0].

    Prices are valid where `present` bool[T, A]; `volatility` is 0 where unknown; `funding` is the rate due at the open
    of t; `impact` x sqrt(units) is the cost of a fill in t as a share of its notional, infinite where unknown;
    `capacity` is how many units an order may trade in t.
    """

    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    present: np.ndarray
    volatility: np.ndarray
    funding: np.ndarray
    impact: np.ndarray
    capacity: np.ndarray


class Account(NamedTuple):
    """What one account owns.

    `target` f64[T, A], `decided` bool[T, A], `asset` f64[A, 18], `money` f64[5], `bar` f64[9], `rows` f64[9, T],
    `equity` f64[T+1], `weights` f64[T, A], `trades` f64[C, 11]. A row of `rows` that stays zero is never written, so
    the machine never finds memory for it: a third of the time of a sweep over parameters went there. Round trips past
    the end of `trades` are counted in `money`, and not written.
    """

    target: np.ndarray
    decided: np.ndarray
    asset: np.ndarray
    money: np.ndarray
    bar: np.ndarray
    rows: np.ndarray
    equity: np.ndarray
    weights: np.ndarray
    trades: np.ndarray


class Fill(NamedTuple):
    """What of an order is filled: units that close and units that open, and at which terms.

    `side` is +1 for a purchase, -1 for a sale; `impact` as in `Feed`; `penalty` a share of notional on top of the
    commission; `reason` is why a trade ended, if this fill ends one.
    """

    price: float
    side: float
    closing: float
    opening: float
    impact: float
    penalty: float
    reason: int
