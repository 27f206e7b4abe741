"""Stable: a feature's value does not depend on how much history before its declared reach was loaded.

At each of the cuts the bars are loaded once more from `reach` bars before t on, no earlier, and the value at t must be
the same to 1e-6 of the feature's scale. The purge relies on it: it asks which bars a sample has read.
"""

# S symbols, T bars, F features

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from edgeproof.core.clock import iso
from edgeproof.core.finding import Finding
from edgeproof.core.rng import Rng
from edgeproof.data.panel import Panel
from edgeproof.features.feature import Feature
from edgeproof.features.runs import market_of, symbol_runs, usable_bars
from edgeproof.features.table import select_features
from edgeproof.leakage.excerpt import Excerpt, columns_of, cut, excerpt_of, roughened, scale_of

__all__ = ["check_stable"]

TOLERANCE = 1e-6  # of the feature's scale


def check_stable(
    panel: Panel, names: str | Sequence[str | Feature], rng: Rng, cuts: int = 40, max_gap_bars: int = 24
) -> list[Finding]:
    """One finding of level error for each feature that reads further back than it declares; none where all is well.

    Args:
        panel: any part of a market; a small excerpt of it is used.
        names: as in `build_features`, a user's `Feature` objects included.
        rng: decides excerpt and cuts.
        cuts: cuts on the bars as they are; as many again on roughened bars.
        max_gap_bars: as in `build_features`.
    """
    features = select_features(names)
    plain = excerpt_of(panel, features, rng, max_gap_bars)
    found: dict[str, Finding] = {}
    compared = dict.fromkeys((feature.name for feature in features), 0)
    for kind, excerpt in (("plain", plain), ("rough", roughened(plain, rng))):
        values = columns_of(excerpt.panel, features, excerpt.max_gap_bars)
        scale = dict(zip(compared, scale_of(values), strict=True))
        column = dict(zip(compared, values, strict=True))
        for reach, alike in groupby(sorted(features, key=lambda feature: feature.reach), lambda f: f.reach):
            group = list(alike)
            for s, t, start in _cuts(excerpt, reach, rng.child("stable", kind, reach), cuts):
                again = _value_at(excerpt, group, s, start, t)
                for feature, now in zip(group, again, strict=True):
                    was = float(column[feature.name][s, t])
                    compared[feature.name] += int(np.isfinite(was))
                    if _differs(was, now, scale[feature.name]) and feature.name not in found:
                        needed = _needed(excerpt, feature, (s, t), was, scale[feature.name])
                        found[feature.name] = _finding(excerpt, feature, (s, t), (was, now), needed)
    return [
        *found.values(),
        *(_uncompared(feature) for feature in features if not compared[feature.name] and feature.name not in found),
    ]


def _run_slots(excerpt: Excerpt) -> list[tuple[int, np.ndarray]]:
    usable = usable_bars(excerpt.panel)
    gap = excerpt.max_gap_bars
    symbols = range(len(excerpt.panel.symbols))
    return [(s, run.slots) for s in symbols for run in symbol_runs(excerpt.panel, s, usable[s], None, gap)]


def _cuts(excerpt: Excerpt, reach: int, rng: Rng, cuts: int) -> list[tuple[int, int, int]]:
    """Symbol, slot t and slot of the bar `reach` bars before; there is history before that one."""
    places = [(s, slots, i) for s, slots in _run_slots(excerpt) for i in range(reach + 1, len(slots))]
    if not places:
        return []
    chosen = rng.numpy().choice(len(places), min(cuts, len(places)), replace=False)
    return [(s, int(slots[i]), int(slots[i - reach])) for s, slots, i in (places[int(k)] for k in chosen)]


def _value_at(excerpt: Excerpt, features: Sequence[Feature], s: int, start: int, t: int) -> list[float]:
    """Each feature at slot t of symbol s, computed from the bars of slots start .. t alone; NaN where it has none."""
    part = cut(excerpt.panel, start, t + 1)
    usable = usable_bars(part)
    universe = any(feature.universe for feature in features)
    market = market_of(part, usable, excerpt.max_gap_bars) if universe else None
    (*_, run) = symbol_runs(part, s, usable[s], market, excerpt.max_gap_bars)
    return [float(feature.values(run.rows)[-1]) for feature in features]


def _differs(was: float, now: float, scale: float) -> bool:
    if not np.isfinite(was):
        return bool(np.isfinite(now))
    return not abs(was - now) <= TOLERANCE * scale  # a value that is NaN now differs, too


def _needed(excerpt: Excerpt, feature: Feature, place: tuple[int, int], was: float, scale: float) -> int | None:
    """The first of reach x 2, x 4, ... that gives the same value; None where the excerpt is too short to tell."""
    s, t = place
    (slots,) = (slots for symbol, slots in _run_slots(excerpt) if symbol == s and slots[0] <= t <= slots[-1])
    i = int(np.searchsorted(slots, t))
    reach = max(2 * feature.reach, 1)
    while reach < i:
        if not _differs(was, _value_at(excerpt, [feature], s, int(slots[i - reach]), t)[0], scale):
            return reach
        reach *= 2
    return None


def _finding(
    excerpt: Excerpt,
    feature: Feature,
    place: tuple[int, int],
    values: tuple[float, float],
    needed: int | None,
) -> Finding:
    s, t = place
    where = f"{excerpt.panel.symbols[s]} {iso(int(excerpt.panel.close_time[t]))}"
    advice = f"declare reach={needed}" if needed else "declare a longer reach, or read a window of fixed length"
    return Finding(
        "leakage.stable",
        "error",
        f"feature {feature.name} reads further back than its declared reach of {feature.reach} bars",
        {
            "feature": feature.name,
            "reach": feature.reach,
            "enough": needed,
            "value": values[0] if np.isfinite(values[0]) else None,
            "value_from_reach": values[1] if np.isfinite(values[1]) else None,
        },
        f"{feature.name}, {where}",
        f"{advice}; a recursion must forget to 1e-6 of its scale (about 300 bars at 1/14 a bar)",
    )


def _uncompared(feature: Feature) -> Finding:
    return Finding(
        "leakage.stable",
        "warning",
        f"feature {feature.name} could not be checked for stability: no run is longer than its reach",
        {"feature": feature.name, "reach": feature.reach},
        feature.name,
        "use a market with more bars, or remove the feature",
    )
