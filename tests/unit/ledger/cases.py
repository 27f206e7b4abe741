"""Markets made by hand: closes on a clock, at several intervals, and what the ledger says of them."""

import numpy as np

from edgeproof.core.clock import DAY_NS, HOUR_NS
from edgeproof.ledger.fingerprint import Fingerprints, fingerprint_closes
from edgeproof.ledger.seal import open_span
from edgeproof.ledger.span import Span
from edgeproof.ledger.store import Ledger
from edgeproof.ledger.trials import Trial

MONDAY_NS = 18_267 * DAY_NS  # 2020-01-06 00:00 UTC, a Monday


def clock(bars: int, start_ns: int = MONDAY_NS, step_ns: int = HOUR_NS) -> np.ndarray:
    return start_ns + step_ns * np.arange(bars, dtype=np.int64)


def walk(seed: int, bars: int) -> np.ndarray:
    """Closes of a random walk of 1% a bar from 100."""
    return 100 * np.cumprod(1 + np.random.default_rng(seed).normal(0, 0.01, bars))


def coarser(open_time: np.ndarray, close: np.ndarray, step_ns: int) -> tuple[np.ndarray, np.ndarray]:
    """The same bars at a longer interval: last close of each."""
    slot = open_time // step_ns
    last = np.append(slot[1:] != slot[:-1], True)
    return slot[last] * step_ns, close[last]


def market(*seeds: int, bars: int = 24 * 70, names: str = "S", start_ns: int = MONDAY_NS) -> Fingerprints:
    """Hourly markets of random walks, one symbol a seed; `bars` of the same walk begin alike."""
    time = clock(bars, start_ns)
    skip = (start_ns - MONDAY_NS) // HOUR_NS
    closes = {f"{names}{seed}": walk(seed, skip + bars)[skip:] for seed in seeds}
    return Fingerprints({name: fingerprint_closes(time, close) for name, close in closes.items()})


def opened(ledger: Ledger, prints: Fingerprints, *, bars: int = 24 * 70, share: float = 0.2) -> Span:
    return open_span(
        ledger, prints, close_time=clock(bars) + HOUR_NS, sealed_share=share, bars_hash=f"bars-{prints.hash}"
    )


def thresholds(parent: Trial, n: int, *, tag: str = "") -> list[Trial]:
    return [
        Trial(f"{parent.config}/{tag}{k}", parent.seed, parent.data, {"sharpe": float(k)}, f"theta {k}", parent.id)
        for k in range(n)
    ]
