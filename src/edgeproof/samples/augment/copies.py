"""Copies of a fold's training bars with something done to them, their features built anew and scaled as the clean ones.

A copy is made of the bars that the fold's training samples occupy and of no other: what lies in validation, test or
embargo is absent from it before the first feature is built, so nothing of it can be read.
"""

# S symbols, T bars, F features, C copies, L window

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from edgeproof.core.config import Config
from edgeproof.core.errors import ConfigError
from edgeproof.core.rng import Rng
from edgeproof.data.panel import Panel
from edgeproof.features.feature import FeatureTable
from edgeproof.features.scale import Preprocessor, apply
from edgeproof.features.table import Names, build_features
from edgeproof.samples.augment.draft import Augmentation, Draft, draft_of
from edgeproof.samples.augment.settings import AugmentConfig
from edgeproof.samples.dataset import Copies, windows_ready
from edgeproof.samples.interval import Samples, first_read_of_windows

if TYPE_CHECKING:
    from edgeproof.samples.split.fold import Fold

__all__ = ["Recipe", "forecast_table", "make_copies", "training_runs"]

MEMORY_SHARE = 0.8  # of the machine's memory that tables may take


@dataclass(frozen=True)
class Recipe:
    """What features are built from.

    Attributes:
        panel: the clean bars.
        features: a set's name or a list.
        max_gap_bars: slots without a bar after which a run starts anew.
        window: L.
        seed: of the run.
    """

    panel: Panel
    features: Names
    max_gap_bars: int
    window: int
    seed: int

    def table(self, panel: Panel) -> FeatureTable:
        """The features of other bars of the same market."""
        return build_features(panel, self.features, max_gap_bars=self.max_gap_bars)


def training_runs(samples: Samples, fold: "Fold", bars: int) -> np.ndarray:
    """Bars that the fold's training samples occupy, from the first that they read to the one that resolves them.

    Args:
        samples: all samples that the fold was made from.
        fold: a fold that has proven itself.
        bars: T.

    Returns:
        i64[T] number of the unbroken run of such bars, -1 for all others; a held-out sample's bars are among the
        others also where half-open intervals may touch.
    """
    train = samples.among(fold.train)
    held = samples.among(fold.validation, fold.dropped_validation, fold.test)
    inside = _covered(train.first, train.resolved, bars) & ~_covered(held.decided, held.resolved, bars)
    number = np.cumsum(inside & ~np.r_[False, inside[:-1]]) - 1
    return np.where(inside, number, -1)


def _covered(first: np.ndarray, last: np.ndarray, bars: int) -> np.ndarray:
    """bool[T]: at least one of these closed intervals holds the bar."""
    change = np.bincount(first, minlength=bars + 1) - np.bincount(last + 1, minlength=bars + 1)
    return np.cumsum(change)[:bars] > 0


def make_copies(
    augment: AugmentConfig, recipe: Recipe, run: np.ndarray, preprocessor: Preprocessor, clean: FeatureTable
) -> Copies | None:
    """The clean table and every copy of it, scaled alike; None where no copies are asked for.

    The randomness of copy c is `Rng(seed).child("augment", c)`.

    Args:
        augment: kinds and number.
        recipe: what features are built from.
        run: i64[T] as of `training_runs`.
        preprocessor: fitted on the clean training samples.
        clean: the unscaled features of the clean bars.

    Raises:
        ConfigError: the tables do not fit into memory.
        DataError: an augmentation cannot be done to these bars.
    """
    if not augment.copies:
        return None
    shape = (1 + augment.copies, *clean.x.shape)
    _require_memory(shape)
    tables, ends = np.empty(shape, np.float32), np.empty((augment.copies, *clean.ready.shape), np.int32)
    tables[0] = apply(preprocessor, clean.x)
    for number in range(augment.copies):
        rng = Rng(recipe.seed).child("augment", number)
        draft = _done(augment.kinds, draft_of(recipe.panel, run, recipe.window), rng)
        table = recipe.table(draft.panel)
        tables[1 + number], ends[number] = apply(preprocessor, table.x), _ends(draft, table)
    return Copies(tables, ends, augment.share)


def _done(kinds: Sequence[Config], draft: Draft, rng: Rng) -> Draft:
    for kind in kinds:
        draft = cast("Augmentation", kind).augment(draft, rng.child(kind.model_dump()["name"]))
    return draft


def _ends(draft: Draft, table: FeatureTable) -> np.ndarray:
    """i64[S, T] flat index s * T + u at which sample (s, t) ends its window in the copy; -1 where it has none.

    It has one where all features of its window are ready and none of them reads a bar before the run of t.
    """
    S, T = table.ready.shape
    slot = np.clip(draft.ends, 0, T - 1)
    read = np.take_along_axis(first_read_of_windows(table.first_read, draft.window), slot, axis=1)
    whole = np.take_along_axis(windows_ready(table.ready, draft.window), slot, axis=1)
    begins = np.concatenate([np.flatnonzero(np.r_[True, draft.run[1:] != draft.run[:-1]]), [T]])
    begin = begins[np.searchsorted(begins, np.arange(T), side="right") - 1]
    kept = (draft.ends >= 0) & (draft.run >= 0) & whole & (read >= begin)
    return np.where(kept, np.arange(S)[:, np.newaxis] * T + slot, -1)


def _require_memory(shape: tuple[int, ...]) -> None:
    if not hasattr(os, "sysconf"):
        return
    needed, there = 4 * int(np.prod(shape, dtype=np.int64)), os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > MEMORY_SHARE * there:
        each = needed / shape[0]
        raise ConfigError(
            f"augment.copies={shape[0] - 1}: {shape[0]} feature tables of {each / 1e9:.1f} GB do not fit into "
            f"{there / 1e9:.0f} GB of memory; set augment.copies={max(0, int(MEMORY_SHARE * there / each) - 2)}"
        )


def forecast_table(augment: AugmentConfig, recipe: Recipe, number: int) -> FeatureTable:
    """Unscaled features of copy `number` at forecast time, for the mean over it, its like and the clean one.

    Every bar of the panel is there and each sample stays in its place. The randomness is that of
    `Rng(seed).child("augment", "forecast", number)`, and of it what belongs to a bar's symbol and time, so that a bar
    is forecast alike whatever span it is read in.
    """
    run = np.zeros(len(recipe.panel.open_time), dtype=np.int64)
    rng = Rng(recipe.seed).child("augment", "forecast", number)
    return recipe.table(_done(augment.forecasting, draft_of(recipe.panel, run, recipe.window), rng).panel)
