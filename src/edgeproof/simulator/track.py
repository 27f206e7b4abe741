"""Money over time: what the simulator returns."""

# T bars, A assets

from dataclasses import dataclass

import numba
import numpy as np

from edgeproof.simulator import account as layout
from edgeproof.simulator.account import Account, Rules
from edgeproof.simulator.options import Options

__all__ = ["COST_KINDS", "REASONS", "TRADE_FIELDS", "Curves", "Track", "stamps_of", "track_of", "trades_of"]

COST_KINDS = ("commission", "spread", "slippage", "impact", "borrow", "funding")
# Why a trade ended; `end`: still open at the last bar.
REASONS = ("signal", "end", "ruin", "delisted", "liquidated", "stop", "target", "time")
TRADE_FIELDS = np.dtype(
    [
        ("asset", "i4"),
        ("entry_bar", "i4"),
        ("exit_bar", "i4"),
        ("side", "i1"),
        ("reason", "i1"),
        ("gross", "f8"),
        ("cost", "f8"),
        ("net", "f8"),
        *((kind, "f8") for kind in COST_KINDS),
    ]
)


@dataclass(frozen=True)
class Track:
    """One account's money per bar: net = gross - costs, equity[t+1] = equity[t] + net[t].

    Attributes:
        gross: f64[T] gain of the bar before every cost.
        commission, spread, slippage, impact, borrow, funding: f64[T] costs by kind (a received funding is negative).
        net: f64[T].
        equity: f64[T+1], equity[0] is the start.
        weights: f64[T, A] positions at the bar's close as shares of equity.
        traded: f64[T] notional traded in the bar as a share of the equity before it.
        trades: structured array of `TRADE_FIELDS`, one row a round trip (entry to flat or reversal), in order of
            their end; `reason` indexes `REASONS`. Gross, each kind of cost, cost and net sum to the track's.
        stamps: ablations that no market offers and every report has to name, such as `fill_at_close`.
    """

    gross: np.ndarray
    commission: np.ndarray
    spread: np.ndarray
    slippage: np.ndarray
    impact: np.ndarray
    borrow: np.ndarray
    funding: np.ndarray
    net: np.ndarray
    equity: np.ndarray
    weights: np.ndarray
    traded: np.ndarray
    trades: np.ndarray
    stamps: tuple[str, ...] = ()

    @property
    def costs(self) -> np.ndarray:
        """All costs of each bar, f64[T]."""
        return sum((getattr(self, kind) for kind in COST_KINDS), np.zeros_like(self.net))

    @property
    def net_return(self) -> np.ndarray:
        """Return of each bar on the equity before it, f64[T]; 0 after ruin."""
        before = self.equity[:-1]
        return np.where(before > 0, self.net / np.where(before > 0, before, 1.0), 0.0)

    @property
    def gross_return(self) -> np.ndarray:
        """Return of each bar before costs on the equity before it, f64[T]; 0 after ruin."""
        before = self.equity[:-1]
        return np.where(before > 0, self.gross / np.where(before > 0, before, 1.0), 0.0)


@dataclass(frozen=True)
class Curves:
    """Many accounts' money in short: what each was worth and what it traded.

    Attributes:
        equity: f64[N, T+1], equity[:, 0] is the start.
        trades: N structured arrays of `TRADE_FIELDS`.
        stamps: as a track's.
    """

    equity: np.ndarray
    trades: tuple[np.ndarray, ...]
    stamps: tuple[str, ...] = ()


def stamps_of(options: Options) -> tuple[str, ...]:
    """What every report has to name of these rules."""
    return ("fill_at_close",) if options.fill_at_close else ()


def track_of(n: int, accounts: Account, trades: np.ndarray, options: Options) -> Track:
    """Account n's outputs under their names, with its round trips."""
    rows = accounts.rows[n]
    return Track(
        gross=rows[layout.GROSS],
        commission=rows[layout.COMMISSION],
        spread=rows[layout.SPREAD],
        slippage=rows[layout.SLIPPAGE],
        impact=rows[layout.IMPACT],
        borrow=rows[layout.BORROW],
        funding=rows[layout.FUNDING],
        net=rows[layout.NET],
        equity=accounts.equity[n],
        weights=accounts.weights[n],
        traded=rows[layout.TRADED],
        trades=trades,
        stamps=stamps_of(options),
    )


def trades_of(accounts: Account, rules: Rules) -> list[np.ndarray]:
    """Each account's round trips as `TRADE_FIELDS`, in order of their end."""
    counts = accounts.money[:, layout.TRADES].astype(int)
    trades = np.empty(int(counts.sum()), TRADE_FIELDS)
    _list_trades(accounts.trades, counts, rules.spread, rules.slippage, trades)
    ends = np.cumsum(counts)
    return [trades[end - count : end] for end, count in zip(ends.tolist(), counts.tolist(), strict=True)]


@numba.njit(cache=True, nogil=True)
def _list_trades(tables: np.ndarray, counts: np.ndarray, spread: float, slippage: float, trades: np.ndarray) -> None:
    """The kernel's tables f64[N, C, 11] as one list, the notional as what it paid of spread and slippage."""
    at = 0
    for n in range(len(counts)):
        for k in range(counts[n]):
            row, trade = tables[n, k], trades[at]
            trade.asset, trade.entry_bar = np.int32(row[layout.ASSET]), np.int32(row[layout.ENTERED])
            trade.exit_bar = np.int32(row[layout.LEFT])
            trade.side, trade.reason = np.int8(row[layout.SIDE]), np.int8(row[layout.REASON])
            trade.gross, trade.commission = row[layout.TRADE_GROSS], row[layout.TRADE_FEES]
            trade.spread, trade.slippage = row[layout.TRADE_VOLUME] * spread, row[layout.TRADE_VOLUME] * slippage
            trade.impact, trade.borrow = row[layout.TRADE_IMPACT], row[layout.TRADE_BORROW]
            trade.funding = row[layout.TRADE_FUNDING]
            trade.cost = trade.commission + trade.spread + trade.slippage + trade.impact + trade.borrow + trade.funding
            trade.net = trade.gross - trade.cost
            at += 1
