"""Values of the samples' columns: finite, spread out, scaled by the many and not by a few, and not told twice."""

# N samples, F columns, P pairs

from typing import Any

import numpy as np

from edgeproof.core.finding import Finding
from edgeproof.gates.report import failed, passed
from edgeproof.gates.samples_table import SampleTable

__all__ = ["correlations", "distributions", "finite", "outliers", "robust_scale", "worst_samples"]

LEVELS = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
PILED = 0.1  # of the samples at one value of a column that has more than ...
FEW_VALUES = 100  # ... so many: it was cut off there, or filled in
FAR = 10.0  # robust standard deviations
FEW = 0.001  # of the samples ...
RULED = 0.5  # ... hold this share of a column's variance. Student's t with 3 degrees of freedom: 0.17
SAME = 0.99  # |correlation|
MOST = 16  # rows of evidence
MAD = 1.4826  # to the standard deviation of a normal variable


def finite(table: SampleTable) -> Finding:
    """No number of a sample's last row is NaN or infinite."""
    bad = ~np.isfinite(table.last)
    count = int(bad.sum())
    if not count:
        claim = f"all of {bad.size:,} numbers are finite"
        return passed("samples.finite", claim, measured=0, threshold="no NaN, no infinity")
    column = int(bad.sum(axis=0).argmax())
    return failed(
        "samples.finite",
        "error",
        f"{count:,} numbers are NaN or infinite, most in {table.names[column]}",
        "mask or drop these samples, or mend what computes them (division by zero, logarithm of 0, missing values)",
        measured=count,
        threshold="no NaN, no infinity",
        where=table.names[column],
        samples=int(bad.any(axis=1).sum()),
    )


def distributions(table: SampleTable) -> Finding:
    """No column is constant, and no column of many values piles a tenth of its samples on one of them."""
    check, x = "samples.distributions", table.last.astype(np.float64)
    rows = [_shape(name, column) for name, column in zip(table.names, x.T, strict=True)]
    still = [row for row in rows if row["distinct"] < 2]
    piled = [row for row in rows if row["distinct"] > FEW_VALUES and row["piled"] > PILED]
    measured = max((row["piled"] for row in rows if row["distinct"] > FEW_VALUES or row in still), default=0.0)
    facts: dict[str, Any] = {"columns": rows}
    if not still and not piled:
        return passed(check, f"all {len(rows)} columns vary freely", measured=measured, threshold=PILED, **facts)
    first = (still or piled)[0]
    where = f"{first['name']} = {first['piled_at']:.4g}"
    return failed(
        check,
        "warning",
        f"{len(still)} of {len(rows)} columns never change, such as {first['name']}"
        if still
        else f"{first['piled']:.0%} of the samples have {where} ({len(piled)} columns pile up at one value)",
        "leave the column out, or look for what overwrote, clipped or filled it",
        measured=measured,
        threshold=PILED,
        where=first["name"],
        **facts,
    )


def _shape(name: str, column: np.ndarray) -> dict[str, Any]:
    """Quantiles, skewness, share at the ends and at the most common value of f64[N]."""
    ordered = np.sort(column)
    edge = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1], True])
    counts = np.diff(edge)
    place = int(counts.argmax())
    spread = ordered.std()
    skew = float((((ordered - ordered.mean()) / spread) ** 3).mean()) if counts.size > 1 and spread > 0 else 0.0
    at = np.minimum((np.array(LEVELS) * len(ordered)).astype(int), len(ordered) - 1)
    return {
        "name": name,
        "distinct": int(counts.size),
        "quantiles": {f"{level:g}": float(ordered[where]) for level, where in zip(LEVELS, at, strict=True)},
        "mean": float(ordered.mean()),
        "deviation": float(spread),
        "skew": skew,
        "at_low": float(counts[0] / len(ordered)),
        "at_high": float(counts[-1] / len(ordered)),
        "piled": float(counts[place] / len(ordered)),
        "piled_at": float(ordered[edge[place]]),
    }


def robust_scale(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """f64[F] median and 1.4826 times the median absolute deviation of f[N, F] (Hampel 1974, JASA 69:383).

    The deviation is 0 where more than half of a column's values are equal.
    """
    middle = np.median(x, axis=0).astype(np.float64)
    return middle, MAD * np.median(np.abs(x - middle), axis=0).astype(np.float64)


def worst_samples(table: SampleTable, scale: tuple[np.ndarray, np.ndarray], most: int = MOST) -> list[dict[str, Any]]:
    """The samples farthest from the middle, one entry each: where, when, which column, its value and robust z."""
    z = _robust_z(table, scale)
    far, column = np.abs(z).max(axis=1), np.abs(z).argmax(axis=1)
    order = np.argsort(-far, kind="stable")[:most]
    return [
        {"sample": int(n), "source": table.sources[table.source[n]], "time": table.when(int(n))}
        | {"column": table.names[column[n]], "value": float(table.last[n, column[n]]), "z": float(z[n, column[n]])}
        for n in order
        if far[n] > FAR
    ]


def _robust_z(table: SampleTable, scale: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    middle, spread = (part.astype(table.last.dtype) for part in scale)
    return (table.last - middle) / np.where(spread > 0, spread, np.inf)


def outliers(table: SampleTable, scale: tuple[np.ndarray, np.ndarray]) -> Finding:
    """No handful of samples sets the scale of a column: the thousandth part of them holds under half of its variance.

    Standardising by such a column presses all other samples together. Values beyond 10 robust deviations are counted
    and the worst named; heavy tails alone are no fault.

    Args:
        table: the samples.
        scale: of `robust_scale`, of any fair share of them.
    """
    check = "samples.outliers"
    counts = (np.abs(_robust_z(table, scale)) > FAR).sum(axis=0)
    ruled = np.array([_ruled(table.last[:, column]) if counts[column] else 0.0 for column in range(len(table.names))])
    order = np.argsort(-ruled, kind="stable")[:MOST]
    rows = [
        {"name": table.names[column], "far": int(counts[column]), "share_of_variance": float(ruled[column])}
        for column in order
        if counts[column]
    ]
    plot = {
        "kind": "bars",
        "title": "Variance held by the most extreme 0.1% of the samples",
        "x": list(range(len(rows))),
        "y": [row["share_of_variance"] for row in rows],
        "names": [row["name"] for row in rows],
        "threshold": RULED,
        "x_label": "column",
        "y_label": "share of its variance",
    }
    facts = {"columns": rows, "worst": worst_samples(table, scale), "plot": plot}
    highest, total = float(ruled.max(initial=0.0)), int(counts.sum())
    if highest < RULED:
        claim = f"{total:,} numbers lie beyond {FAR:g} robust deviations, none rules its column's scale"
        return passed(check, claim, measured=highest, threshold=RULED, **facts)
    first = facts["worst"][0] if facts["worst"] else {}
    at = f", the farthest in {first['source']} at {first['time']}" if first else ""
    return failed(
        check,
        "warning",
        f"a thousandth of the samples holds {highest:.0%} of the variance of {table.names[order[0]]}{at}",
        "look at these bars (a bad tick?); mend them at the source, clip the column, or take its logarithm or ranks",
        measured=highest,
        threshold=RULED,
        where=table.names[order[0]],
        **facts,
    )


def _ruled(column: np.ndarray) -> float:
    """Share of the variance that the most extreme 0.1% of f[N] hold, at least one of them."""
    squares = (column.astype(np.float64) - column.mean(dtype=np.float64)) ** 2
    few = max(1, int(FEW * len(squares)))
    total = squares.sum()
    return float(np.partition(squares, len(squares) - few)[-few:].sum() / total) if total > 0 else 0.0


def correlations(table: SampleTable) -> Finding:
    """No two columns say the same: |correlation| below 0.99."""
    check, x = "samples.correlations", table.last.astype(np.float64)
    spread = x.std(axis=0)
    varies = np.flatnonzero(spread > 1e-12 * np.abs(x).max(axis=0))
    z = (x[:, varies] - x[:, varies].mean(axis=0)) / spread[varies]
    matrix = np.clip(z.T @ z / len(z), -1.0, 1.0)
    one, other = np.triu_indices(len(varies), 1)
    order = np.argsort(-np.abs(matrix[one, other]), kind="stable")
    pairs = [
        {"one": table.names[varies[one[k]]], "other": table.names[varies[other[k]]]}
        | {"correlation": float(matrix[one[k], other[k]])}
        for k in order[:MOST]
    ]
    strength = np.abs(matrix[one, other])
    highest = float(strength.max(initial=0.0))
    plot = {
        "kind": "bars",
        "title": "Pairs that are most alike",
        "x": list(range(len(pairs))),
        "y": strength[order[:MOST]].tolist(),
        "names": [f"{pair['one']}, {pair['other']}" for pair in pairs],
        "threshold": SAME,
        "x_label": "pair of columns",
        "y_label": "|correlation|",
    }
    if highest < SAME:
        claim = f"no two of {len(varies)} columns say the same (the closest {highest:.2f})"
        return passed(check, claim, measured=highest, threshold=SAME, pairs=pairs, plot=plot)
    many = int((strength >= SAME).sum())
    return failed(
        check,
        "warning",
        f"{pairs[0]['one']} and {pairs[0]['other']} say the same (correlation {pairs[0]['correlation']:.3f}; "
        f"{many} such {'pair' if many == 1 else 'pairs'})",
        "leave one of the two out: a copy adds weights and no information",
        measured=highest,
        threshold=SAME,
        where=f"{pairs[0]['one']}, {pairs[0]['other']}",
        pairs=pairs,
        plot=plot,
    )
