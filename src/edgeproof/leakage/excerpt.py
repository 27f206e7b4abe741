"""A small part of a panel on which checks recompute features many times: a few symbols, enough bars to be warm.

Two versions: the bars as they are, and the same bars roughened with what real data holds now and then (missing bars,
bars without volume, bars without range), because a leak may show only there: a backward fill fills nothing else.
"""

# S symbols, T bars

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgeproof.core.rng import Rng
from edgeproof.data.panel import Panel
from edgeproof.features.feature import Feature, evaluate
from edgeproof.features.runs import survey_of, symbol_runs

__all__ = ["Excerpt", "columns_of", "cut", "excerpt_of", "roughened", "scale_of"]

SYMBOLS, BARS, WARM_BARS = 3, 1500, 700
ROUGH_SHARE = 0.03


@dataclass(frozen=True)
class Excerpt:
    """Part of a panel.

    Attributes:
        panel: the bars.
        rough: bool[T] slots at which some symbol's bar was changed or removed by `roughened`.
        max_gap_bars: as in the table's config.
    """

    panel: Panel
    rough: np.ndarray
    max_gap_bars: int


def excerpt_of(panel: Panel, features: Sequence[Feature], rng: Rng, max_gap_bars: int) -> Excerpt:
    """The span in which most bars are present, among a few drawn at random, of the symbols fullest there.

    It has 1,500 bars, or more where a feature's reach asks for it, or all there are.
    """
    T = panel.present.shape[1]
    length = min(T, max(BARS, max(feature.reach for feature in features) + WARM_BARS))
    draws = rng.child("excerpt").numpy().integers(0, T - length + 1, 8)
    filled = [int(panel.present[:, low : low + length].sum()) for low in draws]
    low = int(draws[int(np.argmax(filled))])
    counts = panel.present[:, low : low + length].sum(1)
    chosen = np.sort(np.argsort(-counts, kind="stable")[:SYMBOLS])
    part = cut(panel, low, low + length, chosen)
    return Excerpt(part, np.zeros(length, bool), max_gap_bars)


def cut(panel: Panel, low: int, high: int, symbols: np.ndarray | None = None) -> Panel:
    """Slots low .. high - 1 of these symbols (all by default)."""
    chosen = np.arange(len(panel.symbols)) if symbols is None else symbols
    return replace(
        panel,
        prices=panel.prices[chosen, low:high].copy(),
        present=panel.present[chosen, low:high].copy(),
        open_time=panel.open_time[low:high],
        close_time=panel.close_time[low:high],
        symbols=tuple(panel.symbols[s] for s in chosen),
        sha="",
    )


def roughened(excerpt: Excerpt, rng: Rng) -> Excerpt:
    """The excerpt with 1% of the bars missing, 1% without volume, 1% without range, and one gap that ends a run."""
    draw = rng.child("rough").numpy()
    prices, present = excerpt.panel.prices.copy(), excerpt.panel.present.copy()
    S, T = present.shape
    fate = draw.random((S, T)) / (ROUGH_SHARE / 3)
    present[fate < 1] = False
    prices[(fate >= 1) & (fate < 2), 4] = 0.0
    flat = (fate >= 2) & (fate < 3)
    prices[flat, :4] = prices[flat, 3:4]
    gap = excerpt.max_gap_bars + 1
    if 4 * gap < T:
        low = int(draw.integers(gap, T // 4))
        present[0, low : low + gap] = False
    panel = replace(excerpt.panel, prices=prices, present=present)
    return Excerpt(panel, np.logical_or.reduce(fate < 3, axis=0), excerpt.max_gap_bars)


def columns_of(panel: Panel, features: Sequence[Feature], max_gap_bars: int) -> np.ndarray:
    """f64[F, S, T]: every feature at every bar, NaN where it has no value or its reach is not met."""
    S, T = panel.present.shape
    out = np.full((len(features), S, T), np.nan)
    survey = survey_of(panel, max_gap_bars)
    for s in range(S):
        for run in symbol_runs(panel, s, survey, max_gap_bars):
            long_enough = [f for f, feature in enumerate(features) if len(run.slots) > feature.reach]
            values = evaluate([features[f] for f in long_enough], run.rows)
            for f, column in zip(long_enough, values, strict=True):
                reach = features[f].reach
                out[f, s, run.slots[reach:]] = column[reach:]
    return np.where(np.isfinite(out), out, np.nan)


def scale_of(values: np.ndarray) -> np.ndarray:
    """f64[F]: what one deviation of each feature is: the middle half's width / 1.349, else the standard deviation.

    1 for a feature without spread or without values.
    """
    scales = np.ones(len(values))
    for f, column in enumerate(values):
        finite = column[np.isfinite(column)]
        if len(finite):
            low, high = np.quantile(finite, (0.25, 0.75))
            scales[f] = (high - low) / 1.349 or finite.std() or 1.0
    return scales
