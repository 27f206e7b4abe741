"""The stated law of a known-truth market on a panel's clock."""

# S symbols, T bars

from dataclasses import dataclass

import numpy as np

from edgeproof.data.panel import Panel
from edgeproof.data.store import Market
from edgeproof.ledger.span import Span

__all__ = ["Stated", "stated_truth"]


@dataclass(frozen=True)
class Stated:
    """Law of the tradable one-bar return (open of t+1 to open of t+2) given the bars to t; 0 where not known.

    Attributes:
        p_up: f64[S, T] probability that it is above 0.
        mean: f64[S, T] its mean.
        volatility: f64[S, T] its standard deviation.
        known: bool[S, T] the panel has the bar.
    """

    p_up: np.ndarray
    mean: np.ndarray
    volatility: np.ndarray
    known: np.ndarray


def stated_truth(market: Market, panel: Panel, span: Span) -> Stated | None:
    """What the market states at every bar of a panel built from it; None for a real market.

    It belongs to the label "open of t+2 above open of t+1" and to no other.

    Args:
        market: the market that the panel was built from.
        panel: bars on one clock.
        span: the span that the panel was built for.
    """
    if not market.manifest.truth:
        return None
    laws = {name: np.zeros(panel.present.shape) for name in ("p_up", "mean", "volatility")}
    known = np.zeros(panel.present.shape, dtype=bool)
    for s, symbol in enumerate(panel.symbols):
        truth = market.truth(symbol, span)
        if truth is None:
            return None
        slot = np.searchsorted(panel.open_time, market.bars(symbol, span).open_time)
        known[s, slot] = panel.present[s, slot]
        for name, law in laws.items():
            law[s, slot] = np.where(known[s, slot], truth[name], 0.0)
    return Stated(laws["p_up"], laws["mean"], laws["volatility"], known)
