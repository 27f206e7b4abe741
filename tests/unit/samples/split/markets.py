"""Samples for tests of splits: several symbols on one clock, ragged or equal labels."""

import numpy as np
from hypothesis import strategies as st

from edgeproof.core.clock import HOUR_NS
from edgeproof.samples.interval import Samples

__all__ = ["hourly_samples", "ragged_samples"]


def hourly_samples(bars: int, *, symbols: int = 2, back: int = 4, ahead: int = 2, every: int = 1) -> Samples:
    """Samples of every symbol and every n-th bar from `back` on, resolved by the last bar, on an hourly clock."""
    t, s = np.meshgrid(np.arange(back, bars - ahead, every), np.arange(symbols), indexing="ij")
    decided = t.ravel()
    clock = np.arange(1, bars + 1, dtype=np.int64) * HOUR_NS
    return Samples((s * bars + t).ravel(), decided - back, decided, decided + ahead, clock)


@st.composite
def ragged_samples(draw, *, least: int = 1) -> tuple[Samples, int]:
    """Samples with holes, several symbols and lengths of every kind, in any order; and the bars of their clock."""
    bars, symbols = draw(st.integers(max(20, least), 60)), draw(st.integers(1, 3))
    random = np.random.default_rng(draw(st.integers(0, 2**20)))
    t, s = np.meshgrid(np.arange(bars), np.arange(symbols), indexing="ij")
    there = random.random(t.size) < draw(st.sampled_from([0.4, 0.8, 1.0]))
    decided = t.ravel()[there]
    first = np.maximum(0, decided - random.integers(0, 1 + draw(st.integers(0, 9)), decided.size))
    resolved = decided + random.integers(1, 2 + draw(st.integers(0, 12)), decided.size)
    samples = Samples((s * bars + t).ravel()[there], first, decided, resolved)
    return samples.take(random.permutation(len(samples))), bars
