"""What a policy has to offer: the thresholds it wants tried, and the target weights under one of them."""

# S symbols, T bars, K thresholds

from typing import Protocol

import numpy as np

__all__ = ["Policy", "distances", "sides"]

HIGHEST_QUANTILE = 0.98  # above it a threshold would rest on fewer than one forecast in fifty


class Policy(Protocol):
    """Two methods; a policy with exits of its own has a third, `account(options, label)`: see `bracket`."""

    def candidates(self, p: np.ndarray, made: np.ndarray) -> np.ndarray:
        """Thresholds to try on validation, each a trial.

        Args:
            p: f64[S, T] forecast probabilities of a positive label.
            made: bool[S, T] where there is a forecast.

        Returns:
            f64[K], increasing; empty without a forecast.
        """
        ...

    def weights(
        self, p: np.ndarray, made: np.ndarray, decide: np.ndarray, theta: float, horizon_bars: int
    ) -> np.ndarray:
        """Target weights, f64[S, T], each decided at the close of its bar; their gross never exceeds 1.

        They only change where something is decided or an entry ends, so the simulator may take every bar as decided.

        Args:
            p: f64[S, T] forecast probabilities of a positive label.
            made: bool[S, T] where there is a forecast; elsewhere positions do not change.
            decide: bool[T] decision bars.
            theta: one of the candidates.
            horizon_bars: H of the label.
        """
        ...


def distances(p: np.ndarray, made: np.ndarray, count: int) -> np.ndarray:
    """Thresholds 0.5 + quantiles of |p - 0.5| from 0 to 0.98 of the forecasts made, equal ones once. f64[K]."""
    distance = np.abs(p[made] - 0.5)
    if distance.size == 0:
        return np.empty(0)
    return 0.5 + np.unique(np.quantile(distance, np.linspace(0.0, HIGHEST_QUANTILE, count)))


def sides(p: np.ndarray, usable: np.ndarray, theta: float) -> tuple[np.ndarray, np.ndarray]:
    """Where a usable forecast says up (p >= theta) and where down (p <= 1 - theta); neither where it says both."""
    up, down = usable & (p >= theta), usable & (p <= 1.0 - theta)
    return up & ~down, down & ~up
