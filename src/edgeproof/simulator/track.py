"""Money over time: what the simulator returns."""

# T bars, A assets

from dataclasses import dataclass

import numpy as np

__all__ = ["COST_KINDS", "REASONS", "TRADE_FIELDS", "Track"]

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
            their end; `reason` indexes `REASONS`. Gross, cost and net of all trades sum to the track's.
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
