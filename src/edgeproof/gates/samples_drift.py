"""Drift: whether a column is distributed alike in two parts, judged by what is new in them and not by single samples.

Neighbouring samples say the same thing again, so a test that counts them alarms on every market. The distance is that
of Kolmogorov and Smirnov, taken at the deciles of training; its error comes from as many samples as the part is worth:
each part is cut into cells of some moments, and n cells with memory tau (long-run variance over variance, in training)
are worth n / tau (Weiss 1978, JASA 73:872). The long-run variance is the larger of Andrews & Monahan's (1992) and of
eight batch means' (Conway 1963, Management Science 10:47), which sees a level that wanders for as long as training
lasts: such a column is never worth much. A part worth under 8 is not judged. An alarm needs both size and significance.
"""

# N samples, C cells, F columns, D deciles

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import stdtr

from edgeproof.core.finding import Finding
from edgeproof.gates.report import failed, passed
from edgeproof.gates.samples_table import PARTS, SampleTable
from edgeproof.stats.dependence import long_run_variance

__all__ = ["LEAST_WORTH", "Drift", "drift", "drift_between", "label_drift"]

MOST_CELLS = 1024
LEAST_CELLS = 16
BATCHES = 8  # of all cells of training
WANDERS = 3.0  # by chance in 3 of 1,000 columns: chi-square of 7 degrees of freedom over 7
LEAST_WORTH = 8.0  # independent values
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
        p: of the largest difference in its standard errors, of all that was asked together (Bonferroni); 1 where
            `worth` is under 8.
        worth: independent values that the second part is worth.
    """

    name: str
    distance: float
    p: float
    worth: float


@dataclass(frozen=True)
class _Cells:
    """Two parts, each cut into cells of as many moments."""

    which: tuple[np.ndarray, np.ndarray]
    cell: tuple[np.ndarray, np.ndarray]

    def sums(self, part: int, value: np.ndarray) -> np.ndarray:
        """f64[C] mean of f[N] in each cell of a part."""
        cell, chosen = self.cell[part], value[self.which[part]]
        return np.bincount(cell, chosen) / np.bincount(cell)


def _cells(table: SampleTable, one: np.ndarray, other: np.ndarray) -> _Cells | None:
    """None where one of the two has too few moments."""
    placed = [np.unique(table.time[part], return_inverse=True) for part in (one, other)]
    length = -(-len(placed[0][0]) // MOST_CELLS)
    counts = [len(moments) // max(length, 1) for moments, _ in placed]
    if min(counts) < LEAST_CELLS:
        return None
    cell = [
        np.minimum(place.reshape(-1) // length, count - 1) for (_, place), count in zip(placed, counts, strict=True)
    ]
    return _Cells((one, other), (cell[0], cell[1]))


def _memory(*series: np.ndarray) -> float:
    """Cells that one independent value takes: the largest long-run variance over variance of some series.

    Infinite where the batches see over thrice what the series' own steps tell: a level wanders under what is quicker.
    """
    steps, batches = [1.0], [1.0]
    for values in series:
        spread, long = values.var(), long_run_variance(values)
        if long is not None and spread > 0:
            steps.append(long / spread)
            batches.append(_batched(values) / spread)
    return np.inf if max(batches) > WANDERS * max(steps) else max(steps + batches)


def _batched(values: np.ndarray) -> float:
    """Long-run variance of f64[C] by the variance of the means of eight equal batches."""
    length = len(values) // BATCHES
    means = values[len(values) - BATCHES * length :].reshape(BATCHES, length).mean(axis=1)
    return length * float(means.var(ddof=1))


def _judge(one: np.ndarray, other: np.ndarray, gap: np.ndarray, memory: float) -> tuple[float, float]:
    """Smallest p of D differences between shares in cells f64[C, D], and the worth of the second part's cells."""
    worth = len(other) / memory
    if worth < LEAST_WORTH:
        return 1.0, worth
    error = np.sqrt(one.var(axis=0) * memory * (1 / len(one) + 1 / len(other)))
    still = error <= 1e-12
    t = np.where(still, np.where(np.abs(gap) > 1e-12, np.inf, 0.0), np.abs(gap) / np.where(still, 1.0, error))
    return float(2 * stdtr(worth - 1, -t.max(initial=0.0))), worth


def _shares(below: np.ndarray, cell: np.ndarray, deciles: int) -> np.ndarray:
    """f64[C, D] share of each cell's samples at or below each decile, from i64[N] how many deciles lie below."""
    count = int(cell.max()) + 1
    found = np.bincount(cell * (deciles + 1) + below, minlength=count * (deciles + 1)).reshape(count, deciles + 1)
    return np.cumsum(found, axis=1)[:, :-1] / found.sum(axis=1, keepdims=True)


def drift_between(table: SampleTable, one: np.ndarray, other: np.ndarray, *, asked: int = 1) -> list[Drift]:
    """How each column moved from some samples to others, the farthest first; none where either are too few.

    Args:
        table: the samples.
        one: bool[N] those whose deciles and memory count, such as training.
        other: bool[N] those that are compared with them.
        asked: how many such comparisons are made.
    """
    cells = _cells(table, one, other)
    if cells is None:
        return []
    found = [_column(table.last[:, number], name, cells) for number, name in enumerate(table.names)]
    times = asked * 9 * len(found)
    whole = [Drift(each.name, each.distance, min(1.0, each.p * times), each.worth) for each in found]
    return sorted(whole, key=lambda each: -each.distance)


def _column(column: np.ndarray, name: str, cells: _Cells) -> Drift:
    one, other = (column[part] for part in cells.which)
    edges = np.unique(np.quantile(one, np.linspace(0.1, 0.9, 9), method="lower"))
    below = [np.searchsorted(edges, part, side="left") for part in (one, other)]
    whole = [np.cumsum(np.bincount(part, minlength=len(edges) + 1))[:-1] / len(part) for part in below]
    gap = np.abs(whole[0] - whole[1])
    shares = [_shares(part, cell, len(edges)) for part, cell in zip(below, cells.cell, strict=True)]
    memory = 1.0
    if gap.max(initial=0.0) >= MOVED / 2:  # nothing is asked of the others
        level = np.clip(column, edges[0], edges[-1]).astype(np.float64)
        memory = _memory(cells.sums(0, level), cells.sums(0, np.abs(level - np.median(level))), shares[0][:, 0])
    p, worth = _judge(shares[0], shares[1], gap, memory)
    return Drift(name, float(gap.max(initial=0.0)), p, worth)


def _later(table: SampleTable) -> list[str]:
    """Parts after training that have samples."""
    return [name for name in PARTS[1:] if table.inside(name).any() and table.inside("train").any()]


def drift(table: SampleTable) -> Finding:
    """No column moves so far from training to validation or test that a tenth of its samples lies elsewhere."""
    check, threshold = "samples.drift", {"distance": MOVED, "p": LEVEL}
    parts = _later(table)
    found = {part: drift_between(table, table.inside("train"), table.inside(part), asked=len(parts)) for part in parts}
    rows = [
        {"part": part, "name": each.name, "distance": each.distance, "p": each.p, "worth": each.worth}
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
        slow = sum(row["distance"] >= MOVED and row["worth"] < LEAST_WORTH for row in rows)
        claim = (
            f"no column is known to move by {MOVED:.0%} of its samples (the farthest, {first['name']}, by "
            f"{first['distance']:.1%})" + (f"; {slow} wander too slowly to be judged" if slow else "")
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
        cells = _cells(table, train, table.inside(part))
        if cells is None:
            continue
        for value in table.classes:
            row = _class_row(cells, (table.y == value).astype(np.float64))
            whole = min(1.0, row["p"] * len(table.classes) * len(parts))
            rows.append({"part": part, "class": f"{value:g}"} | row | {"p": whole})
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


def _class_row(cells: _Cells, is_class: np.ndarray) -> dict[str, float]:
    shares = [cells.sums(part, is_class)[:, None] for part in range(2)]
    gap = abs(float(is_class[cells.which[0]].mean() - is_class[cells.which[1]].mean()))
    p, worth = _judge(shares[0], shares[1], np.array([gap]), _memory(shares[0][:, 0]))
    return {"difference": gap, "p": p, "worth": worth}
