"""Samplers that are keyed by trial and setting: the same history gives the same next trial, whatever was killed.

Optuna's own samplers draw from one stream, so that a resumed search goes on with other numbers than an undisturbed one.
"""

from collections.abc import Callable, Mapping
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner, MedianPruner, NopPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial

from edgeproof.core.rng import Rng

__all__ = ["make_pruner", "make_sampler"]

_KINDS: dict[str, Callable[[int], BaseSampler]] = {
    "tpe": lambda seed: TPESampler(seed=seed),
    "random": lambda seed: RandomSampler(seed=seed),
}


class _Keyed(BaseSampler):
    """Draws every setting of every trial from a stream of its own."""

    def __init__(self, make: Callable[[int], BaseSampler], rng: Rng) -> None:
        self._make, self._rng = make, rng

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Nothing: each setting is drawn alone, as the independent TPE of Bergstra et al. (2011) does."""
        del study, trial
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: Mapping[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Nothing: see above."""
        del study, trial, search_space
        return {}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """One setting, by a sampler that begins anew."""
        sampler = self._make(self._rng.child(trial.number, param_name).key() % (1 << 32))
        return sampler.sample_independent(study, trial, param_name, param_distribution)


def make_sampler(kind: str, seed: int) -> BaseSampler:
    """`tpe` (after 10 random trials) or `random`, keyed."""
    return _Keyed(_KINDS[kind], Rng(seed).child("search"))


def make_pruner(kind: str) -> BasePruner:
    """`median` after 10 whole trials, 5 epochs and then at every one; or `none`."""
    if kind == "none":
        return NopPruner()
    return MedianPruner(n_startup_trials=10, n_warmup_steps=5, interval_steps=1)
