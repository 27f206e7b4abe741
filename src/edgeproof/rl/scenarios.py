"""Adversarial scenarios: seeded edits of bars, after which each bar is still one: low, open and close, high."""

# S symbols, T bars, n bars of one scenario

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from edgeproof.core.rng import Rng
from edgeproof.rl.curriculum import Scenario

__all__ = ["SCENARIOS", "Blow", "struck"]

CRASH_BARS, HOLE_BARS, SPREAD_BARS = 6, 12, 12


@dataclass(frozen=True)
class Blow:
    """What is done to n bars of one symbol.

    Attributes:
        at_open: f64[n] added to the log of the open.
        at_close: f64[n] added to the log of the close.
        wick: f64[n] added to the log of the high and taken from that of the low, beyond the bar's own.
        volume: f64[n] factor.
    """

    at_open: np.ndarray
    at_close: np.ndarray
    wick: np.ndarray
    volume: np.ndarray


def _crash(bars: int, random: np.random.Generator) -> Blow:
    """The price falls by 10% to 30% within six bars, at several times the volume, and takes the rest to come back."""
    depth, fall = np.log1p(-random.uniform(0.1, 0.3)), CRASH_BARS
    steps = np.cumsum(random.dirichlet(np.full(fall, 2.0)))
    at_close = depth * np.concatenate([steps, np.linspace(1.0, 0.0, bars - fall + 1)[1:]])
    volume = np.ones(bars)
    volume[:fall] = random.uniform(2.0, 6.0, fall)
    return Blow(np.concatenate([[0.0], at_close[:-1]]), at_close, np.zeros(bars), volume)


def _gap(bars: int, random: np.random.Generator) -> Blow:
    """The next open lies 3% to 12% away, either way, where nobody could trade between; the rest comes back."""
    size = random.choice([-1.0, 1.0]) * random.uniform(0.03, 0.12)
    way = size * np.linspace(1.0, 0.0, bars + 1)
    return Blow(way[:-1], way[1:], np.zeros(bars), np.ones(bars))


def _liquidity_hole(bars: int, random: np.random.Generator) -> Blow:
    """Twelve bars at 1% to 10% of the volume, with wicks of up to 2% on either side."""
    wick, volume = np.zeros(bars), np.ones(bars)
    wick[:HOLE_BARS] = random.uniform(0.005, 0.02, HOLE_BARS)
    volume[:HOLE_BARS] = random.uniform(0.01, 0.1)
    return Blow(np.zeros(bars), np.zeros(bars), wick, volume)


def _spread_blowout(bars: int, random: np.random.Generator) -> Blow:
    """Twelve bars whose opens and closes bounce between bid and ask, 0.3% to 1.5% to either side.

    As in Roll 1984, J. Finance 39:1127.
    """
    half, sides = random.uniform(0.003, 0.015), random.choice([-1.0, 1.0], (2, SPREAD_BARS))
    bounce, wick = np.zeros((2, bars)), np.zeros(bars)
    bounce[:, :SPREAD_BARS], wick[:SPREAD_BARS] = half * sides, half
    return Blow(bounce[0], bounce[1], wick, np.ones(bars))


SCENARIOS: dict[Scenario, Callable[[int, np.random.Generator], Blow]] = {
    "crash": _crash,
    "gap": _gap,
    "liquidity_hole": _liquidity_hole,
    "spread_blowout": _spread_blowout,
}


def struck(
    prices: np.ndarray, present: np.ndarray, span: slice, scenarios: Sequence[Scenario], *, every: int, rng: Rng
) -> np.ndarray:
    """The bars with one scenario in every `every` bars of each symbol; bars outside the span are as they were.

    Each begins at a bar of its stretch's first half that is drawn by chance, and is over with the stretch. A scenario
    that would not be over with the span is left out.

    Args:
        prices: f64[S, T, 5] open, high, low, close, volume.
        present: bool[S, T]; missing bars stay as they are.
        span: bars that may be changed.
        scenarios: of which each stretch has one, drawn by chance; none: nothing is changed.
        every: bars of a stretch.
        rng: of stretch and symbol; what happens in one does not depend on any other.
    """
    changed = prices.copy()
    if not scenarios:
        return changed
    for s in range(len(prices)):
        for number, first in enumerate(range(span.start, span.stop - every + 1, every)):
            random = rng.child("scenario", s, number).numpy()
            name = scenarios[int(random.integers(len(scenarios)))]
            bars = slice(first + int(random.integers(every // 2)), first + every)
            blow = SCENARIOS[name](bars.stop - bars.start, random)
            on = present[s, bars]
            changed[s, bars][on] = _hit(changed[s, bars], blow)[on]
    return changed


def _hit(bars: np.ndarray, blow: Blow) -> np.ndarray:
    """Bars f64[n, 5] after the blow; high and low move with whichever end of the bar moves further."""
    low = np.exp(np.minimum(blow.at_open, blow.at_close) - blow.wick)
    high = np.exp(np.maximum(blow.at_open, blow.at_close) + blow.wick)
    factor = np.stack([np.exp(blow.at_open), high, low, np.exp(blow.at_close), blow.volume], axis=1)
    return bars * factor
