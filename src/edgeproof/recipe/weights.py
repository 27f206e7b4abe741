"""The weights of a training beside those it began with: how far they went, and which units have fallen silent."""

# B batch, L window, F features, A assets

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from edgeproof.core.catalog import lookup
from edgeproof.core.config import from_mapping
from edgeproof.core.errors import ConfigError, TrainError
from edgeproof.core.rng import Rng
from edgeproof.gates.flow import dead_units
from edgeproof.gates.subject import Batch, Subject
from edgeproof.models import MODELS
from edgeproof.train.keep import arrays_of, load_arrays
from edgeproof.train.seeding import seeded

__all__ = ["Compared", "compared"]

SHOWN = 512


@dataclass(frozen=True)
class Compared:
    """A model beside its start.

    Attributes:
        moved: distance of the weights, as a share of their size at the start; None where they began at zero.
        dead: by layer silent units before, after.
    """

    moved: float | None
    dead: dict[str, tuple[float, float]]


def compared(identity: Mapping[str, Any], shape: Sequence[int], weights: Mapping[str, np.ndarray]) -> Compared | None:
    """Build the model as its training did, and put the weights beside it; None where it cannot be built here.

    Silence is judged on random inputs, more varied than real ones: a unit that is silent on them is silent on bars.

    Args:
        identity: of the training: its model and seed.
        shape: F, L, A.
        weights: parameters and buffers by name.
    """
    body, (seed, *path) = identity["model"], identity["seed"]
    try:
        config: Any = from_mapping(lookup(MODELS, "models", body["name"]), body, source="the checkpoint")
        with seeded(Rng(seed, tuple(path)).child("init")):
            model: nn.Module = config.build(*shape)
        names = [name for name, _ in model.named_parameters()]
        (before, most), start = _silent(model, shape), {name: array.copy() for name, array in arrays_of(model).items()}
        load_arrays(model, weights, Path("the checkpoint"))
    except (ConfigError, TrainError):
        return None
    after, _ = _silent(model, shape)
    size = sum(float((start[name].astype(np.float64) ** 2).sum()) for name in names)
    ways = (weights[name].reshape(-1).astype(np.float64) - start[name].reshape(-1) for name in names)
    way = sum(float((one**2).sum()) for one in ways)
    dead = {name: (before.get(name, most), share) for name, share in after.items()}
    moved = float(np.sqrt(way / size)) if size > 0 else None if way > 0 else 0.0
    return Compared(moved, dead)


def _silent(model: nn.Module, shape: Sequence[int]) -> tuple[dict[str, float], float]:
    """By layer, empty where at most half of each is silent; and the most of any layer."""
    features, window, assets = shape
    batch = Batch((_inputs(features, window), torch.arange(SHOWN) % assets), torch.zeros(SHOWN))
    subject = Subject(model, nn.functional.binary_cross_entropy_with_logits, [batch], "binary", Rng(0))
    evidence = dead_units(subject).evidence
    return dict(evidence.get("shares", {})), float(evidence["measured"] or 0.0)


def _inputs(features: int, window: int) -> Tensor:
    """f32[B, L, F], standard normal; half of them the same at every step, as slow features are."""
    drawn = torch.from_numpy(Rng(0).child("doctor").numpy().standard_normal((SHOWN, window, features), np.float32))
    drawn[::2] = drawn[::2, :1]
    return drawn
