"""Drift: whether a column is distributed alike in two parts, judged by blocks of time and not by single samples.

Neighbouring samples say the same thing again, so a test that counts them alarms on every market. Here each part is cut
into 14 consecutive blocks; the share of a block's samples below each decile of the training part is one number, and the
two sets of numbers meet in a t test with the degrees of freedom of the smaller set less one (Ibragimov & Mueller 2016,
Review of Economics and Statistics 98:83), which holds whatever the dependence inside a block. The size of the shift is
Kolmogorov and Smirnov's distance, taken at the deciles; an alarm needs both.
"""

# N samples, B blocks, F columns, D deciles

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import stdtr

from edgeproof.core.finding import Finding
from edgeproof.gates.report import failed, passed
from edgeproof.gates.samples_table import PARTS, SampleTable

__all__ = ["Drift", "drift", "drift_between", "label_drift"]

BLOCKS = 14
LEAST_BLOCKS = 4
LEAST_IN_BLOCK = 8  # moments of time
LEVEL = 0.01  # of all columns, deciles and pairs of parts together
MOVED = 0.1  # a tenth of the samples lies elsewhere
LABEL_MOVED = 0.05  # of the share of a class
MOST = 16


@dataclass(frozen=True)
class Drift:
    """How one column moved from one part to the other.

    Attributes:
        name: the column.
        distance: largest difference of the two distribution functions at the deciles of the first part, 0 to 1.
        p: of the block test, of all that was asked together (Bonferroni).
    """

    name: str
    distance: float
    p: float


def _blocks(time: np.ndarray) -> np.ndarray:
    """i64[N] block of each sample, 14 at most, each of as many moments; empty where they are too few."""
    moments, place = np.unique(time, return_inverse=True)
    count = min(BLOCKS, len(moments) // LEAST_IN_BLOCK)
    return place.reshape(-1) * count // len(moments) if count >= LEAST_BLOCKS else np.empty(0, np.int64)


def _shares(below: np.ndarray, block: np.ndarray) -> np.ndarray:
    """f64[B, D] share of each block's samples below each decile, from i64[N] the number of deciles at or below."""
    count, deciles = int(block.max()) + 1, int(below.max()) + 1
    cells = np.bincount(block * deciles + below, minlength=count * deciles).reshape(count, deciles)
    return np.cumsum(cells, axis=1)[:, :-1] / cells.sum(axis=1, keepdims=True)


def _compare(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Largest difference of the mean shares f64[B, D], and the smallest p of its D differences."""
    gap = one.mean(axis=0) - other.mean(axis=0)
    error = np.sqrt(one.var(axis=0, ddof=1) / len(one) + other.var(axis=0, ddof=1) / len(other))
    still = error <= 1e-12
    t = np.where(still, np.where(np.abs(gap) > 1e-12, np.inf, 0.0), gap / np.where(still, 1.0, error))
    p = 2 * stdtr(min(len(one), len(other)) - 1, -np.abs(t))
    return float(np.abs(gap).max(initial=0.0)), float(p.min(initial=1.0))


def drift_between(table: SampleTable, one: np.ndarray, other: np.ndarray, *, asked: int = 1) -> list[Drift]:
    """How each column moved from some samples to others; none where either are too few for blocks.

    Args:
        table: the samples.
        one: bool[N] those whose deciles count, such as training.
        other: bool[N] those that are compared with them.
        asked: how many such comparisons are made.
    """
    blocks = [_blocks(table.time[part]) for part in (one, other)]
    if not all(len(block) for block in blocks):
        return []
    found = []
    for name, column in zip(table.names, table.last.T, strict=True):
        edges = np.unique(np.quantile(column[one], np.linspace(0.1, 0.9, 9), method="lower"))
        below = np.searchsorted(edges, column, side="left")
        # one more level than any sample reaches, so that both parts have every decile
        both = [
            _shares(np.r_[below[part], len(edges)], np.r_[block, 0])
            for part, block in zip((one, other), blocks, strict=True)
        ]
        distance, p = _compare(*both)
        found.append(Drift(name, distance, min(1.0, p * len(edges) * len(table.names) * asked)))
    return sorted(found, key=lambda each: -each.distance)


def _later(table: SampleTable) -> list[str]:
    """Parts after training that have samples."""
    return [name for name in PARTS[1:] if table.inside(name).any() and table.inside("train").any()]


def drift(table: SampleTable) -> Finding:
    """No column moves so far from training to validation or test that a tenth of its samples lies elsewhere."""
    check, threshold = "samples.drift", {"distance": MOVED, "p": LEVEL}
    parts = _later(table)
    found = {part: drift_between(table, table.inside("train"), table.inside(part), asked=len(parts)) for part in parts}
    rows = [
        {"part": part, "name": each.name, "distance": each.distance, "p": each.p}
        for part, moved in found.items()
        for each in moved
    ]
    if not rows:
        return passed(check, "too few samples in two parts: not looked at", measured=None, threshold=threshold)
    rows.sort(key=lambda row: -row["distance"])
    alarms = [row for row in rows if row["distance"] >= MOVED and row["p"] <= LEVEL]
    first = (alarms or rows)[0]
    facts: dict[str, Any] = {"columns": rows[: 4 * MOST], "plot": _plot(rows[:MOST])}
    measured = {"distance": first["distance"], "p": first["p"]}
    if not alarms:
        claim = (
            f"columns are distributed alike in all parts (the farthest, {first['name']}, by {first['distance']:.2f})"
        )
        return passed(check, claim, measured=measured, threshold=threshold, **facts)
    return failed(
        check,
        "warning",
        f"{len(alarms)} of {len(rows)} distributions move after training, most {first['name']}: "
        f"{first['distance']:.0%} of its {first['part']} samples lie elsewhere",
        "use a feature that adapts (ranks, z-scores over a rolling window), or train on later bars too",
        measured=measured,
        threshold=threshold,
        where=first["name"],
        moved=len(alarms),
        **facts,
    )


def _plot(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "kind": "bars",
        "title": "How far columns move after training",
        "x": list(range(len(rows))),
        "y": [row["distance"] for row in rows],
        "names": [f"{row['name']} ({row['part']})" for row in rows],
        "threshold": MOVED,
        "x_label": "column",
        "y_label": "share of samples that lie elsewhere",
    }


def label_drift(table: SampleTable) -> Finding:
    """No class is more or less frequent by 5% of the samples in validation or test than in training."""
    check, threshold = "samples.label_drift", {"difference": LABEL_MOVED, "p": LEVEL}
    parts, train = _later(table), table.inside("train")
    rows = []
    for part in parts:
        inside = table.inside(part)
        blocks = [_blocks(table.time[each]) for each in (train, inside)]
        if not all(len(block) for block in blocks):
            continue
        for value in table.classes:
            is_class = (table.y == value).astype(np.int64)
            both = [_class_shares(is_class[each], block) for each, block in zip((train, inside), blocks, strict=True)]
            gap, p = _compare(*both)
            whole = min(1.0, p * len(table.classes) * len(parts))
            rows.append({"part": part, "class": f"{value:g}", "difference": gap, "p": whole})
    if not rows:
        return passed(check, "no classes, or too few samples: not looked at", measured=None, threshold=threshold)
    rows.sort(key=lambda row: -row["difference"])
    alarms = [row for row in rows if row["difference"] >= LABEL_MOVED and row["p"] <= LEVEL]
    first = (alarms or rows)[0]
    measured = {"difference": first["difference"], "p": first["p"]}
    if not alarms:
        claim = f"classes are about as frequent in all parts (largest difference {first['difference']:.1%})"
        return passed(check, claim, measured=measured, threshold=threshold, classes=rows)
    return failed(
        check,
        "warning",
        f"class {first['class']} is {first['difference']:.1%} of the samples more or less frequent in "
        f"{first['part']} than in training",
        "use a label relative to volatility or to the market, and look at forecasts by month",
        measured=measured,
        threshold=threshold,
        where=first["part"],
        classes=rows,
    )


def _class_shares(is_class: np.ndarray, block: np.ndarray) -> np.ndarray:
    """f64[B, 1] share of each block's samples in the class."""
    return (np.bincount(block, is_class) / np.bincount(block))[:, None]
