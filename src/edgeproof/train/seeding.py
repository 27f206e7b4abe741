"""Keyed randomness for what draws from torch's global generator (initial weights, dropout), without touching it.

Everything inside the block sees a generator that starts at the stream's key; the generator outside goes on as if the
block had not been.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from edgeproof.core.rng import Rng

__all__ = ["reproducible", "seeded"]


@contextmanager
def seeded(rng: Rng, device: torch.device | None = None) -> Iterator[None]:
    """Let a block draw from this stream."""
    cuda = [device] if device is not None and device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        torch.manual_seed(rng.key())
        yield


@contextmanager
def reproducible(device: torch.device, *, wanted: bool) -> Iterator[None]:
    """Let a block use reproducible operations only, if wanted; others raise."""
    if not wanted:
        yield
        return
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # asked for by torch, before the first product
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
