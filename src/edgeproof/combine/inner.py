"""Forecasts of training samples by models that did not train on them: purged folds inside the training part.

Weights and teachers that are fitted on what their own models have learned by heart reward learning by heart (Wolpert
1992, Stacked generalization); so a sample's forecast comes from the fold that holds it out (van der Laan, Polley &
Hubbard 2007). No sample of the run's validation has a part in it: inner early stopping has inner samples of its own.
"""

# S symbols, T bars, N samples, K members

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edgeproof.combine.lesson import Lesson, teach
from edgeproof.core.errors import SplitError
from edgeproof.samples.split.fold import Fold
from edgeproof.samples.split.kfold import KFoldConfig
from edgeproof.train.forecast import predict

__all__ = ["inner_folds", "out_of_fold"]


def inner_folds(lesson: Lesson, count: int) -> tuple[Fold, ...]:
    """Purged folds of the training samples that have proven themselves; each sample is the test of exactly one.

    Raises:
        SplitError: too few training samples.
    """
    outer = lesson.dataset.fold
    samples = lesson.samples().among(outer.train)
    split = KFoldConfig(n_folds=count, embargo_bars=outer.embargo_bars, closed=outer.closed)
    bars, window = lesson.dataset.x.shape[1], lesson.dataset.window
    try:
        folds = split.split(samples, bars=bars, horizon_bars=lesson.horizon_bars, window=window, reach_bars=0)
    except SplitError as error:
        raise SplitError(
            f"combine: {len(samples)} training samples at {len(np.unique(samples.decided))} bars cannot be cut into "
            f"{count} purged inner folds with samples in each part; bring more bars, set combine.inner_folds=2, or "
            "combine in a way that needs none (ensemble with rule mean)"
        ) from error
    for fold in folds:
        fold.prove(samples)
    return folds


def out_of_fold(lesson: Lesson, members: Sequence[int], what: str, *, count: int) -> np.ndarray:
    """Logits f64[K, N] of the training samples, each by models of the inner fold that holds the sample out.

    Args:
        lesson: what is learned.
        members: numbers of the members; a member's random numbers are the same in every inner fold and on the whole.
        what: a member's name.
        count: inner folds.
    """
    S, T, _ = lesson.dataset.x.shape
    train, folds = lesson.dataset.fold.train, inner_folds(lesson, count)
    said_KN = np.full((len(members), S * T), np.nan)
    for number, fold in enumerate(folds):
        inner = replace(lesson, dataset=lesson.rebuild(fold), watch=None)
        for place, k in enumerate(members):
            label = f"{what} {k + 1} inner fold {number + 1}/{count}"
            folder = f"{what}-{k + 1:02d}-inner-{number + 1:02d}"
            trained = teach(inner, label, folder, rng=lesson.rng.child("member", k))
            x, window = inner.dataset.x, inner.dataset.window
            forecast = predict(trained.model, x, fold.test, window=window, sha=trained.sha, fold=number)
            said_KN[place, fold.test] = forecast.logit.reshape(-1)[fold.test]
    return said_KN[:, train]
