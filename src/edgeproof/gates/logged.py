"""Figures that were logged one by one, at steps or epochs of their own, as one table with a row an epoch."""

# E rows

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["LONGEST", "Series", "failure_in", "rows_at", "table"]

Series = Sequence[tuple[int, float]]
"""(step, value) in order."""
LONGEST, SHORT = 100, 20  # training losses alone: more than this many are averaged to that many rows
BEFORE = 20


def table(series: Mapping[str, Series]) -> list[dict[str, Any]]:
    """Rows of `train_loss`, `val_loss` and whatever else there is.

    Where training and validation losses are logged at the same steps, each step is a row. Else the rarer of the two
    makes the rows, and of the other what came since the last row is averaged. Steps that do not count the same thing
    (training batches, validation epochs) are matched by their order.

    Args:
        series: by column of a history; `train` must be there.
    """
    return [row for row in rows_at(series, _ends(series)) if row["train"] is not None]


def rows_at(series: Mapping[str, Series], ends: Sequence[int]) -> list[dict[str, Any]]:
    """Rows that end at these steps: of each figure the mean of what came since the row before; None where nothing did.

    Args:
        series: by column.
        ends: the last step of each row, rising.
    """
    columns = {name: _binned(values, ends) for name, values in series.items() if len(values)}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _ends(series: Mapping[str, Series]) -> list[int]:
    """The last step of each row."""
    train, validation = series["train"], series.get("validation", ())
    if len(validation) < 2:
        steps = [step for step, _ in train]
        places = np.linspace(0, len(steps), (len(steps) if len(steps) <= LONGEST else SHORT) + 1).astype(int)[1:] - 1
        return [steps[place] for place in places]
    return [step for step, _ in (train if len(train) < len(validation) else validation)]


def _binned(values: Series, ends: Sequence[int]) -> list[float | None]:
    """A value a row: the mean of what was logged since the row before; None where nothing was."""
    steps = np.array([step for step, _ in values])
    if _same_axis(steps, ends):
        places = np.minimum(np.searchsorted(ends, steps), len(ends) - 1)
    else:
        places = np.arange(len(values)) * len(ends) // len(values)
    numbers = np.array([value for _, value in values], dtype=np.float64)
    return [float(numbers[places == row].mean()) if (places == row).any() else None for row in range(len(ends))]


def _same_axis(steps: np.ndarray, ends: Sequence[int]) -> bool:
    """Whether both count the same thing: their last steps are alike."""
    last, other = max(int(steps[-1]), 1), max(int(ends[-1]), 1)
    return len(steps) < 2 or 0.5 <= last / other <= 2.0


def failure_in(train: Series, norm: Series = (), *, rows: int) -> dict[str, Any]:
    """What `Known.failed` holds of a loss that was not finite; empty where all were.

    Args:
        train: training losses.
        norm: norms of the gradient at the same steps.
        rows: of the table; with no more losses than that, a loss is an epoch's and not a step's.
    """
    values = [value for _, value in train]
    bad = next((place for place, value in enumerate(values) if not math.isfinite(value)), None)
    if bad is None:
        return {}
    step = train[bad][0]
    norms = [value for at, value in norm if at < step and math.isfinite(value)]
    found = {"what": "loss", "at": f"at logged step {step}", "epoch": 1 if bad == 0 else 2, "norms": norms[-BEFORE:]}
    found |= {"step": bad + 1} if len(train) > rows else {}
    return found | {"losses": values[max(0, bad - BEFORE) : bad], "first_loss": values[0] if bad else None}
