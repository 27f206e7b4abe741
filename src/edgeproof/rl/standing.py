"""Where a training of agents stands: one container, written whole at the end of an update."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from edgeproof.core.container import read_container, write_container
from edgeproof.core.errors import TrainError

__all__ = ["LAST", "Standing", "read_standing", "write_standing"]

LAST = "last.safetensors"


@dataclass
class Standing:
    """What a training knows beside its tensors.

    Attributes:
        update: finished updates.
        history: a row of figures an update.
        best: each member's best validation score; none before the first validation.
        best_update: of it, from 1; the last one where nothing validates.
        stage: of the curriculum that the next update is in, from 0.
        seconds: so far, those before a kill included.
        devices: on which it has learned, `cpu` or `cuda`, in order.
        kept: updates that are on disk; like the moment at which they were written, of this process alone.
    """

    update: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    best: list[float | None] = field(default_factory=list)
    best_update: list[int] = field(default_factory=list)
    stage: int = 0
    seconds: float = 0.0
    devices: list[str] = field(default_factory=list)
    kept: int = 0
    saved_at: float = field(default_factory=time.monotonic)


def write_standing(
    folder: Path, standing: Standing, tensors: Mapping[str, Tensor], world: Mapping[str, np.ndarray], identity: Any
) -> None:
    """Write where the training stands: tensors of the learner, arrays of the environment."""
    arrays = {f"learner.{name}": tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
    arrays |= {f"world.{name}": np.asarray(array) for name, array in world.items()}
    shapes = {name: list(array.shape) for name, array in arrays.items()}
    names = ("update", "history", "best", "best_update", "stage", "seconds", "devices")
    body = {name: getattr(standing, name) for name in names}
    whole = {name: np.atleast_1d(array) for name, array in arrays.items()}
    write_container(folder / LAST, whole, {"standing": body, "identity": identity, "shapes": shapes})
    standing.kept, standing.saved_at = standing.update, time.monotonic()


def read_standing(
    folder: Path, identity: Mapping[str, Any]
) -> tuple[Standing, dict[str, Tensor], dict[str, np.ndarray]] | None:
    """What `last` in this folder holds, or None if there is none.

    Raises:
        TrainError: the folder holds the training of another config, seed or environment.
        BundleError: `last` is truncated or altered.
    """
    path = folder / LAST
    if not path.exists():
        return None
    arrays, header, _ = read_container(path)
    differing = [key for key in identity if header["identity"].get(key) != identity[key]]
    if differing:
        raise TrainError(
            f"{folder}: holds a training with another {', '.join(differing)}; choose another folder, or remove this one"
        )
    arrays = {name: array.reshape(header["shapes"][name]) for name, array in arrays.items()}
    learner = {
        name.removeprefix("learner."): torch.from_numpy(array)
        for name, array in arrays.items()
        if name.startswith("learner.")
    }
    world = {name.removeprefix("world."): array for name, array in arrays.items() if name.startswith("world.")}
    return Standing(**header["standing"], kept=header["standing"]["update"]), learner, world
