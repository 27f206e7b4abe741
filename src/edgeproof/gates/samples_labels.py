"""Labels: how many of each class, in each part, with the interval that their number leaves."""

# N samples

from typing import Any

import numpy as np

from edgeproof.core.finding import Finding
from edgeproof.gates.report import failed, passed
from edgeproof.gates.samples_table import PARTS, SampleTable
from edgeproof.stats.proportion import share_interval

__all__ = ["label_balance", "label_shares"]

RARE = 0.02  # as `data.labels`: of batches of 64, every fourth would have none of them


def label_shares(table: SampleTable) -> list[dict[str, Any]]:
    """One row a part and class: `part`, `class`, `count`, `of`, `share` and its 95% interval.

    The interval is exact for independent samples (Clopper & Pearson 1934); labels that overlap in time vary more.
    """
    rows = []
    for part in PARTS:
        y = table.y[table.inside(part)]
        for value in table.classes if len(y) else ():
            count = int((y == value).sum())
            low, high = share_interval(count, len(y))
            rows.append(
                {"part": part, "class": f"{value:g}", "count": count, "of": len(y)}
                | {"share": count / len(y), "low": low, "high": high}
            )
    return rows


def label_balance(table: SampleTable) -> Finding:
    """Every part has samples of every class, and no class has under 2% of them."""
    check = "samples.labels"
    if not len(table.classes):
        return _values(table)
    rows = label_shares(table)
    least = min(rows, key=lambda row: row["share"])
    plot = {
        "kind": "bars",
        "title": "Share of each class",
        "x": list(range(len(rows))),
        "y": [row["share"] for row in rows],
        "names": [f"{row['part']}: {row['class']}" for row in rows],
        "threshold": RARE,
        "x_label": "part and class",
        "y_label": "share of the part",
    }
    facts = {"shares": rows, "plot": plot}
    told = "; ".join(
        f"{part} " + ", ".join(f"{row['class']}: {row['share']:.1%}" for row in rows if row["part"] == part)
        for part in dict.fromkeys(row["part"] for row in rows)
    )
    if len(table.classes) > 1 and least["share"] >= RARE:
        return passed(check, f"classes by part: {told}", measured=least["share"], threshold=RARE, **facts)
    missing = len(table.classes) < 2 or least["count"] == 0
    return failed(
        check,
        "error" if missing else "warning",
        f"{least['part']} has no sample of class {least['class']}"
        if least["count"] == 0
        else ("all labels are of one class" if missing else f"a class is rare: {told}"),
        "choose another label threshold or horizon, or longer parts: nothing is learned from one class"
        if missing
        else "weigh classes alike (weighted or focal loss), or move the label's threshold towards the middle",
        measured=least["share"] if len(table.classes) > 1 else 1.0,
        threshold=RARE,
        where=least["part"],
        **facts,
    )


def _values(table: SampleTable) -> Finding:
    y = table.y.astype(np.float64)
    lost = int((~np.isfinite(y)).sum())
    spread = float(np.nanstd(y)) if lost < len(y) else 0.0
    if not lost and spread > 0:
        claim = f"labels are values with a standard deviation of {spread:.3g}"
        return passed("samples.labels", claim, measured=spread, threshold="> 0, all finite")
    return failed(
        "samples.labels",
        "error",
        f"{lost:,} labels are not finite" if lost else "all labels are equal",
        "drop these samples, or mend what computes the label",
        measured=lost or spread,
        threshold="> 0, all finite",
    )
