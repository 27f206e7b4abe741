"""A small fold of real feature tables, for tests of augmentation."""

from dataclasses import dataclass

import numpy as np

from edgeproof.core.config import Config, from_mapping
from edgeproof.data.panel import Panel
from edgeproof.features.feature import FeatureTable
from edgeproof.features.scale import fit_preprocessor
from edgeproof.features.table import build_features
from edgeproof.labels.forward import ForwardReturnConfig
from edgeproof.samples.augment.copies import Recipe, make_copies, training_runs
from edgeproof.samples.augment.settings import AugmentConfig
from edgeproof.samples.dataset import Copies, collect_samples
from edgeproof.samples.interval import Samples
from edgeproof.samples.split import SPLITS
from edgeproof.samples.split.fold import Fold

EXACT = ("log_return_1", "log_return_24", "log_volatility_24", "log_volume_z_168", "market_return_1")
WINDOW = 6
STATES = {"name": "rules", "trend_days": 2, "volatility_days": 1, "history_days": 2}
MIXING = {"name": "regime_mixing", "block_days": 3, "share": 0.6, "states": STATES}


@dataclass(frozen=True)
class Case:
    panel: Panel
    table: FeatureTable
    samples: Samples
    fold: Fold
    run: np.ndarray

    def copies(self, *kinds: str | dict, number: int = 1, seed: int = 0) -> Copies:
        augment = from_mapping(AugmentConfig, {"kinds": list(kinds), "copies": number})
        recipe = Recipe(self.panel, EXACT, 24, WINDOW, seed)
        made = make_copies(augment, recipe, self.run, fit_preprocessor(self.table, self.fold.train), self.table)
        assert made is not None
        return made


def case_of(panel: Panel, *, number: int = 0, **split) -> Case:
    """The fold `number` of a split of all decision bars of a panel."""
    T = panel.present.shape[1]
    table, labels = build_features(panel, EXACT), ForwardReturnConfig(horizon_bars=3).label(panel)
    samples = collect_samples(table, labels, np.ones(T, bool), WINDOW)
    config: Config = from_mapping(SPLITS[split.pop("name", "holdout")], split)
    folds = config.split(samples, bars=T, horizon_bars=3, window=WINDOW, reach_bars=168)  # pyright: ignore[reportAttributeAccessIssue]
    folds[number].prove(samples)
    return Case(panel, table, samples, folds[number], training_runs(samples, folds[number], T))


def kind_of(body: dict) -> Config:
    """One kind of augmentation."""
    return from_mapping(AugmentConfig, {"kinds": [body], "copies": 1}).kinds[0]
