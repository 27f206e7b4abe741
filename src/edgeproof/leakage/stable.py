"""Stable: a feature's value does not depend on how much history before its declared reach was loaded.

At each of the cuts the bars are loaded once more from `reach` bars before t on, no earlier, and the value at t must be
the same to 1e-6 of the feature's scale. The purge relies on it: it asks which bars a sample has read.
"""

# S symbols, T bars, F features

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from edgeproof.core.clock import iso
from edgeproof.core.finding import Finding
from edgeproof.core.rng import Rng
from edgeproof.data.panel import Panel
from edgeproof.features.feature import Feature, evaluate
from edgeproof.features.runs import survey_of, symbol_runs
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
    offences: dict[str, list[_Offence]] = {feature.name: [] for feature in features}
    compared = dict.fromkeys(offences, 0)
    for kind, excerpt in (("plain", plain), ("rough", roughened(plain, rng))):
        values = columns_of(excerpt.panel, features, excerpt.max_gap_bars)
        scale = scale_of(values)
        known = {f.name: (column, float(width)) for f, column, width in zip(features, values, scale, strict=True)}
        for reach, alike in groupby(sorted(features, key=lambda feature: feature.reach), lambda f: f.reach):
            group = list(alike)
            for place in _cuts(excerpt, reach, rng.child("stable", kind, reach), cuts):
                again = _value_at(excerpt, group, place.s, place.start, place.t)
                for feature, now in zip(group, again, strict=True):
                    column, width = known[feature.name]
                    was = float(column[place.s, place.t])
                    compared[feature.name] += int(np.isfinite(was))
                    if _differs(was, now, width):
                        offences[feature.name].append(_Offence(excerpt, place, was, now, width))
    found = [_finding(feature, offences[feature.name]) for feature in features if offences[feature.name]]
    unseen = (feature for feature in features if not compared[feature.name] and not offences[feature.name])
    return found + [_uncompared(feature) for feature in unseen]


@dataclass(frozen=True)
class _Place:
    """Slot `t` of symbol `s`, row `i` of the run with these slots; the bars are loaded from slot `start` on."""

    s: int
    t: int
    start: int
    i: int
    slots: np.ndarray


@dataclass(frozen=True)
class _Offence:
    """A value that depends on bars before the reach, and the scale by which that was judged."""

    excerpt: Excerpt
    place: _Place
    was: float
    now: float
    scale: float


def _run_slots(excerpt: Excerpt) -> list[tuple[int, np.ndarray]]:
    panel, gap = excerpt.panel, excerpt.max_gap_bars
    survey = survey_of(panel, gap)
    return [(s, run.slots) for s in range(len(panel.symbols)) for run in symbol_runs(panel, s, survey, gap)]


def _cuts(excerpt: Excerpt, reach: int, rng: Rng, cuts: int) -> list[_Place]:
    """Places with history before the bar that lies `reach` bars back."""
    runs = _run_slots(excerpt)
    places = [(run, i) for run in range(len(runs)) for i in range(reach + 1, len(runs[run][1]))]
    if not places:
        return []
    chosen = rng.numpy().choice(len(places), min(cuts, len(places)), replace=False)
    result = []
    for run, i in (places[int(k)] for k in chosen):
        s, slots = runs[run]
        result.append(_Place(s, int(slots[i]), int(slots[i - reach]), i, slots))
    return result


def _value_at(excerpt: Excerpt, features: Sequence[Feature], s: int, start: int, t: int) -> list[float]:
    """Each feature at slot t of symbol s, computed from the bars of slots start .. t alone; NaN where it has none."""
    part = cut(excerpt.panel, start, t + 1)
    (*_, run) = symbol_runs(part, s, survey_of(part, excerpt.max_gap_bars), excerpt.max_gap_bars)
    return evaluate(features, run.rows)[:, -1].tolist()


def _differs(was: float, now: float, scale: float) -> bool:
    if not np.isfinite(was):
        return bool(np.isfinite(now))
    return not abs(was - now) <= TOLERANCE * scale  # a value that is NaN now differs, too


def _enough(feature: Feature, offences: Sequence[_Offence]) -> int | None:
    """The first of reach x 2, x 4, ... from which all of these values come out right; None if the excerpt is short."""
    reach = max(2 * feature.reach, 1)
    while all(offence.place.i > reach for offence in offences):
        if not any(_still_differs(feature, offence, reach) for offence in offences):
            return reach
        reach *= 2
    return None


def _still_differs(feature: Feature, offence: _Offence, reach: int) -> bool:
    place = offence.place
    start = int(place.slots[place.i - reach])
    (now,) = _value_at(offence.excerpt, [feature], place.s, start, place.t)
    return _differs(offence.was, now, offence.scale)


def _finding(feature: Feature, offences: Sequence[_Offence]) -> Finding:
    first = min(offences, key=lambda offence: offence.place.t)
    panel, place = first.excerpt.panel, first.place
    where = f"{panel.symbols[place.s]} {iso(int(panel.close_time[place.t]))}"
    deep = sorted(offences, key=lambda offence: -offence.place.i)[: len(offences) // 2 + 1]
    enough = _enough(feature, deep)
    advice = f"declare reach={enough}" if enough else "declare a longer reach, or read a window of fixed length"
    return Finding(
        "leakage.stable",
        "error",
        f"feature {feature.name} reads further back than its declared reach of {feature.reach} bars",
        {
            "feature": feature.name,
            "flagged": len(offences),
            "reach": feature.reach,
            "enough": enough,
            "value": first.was if np.isfinite(first.was) else None,
            "value_from_reach": first.now if np.isfinite(first.now) else None,
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
