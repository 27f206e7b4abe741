"""Randomness is an argument: a tree of named streams, the same names give the same numbers.

A stream is keyed by (seed, path of names), so adding a consumer never shifts another one's numbers.
"""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

__all__ = ["Rng"]


@dataclass(frozen=True)
class Rng:
    """A keyed source of randomness: `Rng(7).child("shuffle", epoch).numpy()`."""

    seed: int
    path: tuple[str | int, ...] = ()

    def child(self, *names: str | int) -> "Rng":
        """The stream of this name below this one."""
        return Rng(self.seed, (*self.path, *names))

    def key(self) -> int:
        """A 63-bit integer that depends on seed and path only (not on the process's hash seed)."""
        text = repr((int(self.seed), self.path)).encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little") >> 1

    def numpy(self) -> np.random.Generator:
        """A fresh NumPy generator (Philox, counter based) at the start of this stream."""
        return np.random.Generator(np.random.Philox(key=self.key()))

    def torch(self) -> "torch.Generator":
        """A fresh CPU torch generator at the start of this stream."""
        import torch

        return torch.Generator().manual_seed(self.key())
