"""Causal: changing or removing the bars after t changes no feature at or before t.

At each cut t the bars after it are replaced by heavy noise, and then removed. Noise catches what reads later values,
removal what depends on how many bars follow. Cuts lie on bars as they are and on roughened ones (`excerpt`), there
mostly at the rough bars, since a backward fill shows nowhere else.
"""

# S symbols, T bars, F features

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgeproof.core.clock import iso
from edgeproof.core.finding import Finding
from edgeproof.core.rng import Rng
from edgeproof.data.panel import Panel
from edgeproof.features.feature import Feature
from edgeproof.features.table import select_features
from edgeproof.leakage.excerpt import Excerpt, columns_of, cut, excerpt_of, roughened, scale_of

__all__ = ["check_causal"]

TOLERANCE = 1e-9  # of the value and of the feature's scale: room for another order of summation
REMEDY = (
    "let the value at t read bars at or before t only: trailing windows, shift(+n), forward fill, and no mean, rank or "
    "scale over the whole column"
)


@dataclass(frozen=True)
class _Offence:
    """A value that moved: at slot `at` of symbol `s`, although the cut lay `ahead` bars before the change's start."""

    at: int
    s: int
    ahead: int
    was: float
    became: float


def check_causal(
    panel: Panel, names: str | Sequence[str | Feature], rng: Rng, cuts: int = 40, max_gap_bars: int = 24
) -> list[Finding]:
    """One finding of level error for each feature that sees the future; none where all is well.

    Args:
        panel: any part of a market; a small excerpt of it is used.
        names: as in `build_features`, a user's `Feature` objects included.
        rng: decides excerpt, noise and cuts.
        cuts: cuts on the bars as they are; as many again on roughened bars.
        max_gap_bars: as in `build_features`.
    """
    features = select_features(names)
    plain = excerpt_of(panel, features, rng, max_gap_bars)
    offences: list[list[_Offence]] = [[] for _ in features]
    compared = np.zeros(len(features), np.int64)
    for kind, excerpt in (("plain", plain), ("rough", roughened(plain, rng))):
        stream = rng.child("causal", kind)
        compared += _collect(excerpt, features, stream, cuts, offences)
    found = [_finding(plain, feature, seen) for feature, seen in zip(features, offences, strict=True) if seen]
    return found + [_uncompared(feature) for feature, count in zip(features, compared, strict=True) if not count]


def _collect(
    excerpt: Excerpt, features: Sequence[Feature], rng: Rng, cuts: int, offences: list[list[_Offence]]
) -> np.ndarray:
    """Add what moved at each cut; returns i64[F], values compared."""
    values = columns_of(excerpt.panel, features, excerpt.max_gap_bars)
    scale = scale_of(values)
    compared = np.zeros(len(features), np.int64)
    for number, t in enumerate(_cuts(excerpt, rng, cuts)):
        compared += np.isfinite(values[:, :, : t + 1]).sum((1, 2))
        changed = (_noise_after(excerpt.panel, t, rng.child("noise", number)), cut(excerpt.panel, 0, t + 1))
        for other in changed:
            now = columns_of(other, features, excerpt.max_gap_bars)[:, :, : t + 1]
            for f, offence in _moved(values[:, :, : t + 1], now, scale).items():
                offences[f].append(offence)
    return compared


def _cuts(excerpt: Excerpt, rng: Rng, cuts: int) -> list[int]:
    """Slots to cut after: three in four at rough bars where there are any, else drawn evenly over the later part."""
    draw = rng.child("cuts").numpy()
    T = len(excerpt.rough)
    rough = np.flatnonzero(excerpt.rough[: T - 1])
    at_rough = min(3 * cuts // 4, len(rough))
    evenly = draw.integers(T // 4, max(T - 1, T // 4 + 1), cuts - at_rough)
    return sorted({*evenly.tolist(), *draw.choice(rough, at_rough, replace=False).tolist()})


def _noise_after(panel: Panel, t: int, rng: Rng) -> Panel:
    """The panel with every bar after t replaced by a bar of another world: prices x e^(N/2), range and volume anew."""
    prices = panel.prices.copy()
    later = prices[:, t + 1 :]
    z = rng.numpy().standard_normal(later.shape)
    later[:, :, 0] *= np.exp(0.5 * z[:, :, 0])
    later[:, :, 3] *= np.exp(0.5 * z[:, :, 3])
    later[:, :, 1] = later[:, :, [0, 3]].max(2) * np.exp(np.abs(0.2 * z[:, :, 1]))
    later[:, :, 2] = later[:, :, [0, 3]].min(2) * np.exp(-np.abs(0.2 * z[:, :, 2]))
    later[:, :, 4] = (3.0 * later[:, :, 4] + panel.prices[:, :, 4].mean()) * np.exp(z[:, :, 4])
    return replace(panel, prices=prices)


def _moved(was: np.ndarray, now: np.ndarray, scale: np.ndarray) -> dict[int, _Offence]:
    """The earliest value that moved, for each feature in which one did."""
    known = np.isfinite(was) & np.isfinite(now)
    with np.errstate(invalid="ignore"):
        far = np.abs(was - now) > TOLERANCE * (np.abs(was) + scale[:, None, None])
    moved = np.where(known, far, np.isfinite(was) != np.isfinite(now))
    result = {}
    for f in np.flatnonzero(moved.any((1, 2))):
        at = int(np.flatnonzero(moved[f].any(0))[0])
        s = int(np.flatnonzero(moved[f, :, at])[0])
        result[int(f)] = _Offence(at, s, was.shape[2] - at, float(was[f, s, at]), float(now[f, s, at]))
    return result


def _finding(excerpt: Excerpt, feature: Feature, offences: list[_Offence]) -> Finding:
    first = min(offences, key=lambda offence: offence.at)
    where = f"{excerpt.panel.symbols[first.s]} {iso(int(excerpt.panel.close_time[first.at]))}"
    return Finding(
        "leakage.causal",
        "error",
        f"feature {feature.name} sees the future: its value at {where} changes with later bars",
        {
            "feature": feature.name,
            "flagged": len(offences),
            "bars_ahead": max(offence.ahead for offence in offences),
            "value": first.was if np.isfinite(first.was) else None,
            "value_after_change": first.became if np.isfinite(first.became) else None,
        },
        f"{feature.name}, {where}",
        REMEDY,
    )


def _uncompared(feature: Feature) -> Finding:
    return Finding(
        "leakage.causal",
        "warning",
        f"feature {feature.name} could not be checked for causality: it has no value before any cut",
        {"feature": feature.name, "reach": feature.reach},
        feature.name,
        "use a market with more bars, or remove the feature",
    )
