"""The feature table: every feature of every symbol on one clock, float32, a window is one contiguous slice.

Features are computed over a symbol's bars in order. A gap of more than `max_gap_bars` slots starts a new run, in which
every feature warms up again; shorter gaps are stepped over.
"""

# S symbols, T bars (slots of the market's clock), F features, n rows (bars of one run)

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from numba import njit

from edgeproof.core.catalog import lookup, nearest, whole
from edgeproof.core.device import thread_count
from edgeproof.core.errors import ConfigError, DataError
from edgeproof.core.identity import sha_array, sha_json
from edgeproof.data.panel import Panel
from edgeproof.features import FEATURE_SETS, FEATURES
from edgeproof.features.cached import Arrays, read_arrays, write_arrays
from edgeproof.features.feature import Feature, FeatureTable, evaluate
from edgeproof.features.runs import Survey, survey_of, symbol_runs

__all__ = ["Names", "build_features", "select_features"]

Names = str | Sequence[str | Feature]


def select_features(names: Names) -> tuple[Feature, ...]:
    """The features of a set's name or of a list of names; a list may hold `Feature` objects of the user's own.

    Raises:
        ConfigError: an unknown name, with the nearest; none at all; one name twice.
    """
    if isinstance(names, str):
        if names not in FEATURE_SETS:
            known = [*FEATURE_SETS, *whole(FEATURES, "features")]
            raise ConfigError(f"unknown feature set {names!r}{nearest(names, known)}; single features go in a list")
        names = FEATURE_SETS[names]
    chosen = tuple(name if isinstance(name, Feature) else lookup(FEATURES, "features", name) for name in names)
    if not chosen:
        raise ConfigError("features: the list is empty; write hourly23 or at least one feature's name")
    seen: set[str] = set()
    for feature in chosen:
        if feature.name in seen:
            raise ConfigError(f"features: {feature.name!r} is listed twice; remove one or rename it")
        seen.add(feature.name)
    return chosen


def build_features(
    panel: Panel, names: Names = "hourly23", *, max_gap_bars: int = 24, cache: Path | None = None
) -> FeatureTable:
    """The table of these features, from the folder `cache` where the same was built before.

    Raises:
        ConfigError: an unknown or repeated name.
        DataError: no run of bars is long enough, or a feature has no value anywhere.
    """
    features = select_features(names)
    inputs = {
        "panel": panel.sha,
        "features": [[feature.name, feature.reach, feature.version] for feature in features],
        "max_gap_bars": max_gap_bars,
    }
    sha = sha_json(inputs) if all(feature.version for feature in features) else ""
    arrays = read_arrays(cache, sha) if cache and sha else None
    if arrays is None:
        arrays = _compute(panel, features, max_gap_bars)
        if cache and sha:
            arrays = write_arrays(cache, sha, arrays)
    sha = sha or sha_json({**inputs, "content": sha_array(arrays.x, arrays.ready)})
    reach = np.array([feature.reach for feature in features], np.int32)
    return FeatureTable(arrays.x, arrays.ready, arrays.first_read, tuple(f.name for f in features), reach, sha)


def _compute(panel: Panel, features: tuple[Feature, ...], max_gap_bars: int) -> Arrays:
    S, T = panel.present.shape
    # empty, not zeros: NumPy asks for huge pages only there, and 250 MB of small ones cost 15% of the whole table
    x = np.empty((S, T, len(features)), np.float32)
    arrays = Arrays(x, np.zeros((S, T), bool), np.zeros((S, T), np.int32))
    survey = survey_of(panel, max_gap_bars)
    fill = partial(_fill_symbol, arrays, panel, survey, features=features, max_gap_bars=max_gap_bars)
    with ThreadPoolExecutor(thread_count()) as pool:
        longest = max(pool.map(fill, range(S)), default=0)
    if not arrays.ready.any():
        raise _nothing_ready(panel, features, max_gap_bars, longest)
    return arrays


def _fill_symbol(
    arrays: Arrays,
    panel: Panel,
    survey: Survey,
    s: int,
    *,
    features: tuple[Feature, ...],
    max_gap_bars: int,
) -> int:
    """Write one symbol's rows; returns the length of its longest run."""
    reach = max(feature.reach for feature in features)
    longest = 0
    for run in symbol_runs(panel, s, survey, max_gap_bars):
        longest = max(longest, len(run.slots))
        if len(run.slots) <= reach:
            continue
        values = evaluate(features, run.rows, np.float32)
        _pack(values, run.slots, reach, (arrays.x[s], arrays.ready[s], arrays.first_read[s]))
    arrays.x[s, ~arrays.ready[s]] = 0.0
    return longest


@njit(cache=True, nogil=True)
def _pack(values: np.ndarray, slots: np.ndarray, reach: int, out: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    x, ready, first_read = out
    F, n = values.shape
    zero = np.float32(0.0)
    nothing = np.zeros(n, np.float32)  # stays 0 where all features are finite, else turns NaN
    for f in range(F):
        column = values[f]
        for i in range(n):
            nothing[i] += column[i] * zero
    for i in range(reach, n):
        t = slots[i]
        for f in range(F):
            x[t, f] = values[f, i]
        if nothing[i] == zero:
            ready[t] = True
            first_read[t] = slots[i - reach]


def _nothing_ready(panel: Panel, features: tuple[Feature, ...], max_gap_bars: int, longest: int) -> DataError:
    """Why no bar is ready: too few bars, a feature without values, or features that are never there together."""
    deepest = max(features, key=lambda feature: feature.reach)
    if longest <= deepest.reach:
        return DataError(
            f"panel of {len(panel.symbols)} symbols: the longest run of bars without a gap over {max_gap_bars} has "
            f"{longest}, and feature {deepest.name} reads {deepest.reach} bars back; use more bars or other features"
        )
    counts = {feature.name: _ready_count(panel, feature, max_gap_bars) for feature in features}
    empty = [name for name, count in counts.items() if count == 0]
    if empty:
        return DataError(
            f"feature {empty[0]} has no value at any bar of {len(panel.symbols)} symbols; remove it from features or "
            "check the columns that it reads"
        )
    rarest = min(counts, key=lambda name: counts[name])
    return DataError(
        f"no bar of {len(panel.symbols)} symbols has all features; {rarest} is the rarest with {counts[rarest]} "
        "values; remove it from features"
    )


def _ready_count(panel: Panel, feature: Feature, max_gap_bars: int) -> int:
    survey = survey_of(panel, max_gap_bars)
    return sum(
        int(np.isfinite(evaluate([feature], run.rows)[0, feature.reach :]).sum())
        for s in range(len(panel.symbols))
        for run in symbol_runs(panel, s, survey, max_gap_bars)
    )
