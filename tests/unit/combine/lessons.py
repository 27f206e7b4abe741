"""A small lesson without a market: a tiny data set, the bars that its samples occupy, and a list for a ledger."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgeproof.combine.lesson import Lesson
from edgeproof.core.config import Config, from_mapping
from edgeproof.core.identity import sha_array
from edgeproof.core.rng import Rng
from edgeproof.models.mlp import MlpConfig
from edgeproof.samples.dataset import Dataset
from edgeproof.samples.interval import Samples
from edgeproof.samples.split.fold import Fold
from edgeproof.testing.market import tiny_dataset
from edgeproof.train.losses import BceConfig
from edgeproof.train.settings import TrainConfig

WINDOW = 4
SMALL = MlpConfig(hidden=(8,), embedding=2)


@dataclass
class Record:
    """What was put on record, and how many epochs had been seen by then."""

    labels: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


def dataset_of(bars: int = 240, *, seed: int = 7, lean: float = 1.5) -> Dataset:
    return tiny_dataset(Rng(seed), symbols=2, bars=bars, features=3, window=WINDOW, lean=lean)


def samples_of(dataset: Dataset) -> Samples:
    """Labels that are resolved one bar after the decision."""
    index = np.sort(np.concatenate((dataset.fold.train, dataset.fold.validation)))
    decided = index % dataset.x.shape[1]
    return Samples(index, decided - WINDOW + 1, decided, decided + 1).sorted()


def lesson_of(
    folder: Path,
    *,
    dataset: Dataset | None = None,
    model: Config = SMALL,
    record: Record | None = None,
    watch: Callable[[Any], None] | None = None,
    **train: Any,
) -> Lesson:
    data, noted = dataset or dataset_of(), record or Record()
    settings = {"epochs": 3, "batch_size": 64, "lr": 1e-2, "patience": None, "min_delta": 0.0} | train

    def rebuild(fold: Fold) -> Dataset:
        return replace(data, fold=fold, sha=sha_array(data.x, data.y, fold.train, fold.validation))

    return Lesson(
        data,
        model,
        BceConfig(),
        from_mapping(TrainConfig, settings),
        rng=Rng(3).child("train"),
        folder=folder,
        record=noted.labels.append,
        samples=lambda: samples_of(data),
        rebuild=rebuild,
        horizon_bars=1,
        write=noted.lines.append,
        watch=watch,
    )
