"""Augmentation in a run: copies of a fold's training bars, and forecasts averaged over copies of the bars."""

# S symbols, T bars

from dataclasses import replace

import numpy as np
from torch import nn

from edgeproof.features.scale import Preprocessor, apply
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.prepare import Prepared
from edgeproof.samples.augment.copies import Recipe, forecast_table, make_copies, training_runs
from edgeproof.samples.dataset import Copies, collect_samples, windows_ready
from edgeproof.samples.split.fold import Fold
from edgeproof.train.forecast import Forecast, predict

__all__ = ["averaged", "fold_copies"]


def fold_copies(config: RunConfig, prepared: Prepared, fold: Fold, preprocessor: Preprocessor) -> Copies | None:
    """The augmented copies that the fold's training may read; None where the config asks for none.

    Args:
        config: the run's config.
        prepared: the open span.
        fold: a fold that has proven itself.
        preprocessor: fitted on the fold's clean training samples.

    Raises:
        ConfigError: the copies do not fit into memory.
        DataError: an augmentation cannot be done to these bars.
    """
    if not config.augment.copies:
        return None
    table = prepared.table
    samples = collect_samples(table, prepared.labels, prepared.decide, config.window)
    run = training_runs(samples, fold, table.ready.shape[1])
    return make_copies(config.augment, _recipe(config, prepared), run, preprocessor, table)


def averaged(
    forecast: Forecast,
    model: nn.Module,
    *,
    config: RunConfig,
    prepared: Prepared,
    preprocessor: Preprocessor,
    assets: np.ndarray | None = None,
) -> Forecast:
    """Test-time augmentation: the mean of the logits on the clean bars and on `augment.at_forecast` copies of them.

    A copy in which a sample's window is not ready takes no part in that sample's mean.

    Args:
        forecast: of the clean bars.
        model: that made it.
        config: of the run; its seed keys the copies.
        prepared: the span that the forecast is of.
        preprocessor: of the model.
        assets: as of `predict`.
    """
    if not config.augment.at_forecast:
        return forecast
    total, count = forecast.logit.astype(np.float64), forecast.made.astype(np.int64)
    for number in range(config.augment.at_forecast):
        table = forecast_table(config.augment, _recipe(config, prepared), number)
        index = np.flatnonzero(forecast.made & windows_ready(table.ready, config.window))
        said = predict(model, apply(preprocessor, table.x), index, window=config.window, assets=assets)
        total += said.logit
        count += said.made
    return replace(forecast, logit=(total / np.maximum(count, 1)).astype(np.float32))


def _recipe(config: RunConfig, prepared: Prepared) -> Recipe:
    return Recipe(prepared.panel, config.features, config.quality.max_gap_bars, config.window, config.seed)
