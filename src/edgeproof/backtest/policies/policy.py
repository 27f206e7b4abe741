"""What a policy has to offer: the thresholds it wants tried, and the target weights under one of them."""

# S symbols, T bars, K thresholds

import inspect
from typing import Protocol, TypeGuard

import numpy as np

__all__ = ["Forgetful", "Policy", "distances", "is_forgetful", "nowhere", "sides"]

HIGHEST_QUANTILE = 0.98  # above it a threshold would rest on fewer than one forecast in fifty


class Policy(Protocol):
    """Two methods; a policy with exits of its own has a third, `account(options, label)`: see `bracket`.

    A policy whose `weights` also takes `forgotten` is told where a symbol was closed as delisted (`Forgetful`); one
    that does not is shown a half there instead.
    """

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


class Forgetful(Policy, Protocol):
    """A policy that is told which symbols it must forget, and when."""

    def weights(
        self,
        p: np.ndarray,
        made: np.ndarray,
        decide: np.ndarray,
        theta: float,
        horizon_bars: int,
        *,
        forgotten: np.ndarray | None = None,
    ) -> np.ndarray:
        """Target weights, see `Policy.weights`.

        Args:
            p: f64[S, T] forecast probabilities of a positive label.
            made: bool[S, T] where there is a forecast.
            decide: bool[T] decision bars.
            theta: one of the candidates.
            horizon_bars: H of the label.
            forgotten: bool[S, T] bars from which on a symbol's target is 0 and its place free, as if it had never
                been heard; a forecast of the bar itself counts again. None: nowhere.
        """
        ...


def is_forgetful(policy: Policy) -> TypeGuard[Forgetful]:
    """Whether the policy can be told what to forget."""
    return "forgotten" in inspect.signature(policy.weights).parameters


def nowhere(forgotten: np.ndarray | None, like: np.ndarray) -> np.ndarray:
    """`forgotten`, or bool[S, T] of nothing in the shape of `like`."""
    return np.zeros(like.shape, dtype=bool) if forgotten is None else forgotten


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
