"""Samples to look at: of each class typical ones, those at the edge between the classes, and the farthest outliers.

A sample is shown as the model meets it, the scaled window, above it the prices that the window was made of and the
prices that decided its label. Training samples alone are shown.
"""

# S symbols, T bars, N samples, L window, F features

from typing import Any

import numpy as np

from edgeproof.core.clock import iso
from edgeproof.gates.samples_table import SampleTable
from edgeproof.gates.samples_values import robust_scale
from edgeproof.recipe.prepare import Prepared
from edgeproof.stats.classify import auc

__all__ = ["gallery"]

OPEN, CLOSE = 0, 3
EACH = 4  # samples of a class and kind
NEAR = 200  # closest to the middle outcome, of which the least extreme are typical
MOST_COLUMNS, MOST_FEATURES = 32, 40  # drawn of a window
MOST_AHEAD = 48  # bars drawn after the decision
STEP = 1.0  # robust standard deviations that a shade stands for ...
SHADES = 3  # ... of which there are so many on each side
TELLS = 0.9  # AUC from which the label is a matter of how far the price went


def gallery(table: SampleTable, prepared: Prepared) -> list[dict[str, Any]]:
    """Tiles by class and kind.

    Args:
        table: samples of the panel, `ends` the flat index of their decision bar; those of training are shown.
        prepared: the open span that they were made of.
    """
    train = table.take(table.inside("train"))
    scale = robust_scale(train.last)
    far = np.abs((train.last - scale[0]) / np.where(scale[1] > 0, scale[1], np.inf))
    outcome = _outcomes(prepared, train.ends)
    order = _ordered(outcome, train.y)
    tiles = []
    for value in train.classes:
        inside = np.flatnonzero((train.y == value) & np.isfinite(outcome))
        if not len(inside):
            continue
        kinds = _kinds(inside, order, far, edge_low=value == train.classes.max())
        for kind, ranked in kinds.items():
            head = {"class": f"{value:g}", "kind": kind}
            tiles += [head | _tile(train, prepared, n, scale, outcome) for n in _apart(ranked, train)]
    return tiles


def _outcomes(prepared: Prepared, ends: np.ndarray) -> np.ndarray:
    """f64[N] log return from the open after the decision to that of the bar which resolves the label; NaN if none."""
    prices, T = prepared.panel.prices, prepared.panel.present.shape[1]
    row, t = ends // T, ends % T
    until = prepared.labels.resolved_at.reshape(-1)[ends]
    fill, leave = prices[row, np.minimum(t + 1, T - 1), OPEN], prices[row, np.minimum(until, T - 1), OPEN]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((fill > 0) & (leave > 0), np.log(leave / fill), np.nan)


def _ordered(outcome: np.ndarray, y: np.ndarray) -> np.ndarray | None:
    """f64[N] what the label grows with, the outcome or its size; None where it is neither."""
    known = np.isfinite(outcome)
    top = y == y.max(initial=0)
    for candidate in (outcome, np.abs(outcome), -outcome):
        area = auc(candidate[known], top[known])
        if area is not None and area >= TELLS:
            return candidate
    return None


def _kinds(inside: np.ndarray, order: np.ndarray | None, far: np.ndarray, *, edge_low: bool) -> dict[str, np.ndarray]:
    """Samples of a class ranked by how typical, how close to the other class and how far out they are."""
    mean, most = far[inside].mean(axis=1), far[inside].max(axis=1)
    outliers = inside[np.argsort(-most, kind="stable")]
    if order is None:
        return {"typical": inside[np.argsort(mean, kind="stable")], "outlier": outliers}
    value = order[inside]
    near = np.argsort(np.abs(value - np.median(value)), kind="stable")[:NEAR]
    close = np.argsort(value if edge_low else -value, kind="stable")
    return {
        "typical": inside[near[np.argsort(mean[near], kind="stable")]],
        "boundary": inside[close],
        "outlier": outliers,
    }


def _apart(ranked: np.ndarray, table: SampleTable) -> list[int]:
    """The first few that share no moment with one another, nor a window of the same series."""
    chosen: list[int] = []
    for n in ranked[:2000].tolist():
        meets = any(
            table.time[n] == table.time[m]
            or (table.source[n] == table.source[m] and abs(table.ends[n] - table.ends[m]) < table.window)
            for m in chosen
        )
        if not meets:
            chosen.append(n)
        if len(chosen) == EACH:
            break
    return chosen


def _tile(
    table: SampleTable, prepared: Prepared, n: int, scale: tuple[np.ndarray, np.ndarray], outcome: np.ndarray
) -> dict[str, Any]:
    panel, T = prepared.panel, prepared.panel.present.shape[1]
    row, t = divmod(int(table.ends[n]), T)
    until = min(int(prepared.labels.resolved_at[row, t]), T - 1, t + MOST_AHEAD)
    z = (table.last[n] - scale[0]) / np.where(scale[1] > 0, scale[1], np.inf)
    column = int(np.abs(z).argmax())
    start = max(0, t - table.window + 1)
    base = panel.prices[row, t, CLOSE]
    return {
        "source": table.sources[table.source[n]],
        "time": iso(int(panel.open_time[t])),
        "outcome_bps": float(1e4 * outcome[n]),
        "column": table.names[column],
        "z": float(z[column]),
        "path": _relative(panel.prices[row, start : t + 1, CLOSE], panel.present[row, start : t + 1], base),
        "ahead": _relative(panel.prices[row, t + 1 : until + 1, OPEN], panel.present[row, t + 1 : until + 1], base),
        "shades": _shades(table.windows(np.array([n]))[0], scale),
    }


def _relative(prices: np.ndarray, present: np.ndarray, base: float) -> list[float | None]:
    """Prices in percent from the decision's close; None where there is no bar."""
    ready = present & (prices > 0)
    moved = 100 * (np.where(ready, prices, base) / base - 1)
    return [float(f"{value:.4g}") if there else None for value, there in zip(moved.tolist(), ready, strict=True)]


def _shades(window: np.ndarray, scale: tuple[np.ndarray, np.ndarray]) -> list[list[int]]:
    """i[F][columns] the window's scaled values in steps, -3 to 3; of a long window means of neighbours."""
    parts = np.array_split(np.arange(len(window)), min(len(window), MOST_COLUMNS))
    means = np.stack([window[part].mean(axis=0) for part in parts])
    z = (means - scale[0]) / np.where(scale[1] > 0, scale[1], np.inf)
    return np.clip(np.round(z / STEP), -SHADES, SHADES).astype(int).T[:MOST_FEATURES].tolist()
