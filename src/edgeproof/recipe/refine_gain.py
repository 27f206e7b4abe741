"""Whether one trial is better than another by more than its noise: paired, bar by bar, on the samples of both.

What both trials share cancels out (Diebold & Mariano 1995, JBES 13:253). A difference within its noise is none: then
the simpler of the two stays, after the one-standard-error rule of Breiman, Friedman, Olshen & Stone (1984),
Classification and Regression Trees, 3.4.3. Nothing here knows how many trials were compared; the verdict counts them.
"""

# N samples, T bars

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeproof.core.rng import Rng
from edgeproof.evaluate.difference import Difference, paired_difference
from edgeproof.recipe.refine_trial import Tried

__all__ = ["SIZE", "Gain", "Judged", "gain", "gain_on_prior", "judge_trial"]

LEAST = 1e-5  # smaller ones are not told apart in words
SIZE = 0.05  # of the two-sided test below which a difference is more than noise


@dataclass(frozen=True)
class Gain:
    """How much less is lost.

    Attributes:
        difference: mean a bar with its interval and p-value, above 0 where the newer one is better.
    """

    difference: Difference

    @property
    def mean(self) -> float:
        """In the yardstick's unit, for `bce` nats a sample."""
        return self.difference.mean

    @property
    def sure(self) -> bool:
        """Better by more than its noise."""
        return self.mean > 0 and self.difference.p is not None and self.difference.p <= SIZE

    def words(self) -> str:
        """`0.00120 (95% 0.00030 to 0.00210)`."""
        low, high = self.difference.low, self.difference.high
        if abs(self.mean) < LEAST:
            return f"less than {LEAST:.5f}"
        interval = "" if low is None or high is None else f" (95% {low:.5f} to {high:.5f})"
        return f"{self.mean:.5f}{interval}"

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return self.difference.to_json()


@dataclass(frozen=True)
class Judged:
    """Whether the newer trial is taken, and why."""

    taken: bool
    why: str


def gain(new: Tried, old: Tried, rng: Rng) -> Gain:
    """How much less `new` loses than `old`.

    Args:
        new: a finished trial.
        old: another one on the same market, label and split.
        rng: of the interval.
    """
    a, b = new.losses(), old.losses()
    _, of_a, of_b = np.intersect1d(a["key"], b["key"], assume_unique=True, return_indices=True)
    return _paired(b["loss"][of_b], a["loss"][of_a], a["bar"][of_a], rng)


def gain_on_prior(trial: Tried, rng: Rng) -> Gain:
    """How much less a trial loses than the training samples' share of positives, said of every sample."""
    own = trial.losses()
    return _paired(own["prior"], own["loss"], own["bar"], rng)


def judge_trial(new: Tried, standing: Tried, *, simpler: bool, rng: Rng) -> Judged:
    """Whether a trial takes the place of the one that stands.

    Args:
        new: the trial.
        standing: what the run would go on with.
        simpler: `new` asks for less than `standing` (inputs, weights), so that it is taken where it loses no more.
        rng: of the interval.
    """
    if not new.done:
        return Judged(taken=False, why=f"it failed: {new.body['why']}")
    found = gain(new, standing, rng)
    if found.sure:
        return Judged(taken=True, why=f"better by {found.words()}, more than its noise")
    if simpler and found.mean >= 0:
        return Judged(taken=True, why=f"simpler and no worse: better by {found.words()}")
    if found.mean > 0:
        return Judged(taken=False, why=f"better by {found.words()}, within its noise: what stood stays")
    return Judged(taken=False, why=f"worse by {_figure(-found.mean)}" if found.mean else "no different")


def _figure(mean: float) -> str:
    return f"less than {LEAST:.5f}" if mean < LEAST else f"{mean:.5f}"


def _paired(before_N: np.ndarray, after_N: np.ndarray, bar_N: np.ndarray, rng: Rng) -> Gain:
    """Means over the symbols of each bar, compared over bars."""
    _, place = np.unique(bar_N, return_inverse=True)
    count = np.bincount(place)
    before_T, after_T = (np.bincount(place, values) / count for values in (before_N, after_N))
    return Gain(paired_difference(before_T, after_T, rng.numpy()))
