"""Small plots as plain data for a finding's evidence: what was measured anyway, in at most 64 points.

No picture is made here: `core.sketch.sketch` draws them, in a notebook and in a report.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edgeproof.core.sketch import MOST_POINTS, thin

__all__ = ["bars", "histogram", "line", "strip"]

Numbers = Sequence[float] | np.ndarray
Plot = dict[str, Any]
BINS = 24
DIGITS = 5


def _plain(values: Numbers) -> list[float | None]:
    """Numbers of five digits; what is not finite is None."""
    array = np.asarray(values, dtype=np.float64)
    return [float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None for value in array.tolist()]


def line(
    y: Numbers,
    *,
    title: str,
    x_label: str,
    y_label: str,
    x: Numbers | None = None,
    threshold: float | None = None,
    threshold_name: str = "",
    log: bool = False,
) -> Plot:
    """A curve, thinned so that its lowest and highest points stay.

    Args:
        y: values in order.
        title: what the curve is.
        x_label: what its positions count.
        y_label: what its values are.
        x: positions; default: 1, 2, ...
        threshold: the value that decides.
        threshold_name: what that value is called.
        log: values on a logarithmic scale.
    """
    across, up = thin(np.arange(1, len(y) + 1) if x is None else np.asarray(x), np.asarray(y, float), MOST_POINTS)
    body = {
        "kind": "line",
        "title": title,
        "x": _plain(across),
        "y": _plain(up),
        "x_label": x_label,
        "y_label": y_label,
    }
    return _marked(body, threshold, threshold_name, log=log)


def bars(
    values: Mapping[str, float],
    *,
    title: str,
    y_label: str,
    threshold: float | None = None,
    threshold_name: str = "",
    wrong: str = "",
    log: bool = False,
) -> Plot:
    """One bar a name; of more than 64 the largest, in their own order.

    Args:
        values: of each name.
        title: what the bars are.
        y_label: what their length is.
        threshold: the value that decides.
        threshold_name: what that value is called.
        wrong: the side of the threshold that is wrong, `above` or `below`.
        log: lengths on a logarithmic scale.
    """
    names = list(values)
    if len(names) > MOST_POINTS:
        largest = set(sorted(names, key=lambda name: -abs(values[name]))[:MOST_POINTS])
        names = [name for name in names if name in largest]
    body = {
        "kind": "bars",
        "title": title,
        "x": list(range(len(names))),
        "y": _plain([values[name] for name in names]),
        "names": names,
        "x_label": "",
        "y_label": y_label,
    }
    return _marked(body, threshold, threshold_name, log=log) | ({"wrong": wrong} if wrong else {})


def histogram(
    values: Numbers, *, title: str, x_label: str, threshold: float | None = None, threshold_name: str = ""
) -> Plot | None:
    """How many values fall into each of 24 equal bins; None where no value is finite."""
    array = np.asarray(values, dtype=np.float64).reshape(-1)
    array = array[np.isfinite(array)]
    if not len(array) or not np.isfinite(np.ptp(array)):
        return None
    counts, edges = np.histogram(array, bins=BINS if np.ptp(array) > 0 else 1)
    body = {
        "kind": "histogram",
        "title": title,
        "x": _plain((edges[1:] + edges[:-1]) / 2),
        "y": counts.tolist(),
        "x_label": x_label,
        "y_label": "count",
    }
    return _marked(body, threshold, threshold_name, log=False)


def strip(values: Numbers, *, title: str, x_label: str, threshold: float | None = None) -> Plot:
    """One cell a position; of more than 64 positions the largest of each stretch."""
    array = np.asarray(values, dtype=np.float64)
    parts = np.array_split(np.arange(len(array)), min(len(array), MOST_POINTS))
    largest = [float(np.abs(array[part]).max()) for part in parts]
    body = {
        "kind": "strip",
        "title": title,
        "x": [int(part[0]) + 1 for part in parts],
        "y": _plain(largest),
        "x_label": x_label,
        "y_label": "",
    }
    return _marked(body, threshold, "", log=False) | {"wrong": "above"}


def _marked(body: Plot, threshold: float | None, name: str, *, log: bool) -> Plot:
    body["threshold"] = threshold
    return body | ({"threshold_name": name} if name else {}) | ({"log": True} if log else {})
