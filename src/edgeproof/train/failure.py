"""What a training knew of itself: facts beside every checkpoint, and one small file where its numbers became none.

Both are for whoever asks later what went wrong; nothing of them goes back into a training.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from edgeproof.core.errors import Diverged
from edgeproof.core.files import write_json
from edgeproof.train.descent import Learner, Task

__all__ = ["FAILED", "clear_failure", "facts_of", "write_failure"]

FAILED = "failed.json"


def facts_of(task: Task, learner: Learner) -> dict[str, Any]:
    """What a training was given.

    Returns:
        `shape` [F, L, A] of the model's inputs, `batch_size`, of each part `samples` and the share of `positives`, and
        of the scaled `inputs` whether all are finite, the largest, and how many never change.
    """
    low, high = task.x.reshape(-1, task.x.shape[2]).aminmax(dim=0)
    largest = float(torch.maximum(low.abs(), high.abs()).max())
    return {
        "shape": [task.x.shape[2], task.dataset.window, len(task.dataset.symbols)],
        "batch_size": learner.batch_size,
        "samples": {"train": len(task.train.y), "validation": len(task.validation.y)},
        "positives": {"train": float(task.train.y.mean()), "validation": float(task.validation.y.mean())},
        "inputs": {
            "finite": bool(np.isfinite(largest)),
            "largest": largest if np.isfinite(largest) else None,
            "constant": int((low == high).sum()),
            "columns": int(task.x.shape[2]),
        },
    }


def write_failure(folder: Path, error: Diverged, facts: dict[str, Any]) -> None:
    """Keep what was known when the numbers became infinite or NaN, as `failed.json`."""
    body = {"reason": str(error), **{name: _plain(value) for name, value in error.facts.items()}, "facts": facts}
    write_json(Path(folder) / FAILED, body)


def clear_failure(folder: Path) -> None:
    """A training that has gone past the point has not failed there."""
    (Path(folder) / FAILED).unlink(missing_ok=True)


def _plain(value: Any) -> Any:
    """JSON without NaN: what is not a finite number is null."""
    if isinstance(value, Tensor | np.ndarray):
        value = value.tolist()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
