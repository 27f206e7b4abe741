"""Step 6: what is left in the config that stands, by ways that cost more trainings of it.

Ensembles with equal and with out-of-fold weights, distillation, longer training, averaged weights and a forecast over
copies of the bars: each a complete trial, and taken only if it is better by more than its noise.
"""

from typing import Any

from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.refine_checks import gain_check
from edgeproof.recipe.refine_steps import Ground, NotHere, Technique, changed, listed, try_each
from edgeproof.recipe.refine_trial import Tried
from edgeproof.recipe.steps import Step

__all__ = ["WAYS", "squeeze"]

MEMBERS, FOLDS, ROUNDS, COPIES = 3, 3, 3, 4


def squeeze(ground: Ground, first: Tried, standing: Tried) -> tuple[Step, Tried]:
    """Try every way on what stands; answers the step and the trial that is the run's model.

    Args:
        ground: where it is tried.
        first: the config as it was asked for.
        standing: after step 5.
    """
    found = try_each(ground, "squeeze", standing, WAYS)
    rows = [
        row
        for trial, (taken, why) in zip(found.made, found.why, strict=True)
        for row in listed(ground, trial, chosen=taken, why=why)
    ]
    check = gain_check(ground, first, found.standing, found.made)
    taken = [trial.label for trial, (yes, _) in zip(found.made, found.why, strict=True) if yes]
    count = len(found.made)
    result = f"; taken: {', '.join(taken)}" if taken else ", none better by more than its noise"
    step = Step(
        name="squeeze",
        title="Squeeze",
        seconds=round(sum(trial.seconds for trial in found.made), 3),
        checks=(check,),
        skipped=found.skipped,
        trials=tuple(rows),
        said=f"{count} way{' was' if count == 1 else 's were'} tried{result}." if count else "No way was tried.",
    )
    return step, found.standing


def _combined(standing: Tried, label: str, **settings: Any) -> tuple[str, RunConfig]:
    """The standing config, combined in another way."""
    return label, changed(standing.config, {"combine": settings})


def _drawn(standing: Tried) -> None:
    if hasattr(standing.config.model, "fit_trees"):
        raise NotHere("nothing in the growing of its trees is drawn: members would be one and the same")


def _mean(ground: Ground, standing: Tried) -> tuple[str, RunConfig]:
    del ground
    _drawn(standing)
    return _combined(standing, f"ensemble of {MEMBERS}", name="ensemble", members=MEMBERS, rule="mean")


def _weighted(ground: Ground, standing: Tried) -> tuple[str, RunConfig]:
    del ground
    _drawn(standing)
    label = f"ensemble of {MEMBERS}, out-of-fold weights"
    return _combined(standing, label, name="ensemble", members=MEMBERS, rule="weighted", inner_folds=FOLDS)


def _distilled(ground: Ground, standing: Tried) -> tuple[str, RunConfig]:
    del ground
    return _combined(standing, "distilled", name="distilled", inner_folds=FOLDS)


def _longer(ground: Ground, standing: Tried) -> tuple[str, RunConfig]:
    del ground
    config = standing.config
    if hasattr(config.model, "fit_trees"):
        trees = 2 * config.model.model_dump()["trees"]
        return f"longer training: {trees} trees", changed(config, {"model.trees": trees})
    epochs = max(1, config.train.epochs // 3)
    return _combined(standing, "longer training", name="continued", rounds=ROUNDS, epochs=epochs)


def _swa(ground: Ground, standing: Tried) -> tuple[str, RunConfig]:
    del ground
    config = standing.config
    if hasattr(config.model, "fit_trees"):
        raise NotHere("trees have no weights of an epoch to average")
    if config.train.average.model_dump()["name"] == "swa":
        raise NotHere("the config averages its weights already (train.average)")
    return "weights averaged over late epochs", changed(config, {"train.average": {"name": "swa"}})


def _at_forecast(ground: Ground, standing: Tried) -> tuple[str, RunConfig]:
    del ground
    augment = standing.config.augment
    if augment.at_forecast:
        raise NotHere("the config's forecast is over copies already (augment.at_forecast)")
    if augment.copies and not augment.forecasting:
        raise NotHere("its training copies are of kinds that no forecast can be made over (augment.kinds)")
    kinds = [kind.model_dump(mode="json") for kind in augment.kinds] or [{"name": "price_jitter"}]
    wanted = augment.model_dump(mode="json") | {"kinds": kinds, "at_forecast": COPIES}
    return f"forecast over {COPIES} copies", changed(standing.config, {"augment": wanted})


WAYS = (
    Technique("ensemble", _mean, trainings=MEMBERS),
    Technique("weighted ensemble", _weighted, trainings=MEMBERS * (1 + FOLDS)),
    Technique("distillation", _distilled, trainings=1 + FOLDS),
    Technique("longer training", _longer, trainings=2),
    Technique("averaged weights", _swa),
    Technique("forecast over copies", _at_forecast),
)
