"""Keyed randomness for what draws from torch's global generator (initial weights, dropout), without touching it.

Everything inside the block sees a generator that starts at the stream's key; the generator outside goes on as if the
block had not been.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from edgeproof.core.rng import Rng

__all__ = ["seeded"]


@contextmanager
def seeded(rng: Rng, device: torch.device | None = None) -> Iterator[None]:
    """Let a block draw from this stream."""
    cuda = [device] if device is not None and device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        torch.manual_seed(rng.key())
        yield
