"""The training stage: samples, a fold that proves itself, a preprocessor, one training, validation forecasts."""

# S symbols, T bars

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeproof.core.identity import sha_json
from edgeproof.core.progress import Progress
from edgeproof.core.rng import Rng
from edgeproof.features.scale import Preprocessor, apply, fit_preprocessor
from edgeproof.ledger.store import Ledger
from edgeproof.ledger.trials import Trial, record_training
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.prepare import Prepared
from edgeproof.samples.dataset import Dataset, collect_samples, make_dataset, ready_index
from edgeproof.samples.split.fold import Fold
from edgeproof.train.forecast import Forecast, predict
from edgeproof.train.loop import Trained, fit

__all__ = ["Learned", "learn", "trial_config"]


@dataclass(frozen=True)
class Learned:
    """One finished training.

    Attributes:
        trained: model, history and figures.
        preprocessor: fitted on the training samples.
        fold: what was trained and validated on.
        dataset_sha: hash of the data, part of the trial's identity.
        cut: first validation bar.
        forecast: on every decision bar from `cut` on.
        trial: the training's row in the ledger; its thresholds name it as their parent.
    """

    trained: Trained
    preprocessor: Preprocessor
    fold: Fold
    dataset_sha: str
    cut: int
    forecast: Forecast
    trial: Trial


def trial_config(config: RunConfig, **chosen: Any) -> str:
    """Hash of everything that was chosen for a trial."""
    return sha_json(config.trial_identity() | chosen)


def learn(
    config: RunConfig,
    prepared: Prepared,
    ledger: Ledger,
    *,
    market: str,
    folder: Path,
    write: Callable[[str], None],
) -> Learned:
    """Split, prove, scale, train, forecast; the training is on record before anyone can see a score of it.

    Args:
        config: the run's config.
        prepared: the open span.
        ledger: where the training is counted.
        market: the ledger's record of the market.
        folder: checkpoints; a killed training goes on from the last one.
        write: where progress lines go.

    Raises:
        SplitError: the span is too short.
        TrainError: one class only, or the loss is not finite.
    """
    table, labels = prepared.table, prepared.labels
    fold, bars = _fold(config, prepared), table.ready.shape[1]
    preprocessor = fit_preprocessor(table, fold.train)
    dataset = make_dataset(
        apply(preprocessor, table.x), labels, fold, window=config.window, symbols=prepared.panel.symbols
    )
    cut = int((fold.validation % bars).min())
    close = prepared.panel.close_time
    trial = Trial(
        config=trial_config(config),
        seed=config.seed,
        data=dataset.sha,
        label=f"training of {config.model.model_dump()['name']}",
        start_ns=int(close[cut]),
        end_ns=int(close[-1]),
    )
    if _both_classes(dataset, fold):  # else `fit` refuses, and nothing is ever scored
        record_training(ledger, market, trial)
    trained = fit(
        dataset,
        config.model,
        config.loss,
        config.train,
        rng=Rng(config.seed).child("train"),
        folder=folder,
        progress=Progress("epoch", config.train.epochs, write=write),
    )
    later = prepared.decide & (np.arange(bars) >= cut)
    index = ready_index(table.ready, later, config.window)
    forecast = predict(trained.model, dataset.x, index, window=config.window, sha=trained.sha, fold=fold.number)
    return Learned(trained, preprocessor, fold, dataset.sha, cut, forecast, trial)


def _fold(config: RunConfig, prepared: Prepared) -> Fold:
    table, labels = prepared.table, prepared.labels
    samples = collect_samples(table, labels, prepared.decide, config.window)
    fold = config.split.split(  # pyright: ignore[reportAttributeAccessIssue] - every split config has it
        samples,
        bars=table.ready.shape[1],
        horizon_bars=labels.horizon_bars,
        window=config.window,
        reach_bars=int(table.reach.max()),
    )[0]
    fold.prove(samples)
    return fold


def _both_classes(dataset: Dataset, fold: Fold) -> bool:
    y = dataset.y.reshape(-1)
    return all(0 < y[part].mean() < 1 for part in (fold.train, fold.validation))
