"""Two series on the same bars, compared by their differences: what both share cancels out, so that less noise is left.

Intervals are of the stationary bootstrap on the differences; p-values use the long-run variance, which sees all of a
positive autocorrelation. Neither knows how many pairs were looked at: of several candidates `superior_ability` asks
whether any beats the reference.
"""

# T bars

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

from edgeproof.stats.bootstrap import sharpe_interval
from edgeproof.stats.dependence import long_run_variance

__all__ = ["Difference", "paired_difference"]


@dataclass(frozen=True)
class Difference:
    """The mean of `a - b` a bar.

    Attributes:
        mean: of the differences.
        low, high: its 95% interval; None for fewer than 20 bars or without any difference.
        p: two-sided, of no difference (Diebold & Mariano 1995, JBES 13:253, with the long-run variance of Andrews &
            Monahan 1992); None likewise.
        block_bars: mean block length that the autocorrelation of the differences asked for; None likewise.
        bars: T.
    """

    mean: float
    low: float | None
    high: float | None
    p: float | None
    block_bars: float | None
    bars: int

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def paired_difference(
    a: np.ndarray, b: np.ndarray, generator: np.random.Generator, *, repetitions: int = 2000
) -> Difference:
    """Compare two series bar by bar.

    Args:
        a: f64[T], such as net returns, or minus a loss.
        b: f64[T] on the same bars.
        generator: of the resamples.
        repetitions: of the bootstrap.
    """
    differences = np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)
    mean, bars = float(differences.mean()) if len(differences) else 0.0, len(differences)
    found = sharpe_interval(differences, generator, repetitions=repetitions)
    variance = long_run_variance(differences)
    if found is None or not variance:
        return Difference(mean, None, None, None, None, bars)
    p = 2 * float(ndtr(-abs(mean) / math.sqrt(variance / bars)))
    return Difference(mean, found.mean_low, found.mean_high, p, found.block_bars, bars)
