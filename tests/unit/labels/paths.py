"""Paths for tests of barrier labels: hand-made bars, and the labels by a plain loop."""

from dataclasses import replace

import numpy as np

from edgeproof.data.panel import Panel
from edgeproof.labels.label import Bracket
from tests.unit.features.panels import panel_of

Bar = tuple[float, float, float, float]


def path(*bars: Bar, missing: tuple[int, ...] = ()) -> Panel:
    """One symbol whose bars are (open, high, low, close)."""
    prices = np.ones((1, len(bars), 5))
    prices[0, :, :4] = bars
    present = np.array([[t not in missing for t in range(len(bars))]])
    return panel_of(prices, present)


def thinned(panel: Panel, share: float, seed: int) -> Panel:
    """The panel without a share of its bars."""
    keep = np.random.default_rng(seed).random(panel.present.shape) >= share
    return replace(panel, present=panel.present & keep)


def by_loop(panel: Panel, bracket: Bracket, unit: np.ndarray | None, *, in_range: bool):
    """(side, last) of every path, -2 where none is opened: 1 upper, -1 lower, 0 neither after H bars or at the end."""
    S, T = panel.present.shape
    side, last = np.full((S, T), -2), np.zeros((S, T), int)
    for s, t in np.ndindex(S, T):
        sigma = 1.0 if unit is None else unit[s, t]
        if t + 1 >= T or not (panel.present[s, t] and panel.present[s, t + 1]) or not sigma > 0:
            continue
        fill = panel.prices[s, t + 1, 0]
        side[s, t], last[s, t] = 0, t + bracket.bars
        for u in range(t + 1, min(t + bracket.bars, T - 1) + 1):
            high, low = panel.prices[s, u, [1, 2]] if in_range else panel.prices[s, u, [3, 3]]
            if panel.present[s, u]:
                down = bracket.stop_loss > 0 and low <= fill * (1 - bracket.stop_loss * sigma)
                if down or high >= fill * (1 + bracket.take_profit * sigma):
                    side[s, t], last[s, t] = -1 if down else 1, u
                    break
    return side, last
