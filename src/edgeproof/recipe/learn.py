"""The training stage: samples, folds that prove themselves; for each a preprocessor, one training, its forecasts."""

# S symbols, T bars

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl

from edgeproof.combine.lesson import Combined, Combiner, Lesson
from edgeproof.core.errors import OptionError, SplitError
from edgeproof.core.identity import sha_json
from edgeproof.core.rng import Rng
from edgeproof.features.scale import Preprocessor, apply, fit_preprocessor
from edgeproof.ledger.store import Ledger
from edgeproof.ledger.trials import Trial, record_training
from edgeproof.models.actor import Actor
from edgeproof.recipe.agent import Ground, agent_episodes, agent_forecast, learn_agent, population, training_bars
from edgeproof.recipe.agent_stages import course_of
from edgeproof.recipe.agent_timeframes import check_timeframes
from edgeproof.recipe.augmented import averaged, fold_copies
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.prepare import Prepared
from edgeproof.recipe.sight import eyes_of, later, with_eyes
from edgeproof.recipe.transfer import Inherited, inherit
from edgeproof.rl.curriculum import stages_of
from edgeproof.samples.broken import broken_windows
from edgeproof.samples.dataset import Dataset, collect_samples, make_dataset, ready_index
from edgeproof.samples.interval import Samples
from edgeproof.samples.split.fold import Fold
from edgeproof.train.forecast import Forecast, predict
from edgeproof.train.loop import Trained

__all__ = [
    "Learned",
    "check_stages",
    "fold_dataset",
    "learn",
    "lived_by",
    "proven_folds",
    "trial_config",
    "try_environment",
    "validation_stretch",
]


@dataclass(frozen=True)
class Learned:
    """One finished training.

    Attributes:
        combined: the trained model, and what went into it.
        preprocessor: fitted on the training samples, or the parent's.
        fold: what was trained and validated on.
        dataset_sha: hash of the data, part of the trial's identity.
        bars: of validation, from its first sample on.
        trained_until: last bar that training has seen, labels included.
        forecast: on every decision bar of validation and test.
        trial: the training's row in the ledger; its thresholds name it as their parent.
        inherited: what it took over from another run's bundle.
    """

    combined: Combined
    preprocessor: Preprocessor
    fold: Fold
    dataset_sha: str
    bars: slice
    trained_until: int
    forecast: Forecast
    trial: Trial
    inherited: Inherited | None = None

    @property
    def trained(self) -> Trained:
        """Model, history and figures."""
        return self.combined.trained


def trial_config(config: RunConfig, **chosen: Any) -> str:
    """Hash of everything that was chosen for a trial."""
    return sha_json(config.trial_identity() | chosen)


def learn(  # noqa: PLR0913 - what one training is made of, and who hears of it
    config: RunConfig,
    prepared: Prepared,
    ledger: Ledger,
    fold: Fold,
    *,
    market: str,
    folder: Path,
    write: Callable[[str], None],
    title: str = "epoch",
    watch: Callable[[Mapping[str, Any]], None] | None = None,
) -> Learned:
    """Scale, train, forecast; the training is on record before anyone can see a score of it.

    Args:
        config: the run's config.
        prepared: the open span.
        ledger: where the training is counted.
        fold: one of `proven_folds`.
        market: the ledger's record of the market.
        folder: checkpoints; a killed training goes on from the last one.
        write: where progress lines go.
        title: what a progress line counts.
        watch: is told every finished epoch, as in `train.loop.fit`.

    Raises:
        TrainError: one class only, or the loss is not finite.
    """
    labels = prepared.labels
    inherited = inherit(config, prepared, ledger, (fold,), market=market)
    preprocessor, dataset = fold_dataset(config, prepared, fold, inherited)
    close = prepared.panel.close_time
    bars = validation_stretch(fold, len(close))
    trial = _trial(config, dataset, close[bars])

    def record(label: str) -> None:
        if config.has_agent or _both_classes(dataset, fold):  # else `fit` refuses, and nothing is ever scored
            _record(ledger, market, config, trial, label)

    lesson = Lesson(
        dataset,
        config.model,
        config.loss,
        config.train,
        rng=Rng(config.seed).child("train"),
        folder=folder,
        record=record,
        samples=lambda: _samples(config, prepared),
        rebuild=lambda inner: _inner_dataset(config, prepared, ledger, inner, market),
        horizon_bars=labels.horizon_bars,
        write=write,
        title=title,
        watch=watch,
        start=None if inherited is None else inherited.start,
    )
    combined, forecast = _taught(config, prepared, lesson, (bars, preprocessor), inherited)
    until = max(bars.start - 1, int(labels.resolved_at.reshape(-1)[fold.train].max()))
    return Learned(combined, preprocessor, fold, dataset.sha, bars, until, forecast, trial, inherited)


def _taught(
    config: RunConfig,
    prepared: Prepared,
    lesson: Lesson,
    of: tuple[slice, Preprocessor],
    inherited: Inherited | None,
) -> tuple[Combined, Forecast]:
    """The trained model, and what it says."""
    if config.has_agent:
        return _by_agent(config, prepared, lesson, of, inherited)
    combined = cast("Combiner", config.combine).learn(lesson)
    return combined, _forecast(config, prepared, combined.trained, lesson.dataset, of)


def _by_agent(
    config: RunConfig, prepared: Prepared, lesson: Lesson, of: tuple[slice, Preprocessor], inherited: Inherited | None
) -> tuple[Combined, Forecast]:
    """An agent in the place of a model."""
    fold, x, (bars, preprocessor) = lesson.dataset.fold, lesson.dataset.x, of
    eyes = eyes_of(config, prepared, lesson, bars)
    ground = Ground(config, prepared, x) if eyes is None else Ground(config, prepared, eyes.x, eyes.ready, window=1)
    train = later(training_bars(prepared, fold, bars), prepared, None if inherited is None else inherited.until_ns)
    combined = learn_agent(
        ground,
        train=train,
        validation=bars,
        record=lesson.record,
        folder=lesson.folder,
        write=lesson.write,
        watch=lesson.watch,
        course=course_of(ground, preprocessor, train),
    )
    combined = combined if eyes is None else with_eyes(eyes, combined)
    actor, spans = cast("Actor", combined.trained.model), (bars, *(slice(*stretch) for stretch in fold.test_bars))
    after = Ground(config, prepared, x).seen_by(actor)
    return combined, agent_forecast(after, actor, spans, sha=combined.trained.sha, fold=fold.number)


def check_stages(config: RunConfig, prepared: Prepared, folds: Sequence[Fold]) -> None:
    """Refuse timeframes of an agent's curriculum for which the training bars have no room, before anything is trained.

    Raises:
        DataError: they have not.
    """
    stages = stages_of(getattr(config.agent, "curriculum", config.agent))
    ground = Ground(config, prepared, prepared.table.x)
    for fold in folds:
        bars = training_bars(prepared, fold, validation_stretch(fold, len(prepared.decide)))
        for number, stage in enumerate(stages):
            check_timeframes(ground, stage, bars, f"stage {number + 1} of {len(stages)}")


def try_environment(config: RunConfig, prepared: Prepared, fold: Fold) -> None:
    """Make the environment of an agent's training once, of features that are all 0.

    Raises:
        DataError: its bars hold no episode, or none of a stage of its curriculum.
    """
    bars = training_bars(prepared, fold, validation_stretch(fold, len(prepared.decide)))
    ground = Ground(config, prepared, np.zeros_like(prepared.table.x))
    ground.environment(bars, population(config))
    course_of(ground, fit_preprocessor(prepared.table, fold.train), bars)


def lived_by(config: RunConfig, prepared: Prepared, learned: Learned) -> pl.DataFrame:
    """An agent's accounts along the bars of validation."""
    actor = cast("Actor", learned.trained.model)
    ground = Ground(config, prepared, apply(learned.preprocessor, prepared.table.x)).seen_by(actor, bars=learned.bars)
    return agent_episodes(ground, actor, learned.bars)


def _forecast(
    config: RunConfig, prepared: Prepared, trained: Trained, dataset: Dataset, of: tuple[slice, Preprocessor]
) -> Forecast:
    """What the model says on every decision bar of validation and test."""
    fold, (bars, preprocessor) = dataset.fold, of
    asked = prepared.decide & _forecast_bars(fold, bars, len(prepared.decide))
    index = ready_index(prepared.table.ready, asked, config.window)
    forecast = predict(trained.model, dataset.x, index, window=config.window, sha=trained.sha, fold=fold.number)
    return averaged(forecast, trained.model, config=config, prepared=prepared, preprocessor=preprocessor)


def _inner_dataset(config: RunConfig, prepared: Prepared, ledger: Ledger, inner: Fold, market: str) -> Dataset:
    """The data set of a fold inside the training part.

    Raises:
        OptionError: the encoder that is taken over was trained on what this fold holds out.
    """
    try:
        inherited = inherit(config, prepared, ledger, (inner,), market=market)
    except OptionError as error:
        way = config.combine.model_dump()["name"]
        raise OptionError(
            f"combine {way}: inner folds hold out training bars and the parent of transfer.bundle was trained on them: "
            "none of its forecasts there is out of fold; combine in a way that needs none (multi_start, continued, "
            "ensemble with rule mean), or take a parent that was trained before all of them"
        ) from error
    return fold_dataset(config, prepared, inner, inherited)[1]


def fold_dataset(
    config: RunConfig, prepared: Prepared, fold: Fold, inherited: Inherited | None
) -> tuple[Preprocessor, Dataset]:
    """The data set of a fold, scaled by what its training samples say, or as an encoder that is taken over knows it."""
    preprocessor = fit_preprocessor(prepared.table, fold.train) if inherited is None else inherited.preprocessor
    copies = fold_copies(config, prepared, fold, preprocessor)
    x = apply(preprocessor, prepared.table.x) if copies is None else copies.tables[0]
    window, symbols = config.window, prepared.panel.symbols
    return preprocessor, make_dataset(x, prepared.labels, fold, window=window, symbols=symbols, copies=copies)


def _samples(config: RunConfig, prepared: Prepared) -> Samples:
    """All samples of the span with the bars that they occupy."""
    samples = collect_samples(prepared.table, prepared.labels, prepared.decide, config.window)
    return replace(samples, clock=prepared.panel.close_time)


def _trial(config: RunConfig, dataset: Dataset, close: np.ndarray) -> Trial:
    """The run's training, scored on the validation bars that close at these times."""
    return Trial(
        config=trial_config(config),
        seed=config.seed,
        data=dataset.sha,
        label=f"training of {config.learner}",
        start_ns=int(close[0]),
        end_ns=int(close[-1]),
    )


def _record(ledger: Ledger, market: str, config: RunConfig, trial: Trial, label: str) -> None:
    """The run's training; one of several behind a model is a trial of its own, which no threshold stands for."""
    record_training(ledger, market, trial)
    if label:
        member = replace(trial, config=trial_config(config, training=label), label=label)
        record_training(ledger, market, member)


def proven_folds(config: RunConfig, prepared: Prepared) -> tuple[Fold, ...]:
    """The folds of the config's split, each compared with the bars that it holds out.

    Raises:
        SplitError: the span is too short, or a fold is not purged exactly.
    """
    table, labels = prepared.table, prepared.labels
    samples, shape = _samples(config, prepared), {"window": config.window, "reach_bars": int(table.reach.max())}
    try:
        folds: tuple[Fold, ...] = config.split.split(  # pyright: ignore[reportAttributeAccessIssue] - every split has it
            samples, bars=table.ready.shape[1], horizon_bars=labels.horizon_bars, **shape
        )
    except SplitError as error:
        said = broken_windows(str(error), table.ready, prepared.panel.present, **shape)
        raise SplitError(said) from error
    for fold in folds:
        fold.prove(samples)
    return folds


def validation_stretch(fold: Fold, bars: int) -> slice:
    """From the first validation sample to the end of its stretch."""
    end = bars if fold.validation_bars is None else fold.validation_bars[1]
    return slice(int((fold.validation % bars).min()), end)


def _forecast_bars(fold: Fold, validation: slice, bars: int) -> np.ndarray:
    """bool[T]: bars of validation and of every test block."""
    asked = np.zeros(bars, dtype=bool)
    for start, stop in ((validation.start, validation.stop), *fold.test_bars):
        asked[start:stop] = True
    return asked


def _both_classes(dataset: Dataset, fold: Fold) -> bool:
    y = dataset.y.reshape(-1)
    return all(0 < y[part].mean() < 1 for part in (fold.train, fold.validation))
