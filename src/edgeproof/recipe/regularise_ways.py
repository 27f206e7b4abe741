"""The regularisers in the order in which they are tried, each as a config that differs in one thing.

What adds knowledge comes before what takes freedom away, and what changes one number of the training comes last. One
that does not apply says why.
"""

from typing import Any

from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.learn import Learned, proven_folds
from edgeproof.recipe.refine_steps import Ground, NotHere, Technique, changed
from edgeproof.recipe.refine_trial import Tried, recall
from edgeproof.recipe.regularise_inputs import holds_out_training, inputs_worth

__all__ = ["TECHNIQUES"]

SMALLEST_BATCH = 16
DROPOUTS = (0.1, 0.2, 0.3)  # with batch norm; without it two more steps
MORE_DROPOUTS = (0.4, 0.5)
MOST_DECAY = 1e-2
SIZES = ("hidden", "attention", "dense", "channels", "leaves")  # keys of a model that make it large


def _own(config: RunConfig) -> dict[str, Any]:
    return config.model.model_dump()


def _trees(config: RunConfig) -> bool:
    return hasattr(config.model, "fit_trees")


def _more_data(ground: Ground, standing: Tried) -> tuple[str, RunConfig]:
    del ground
    if standing.config.split.model_dump().get("window") == "rolling":
        label = "more data: every bar before validation (split.window=expanding)"
        return label, changed(standing.config, {"split.window": "expanding"})
    raise NotHere("every open bar before validation is trained on; more bars or symbols come by `edgeproof market`")


def _augmentation(ground: Ground, standing: Tried) -> tuple[str, RunConfig]:
    del ground
    if standing.config.augment.copies:
        raise NotHere("the config has copies already (augment.copies)")
    kinds = [kind.model_dump(mode="json") for kind in standing.config.augment.kinds]
    kinds += [] if any(kind["name"] == "time_shift" for kind in kinds) else [{"name": "time_shift", "bars": 1}]
    wanted = {"kinds": kinds, "copies": 2, "at_forecast": standing.config.augment.at_forecast}
    return "augmentation: time_shift", changed(standing.config, {"augment": wanted})


def _pretraining(ground: Ground, standing: Tried) -> tuple[str, RunConfig]:
    del ground
    if standing.config.transfer.bundle is not None:
        raise NotHere("the config begins with a parent's encoder already (transfer.bundle)")
    raise NotHere("no bundle of an earlier run is named; transfer.bundle=RUN begins with its encoder")


def _fewer_inputs(ground: Ground, standing: Tried) -> tuple[str, RunConfig]:
    config = standing.config
    if config.transfer.bundle is not None:
        raise NotHere("the parent's encoder reads all of its inputs (transfer.bundle)")
    prepared = ground.bench.prepared(config)
    names = prepared.table.names
    if len(names) < 2:
        raise NotHere("the model reads one feature")
    if holds_out_training(proven_folds(config, prepared)):
        split = config.split.model_dump()["name"]
        raise NotHere(f"split {split} holds out every bar once: what an input is worth would be asked of tested bars")
    worth: dict[str, float] = {}

    def ask(one: Learned) -> None:
        if one.fold.number == 0:  # its training part is older than all that any fold holds out
            worth.update(inputs_worth(ground, config, one))

    recall(ground.bench, standing, ask)
    kept = set(sorted(names, key=lambda name: -worth[name])[: (len(names) + 1) // 2])
    features = [name for name in names if name in kept]
    return f"fewer inputs: {len(features)} of {len(names)} features", changed(config, {"features": features})


def _smaller_model(ground: Ground, standing: Tried) -> tuple[str, RunConfig]:
    del ground
    own = _own(standing.config)
    if standing.config.transfer.bundle is not None:
        raise NotHere("the parent's encoder has its size (transfer.bundle)")
    sizes = {key: own[key] for key in SIZES if key in own}
    if not sizes:
        raise NotHere(f"{own['name']} has no size to make smaller")
    halved = {f"model.{key}": _half(value, own.get("heads", 1)) for key, value in sizes.items()}
    said = ", ".join(f"{key.removeprefix('model.')} {_plain(value)}" for key, value in halved.items())
    return f"smaller model: {said}", changed(standing.config, halved)


def _half(value: Any, heads: int) -> Any:
    """Half of a width, of each of several widths; at least 2, and what heads can share."""
    if isinstance(value, list | tuple):
        return [_half(one, heads) for one in value]
    return max(2, heads, int(value) // 2)


def _plain(value: Any) -> str:
    return "-".join(str(one) for one in value) if isinstance(value, list | tuple) else str(value)


def _smaller_batch(ground: Ground, standing: Tried) -> tuple[str, RunConfig]:
    del ground
    size = standing.config.train.batch_size
    if _trees(standing.config):
        raise NotHere("trees are grown on all samples at once, without batches")
    if size == "auto" or size // 2 < SMALLEST_BATCH:
        raise NotHere(f"train.batch_size={size} has no half that is a batch; name one of {2 * SMALLEST_BATCH} or more")
    return f"smaller batch: {size // 2}", changed(standing.config, {"train.batch_size": size // 2})


def _dropout(ground: Ground, standing: Tried) -> tuple[str, RunConfig]:
    del ground
    own = _own(standing.config)
    if "dropout" not in own:
        raise NotHere(f"{own['name']} has no dropout")
    levels = DROPOUTS if own.get("batch_norm", False) else DROPOUTS + MORE_DROPOUTS
    further = [level for level in levels if level > own["dropout"] + 1e-9]
    if not further:
        raise NotHere(
            f"model.dropout={own['dropout']:g} is at the end of what is usual ({levels[0]:g} to {levels[-1]:g})"
        )
    return f"dropout {further[0]:g}", changed(standing.config, {"model.dropout": further[0]})


def _weight_decay(ground: Ground, standing: Tried) -> tuple[str, RunConfig]:
    del ground
    if _trees(standing.config):
        own = _own(standing.config)
        if "l2" not in own:
            raise NotHere(f"{own['name']} has no penalty on its leaves")
        return f"penalty on leaves: l2 {10 * own['l2']:g}", changed(standing.config, {"model.l2": 10 * own["l2"]})
    decay = standing.config.train.weight_decay
    if decay >= MOST_DECAY:
        raise NotHere(f"train.weight_decay={decay:g} is at the end of what is usual (1e-4 to 1e-2)")
    more = float(f"{min(MOST_DECAY, max(1e-4, 10 * decay)):.6g}")
    return f"weight decay {more:g}", changed(standing.config, {"train.weight_decay": more})


def _early_stopping(ground: Ground, standing: Tried) -> tuple[str, RunConfig]:
    del ground
    patience = standing.config.train.patience
    if patience is not None:
        raise NotHere(f"it stops already after {patience} epochs without improvement (train.patience)")
    return "early stopping: patience 10", changed(standing.config, {"train.patience": 10})


def _label_smoothing(ground: Ground, standing: Tried) -> tuple[str, RunConfig]:
    del ground
    own = standing.config.loss.model_dump()
    if _trees(standing.config):
        raise NotHere("trees are grown on plain labels")
    if own.get("label_smoothing", 1.0) > 0:
        raise NotHere(f"loss {own['name']} is smoothed already, or cannot be")
    return "label smoothing 0.1", changed(standing.config, {"loss.label_smoothing": 0.1})


TECHNIQUES = (
    Technique("more data", _more_data),
    Technique("augmentation", _augmentation),
    Technique("pretraining", _pretraining),
    Technique("fewer inputs", _fewer_inputs, simpler=True),
    Technique("smaller model", _smaller_model, simpler=True),
    Technique("smaller batch", _smaller_batch),
    Technique("dropout", _dropout),
    Technique("weight decay", _weight_decay),
    Technique("early stopping", _early_stopping),
    Technique("label smoothing", _label_smoothing),
)
