"""The encodings that agents learn from: made once, each block of training bars by a model that never saw its labels.

An encoder knows by heart some of what it was trained on. An agent that learned from such encodings would trust them
more than it should later; so they are cross-fitted: block k is encoded by a model trained on the other blocks, purged
as folds are, and what comes after the training part by a model trained on all of it.
"""

# S symbols, T bars, L window, M anchors, N samples, E numbers that are seen

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from edgeproof.combine.inner import inner_folds
from edgeproof.combine.lesson import Combined, Lesson, teach
from edgeproof.core.clock import iso
from edgeproof.core.config import Config
from edgeproof.core.errors import OptionError, SplitError
from edgeproof.core.finding import Finding
from edgeproof.models.actor import Actor, ActorConfig
from edgeproof.models.sight import Anchored, SightConfig
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.prepare import Prepared
from edgeproof.rl.encoders import FrozenEncoderConfig
from edgeproof.rl.settings import PpoConfig
from edgeproof.samples.dataset import Dataset, ready_index, windows_ready
from edgeproof.samples.split.fold import Fold
from edgeproof.train.bundle import read_bundle
from edgeproof.train.forecast import as_tensor, encodings
from edgeproof.train.keep import arrays_of, weights_sha
from edgeproof.train.seeding import seeded
from edgeproof.train.transfer import adopt

__all__ = ["Eyes", "cross_fitted", "encoded", "eyes_of", "later", "seen_untrained", "taken_over", "with_eyes"]

ALIKE = 0.5  # correlation of what two encoders show of the same windows
REFERENCE = 4096  # windows by which spreads are measured


@dataclass(frozen=True)
class Eyes:
    """What agents learn from, and what sees for them afterwards.

    Attributes:
        x: f32[S, T, E] of every ready window, 0 elsewhere.
        ready: bool[S, T] windows that were ready.
        config: what builds `sight`.
        sight: encodes validation and all later bars.
        findings: what its making has to say.
    """

    x: np.ndarray
    ready: np.ndarray
    config: SightConfig
    sight: nn.Module
    findings: tuple[Finding, ...] = ()


def encoded(
    sight: nn.Module, x: np.ndarray, ready: np.ndarray, *, window: int, bars: slice, assets: np.ndarray | None = None
) -> np.ndarray:
    """f32[S, T, E]: what is seen of each ready window that ends in `bars`, 0 elsewhere.

    Args:
        sight: of `models.sight`.
        x: f32[S, T, F] features as its model knows their scale.
        ready: bool[S, T] of the features.
        window: L.
        bars: at which windows end.
        assets: i64[S] id of each symbol as the sight knows it, -1 unknown; none: the symbol's position.
    """
    S, T, _ = x.shape
    inside = np.zeros(T, dtype=bool)
    inside[bars] = True
    index = ready_index(ready, inside, window)
    ids = np.arange(S) if assets is None else assets
    seen = _of(sight, x, index, ids, window).numpy()
    out = np.zeros((S * T, seen.shape[1] if len(index) else 1), dtype=np.float32)
    out[index] = seen if len(index) else 0.0
    return out.reshape(S, T, -1)


def cross_fitted(lesson: Lesson, ready: np.ndarray, config: FrozenEncoderConfig, *, validation: slice) -> Eyes:
    """Train the lesson's model on each inner fold and on the whole; every training is on record.

    Args:
        lesson: the supervised task.
        ready: bool[S, T] of its features.
        config: folds and anchors.
        validation: bars of validation; from its first one on the whole training's model encodes.

    Raises:
        OptionError: anchors of a model without an encoder that learns.
        SplitError: too few training bars for so many folds.
    """
    data = lesson.dataset
    if config.anchors:
        _check_learns(lesson.model, data)
    shown = _shown(lesson, config.anchors)
    apart, count = replace(lesson, watch=None), config.folds
    folds = _blocks(lesson, count)
    first = [int((fold.test % data.x.shape[1]).min()) for fold in folds]
    x, sight = None, None
    for k, fold in enumerate((*folds, None)):
        task = apart if fold is None else replace(apart, dataset=lesson.rebuild(fold))
        label = "encoder" if fold is None else f"encoder fold {k + 1}/{count}"
        place = "encoder" if fold is None else f"encoder-fold-{k + 1:02d}"
        model = teach(task, label, place, rng=lesson.rng.child("encoder")).model
        sight = _measured(model, task.dataset, shown, known=task.dataset.fold.train)
        edges = [0, *first[1:], validation.start, data.x.shape[1]]
        part = encoded(sight, task.dataset.x, ready, window=data.window, bars=slice(edges[k], edges[k + 1]))
        x = part if x is None else x + part  # zeros but in their own bars
    assert x is not None and sight is not None  # noqa: S101, PT018 - there are folds
    before = encoded(sight, data.x, ready, window=data.window, bars=slice(validation.start))
    return replace(_eyes(x, ready, lesson, config, sight), findings=_agreement(x, before, data.fold.train))


def _agreement(x: np.ndarray, whole: np.ndarray, train: np.ndarray) -> tuple[Finding, ...]:
    """Whether agents will see what they have learned from: the blocks' encoders beside that of the whole, f32[S, T, E].

    Of each number the correlation over the training windows; a warning where the median of all is low.
    """
    one, other = (part.reshape(-1, x.shape[2])[train].astype(np.float64) for part in (x, whole))
    one, other = (part - part.mean(axis=0) for part in (one, other))
    size = np.sqrt((one**2).sum(axis=0) * (other**2).sum(axis=0))
    alike = np.divide((one * other).sum(axis=0), size, out=np.zeros(len(size)), where=size > 0.0)
    middle = float(np.median(alike))
    said = {"measured": middle, "threshold": ALIKE, "forecast": float(alike[-1])}
    claim = (
        f"what agents see by the blocks' encoders and by the last one has a median correlation of {middle:.2f} "
        f"(the forecast {alike[-1]:.2f}) over the training windows"
    )
    if middle >= ALIKE:
        return (Finding("agent.encoders_agree", "info", claim, said),)
    remedy = (
        "train the encoders longer or make them smaller, raise agent.encoder.folds, or take one over (transfer.bundle)"
    )
    return (Finding("agent.encoders_agree", "warning", claim, said, remedy=remedy),)


def taken_over(lesson: Lesson, ready: np.ndarray, config: FrozenEncoderConfig, head: nn.Module) -> Eyes:
    """The encoder with which the lesson would start, a bundle's, applied to every bar; nothing is trained.

    Args:
        lesson: its start is the bundle's encoder, its features are scaled as that knows them.
        ready: bool[S, T] of the features.
        config: anchors.
        head: the bundle's.
    """
    data, start = lesson.dataset, lesson.start
    assert start is not None  # noqa: S101 - who calls has a bundle
    with seeded(lesson.rng):
        model = lesson.model.build(data.x.shape[2], data.window, len(data.symbols))  # pyright: ignore[reportAttributeAccessIssue] - every model config builds
    adopt(model, replace(start, head=arrays_of(head)))
    shown = _shown(lesson, config.anchors)
    sight = _measured(model, data, shown, known=data.fold.train)
    x = encoded(sight, data.x, ready, window=data.window, bars=slice(None))
    return _eyes(x, ready, lesson, config, sight)


def seen_untrained(model: nn.Module, data: Dataset, ready: np.ndarray, *, anchors: int) -> np.ndarray:
    """f32[S, T, E]: what is seen by a model as it is, before it has learned; its mode becomes that of evaluation."""
    train = data.fold.train
    shown = train[np.linspace(0, len(train) - 1, anchors).astype(np.int64)]
    sight = _measured(model, data, shown, known=train)
    return encoded(sight, data.x, ready, window=data.window, bars=slice(None))


def eyes_of(config: RunConfig, prepared: Prepared, lesson: Lesson, validation: slice) -> Eyes | None:
    """What a run's agent sees where that is encodings that supervision has made; else None."""
    if not config.has_eyes:
        return None
    settings = cast("FrozenEncoderConfig", cast("PpoConfig", config.agent).encoder)
    if lesson.start is None:
        return cross_fitted(lesson, prepared.table.ready, settings, validation=validation)
    parent: Any = read_bundle(Path(config.transfer.bundle or "")).model
    return taken_over(lesson, prepared.table.ready, settings, parent.head)


def later(bars: slice, prepared: Prepared, after_ns: int | None) -> slice:
    """Of training bars those that begin after what an encoder has learned from, labels included.

    Args:
        bars: of the training.
        prepared: the open span.
        after_ns: close time of the last bar that the encoder was trained on; none: of no bar that speaks of these.

    Raises:
        OptionError: none is left.
    """
    first = 0 if after_ns is None else int(np.searchsorted(prepared.panel.close_time, after_ns, side="right"))
    if first >= bars.stop - 1:
        raise OptionError(
            f"transfer.bundle: its encoder was trained until {iso(after_ns or 0)}, and no training bar of this run "
            "is later: an agent would learn from what the encoder knows by heart; take a bundle trained on "
            "an earlier span, or leave transfer out: agent.encoder=frozen then trains encoders block by block"
        )
    return slice(max(bars.start, first), bars.stop)


def with_eyes(eyes: Eyes, combined: Combined) -> Combined:
    """An actor that learned from encodings, with what makes them of windows."""
    actor = cast("Actor", combined.trained.model)
    config = cast("ActorConfig", combined.model).model_copy(update={"sight": eyes.config})
    joined = Actor(config, eyes.config.width, eyes.sight)
    joined.load_state_dict({**joined.state_dict(), **actor.state_dict()})
    found = (*combined.trained.findings, *eyes.findings)
    trained = replace(combined.trained, model=joined.eval(), sha=weights_sha(joined), findings=found)
    return replace(combined, trained=trained, model=config)


def _eyes(x: Any, ready: np.ndarray, lesson: Lesson, config: FrozenEncoderConfig, sight: Any) -> Eyes:
    built = SightConfig(model=lesson.model, width=x.shape[2], anchors=config.anchors, symbols=True, forecast=True)
    return Eyes(x, windows_ready(ready, lesson.dataset.window), built, sight)


def _check_learns(model: Config, data: Dataset) -> None:
    build: Callable[..., Any] = model.build  # pyright: ignore[reportAttributeAccessIssue] - every model config builds
    with torch.random.fork_rng(devices=[]):
        encoder = getattr(build(data.x.shape[2], data.window, len(data.symbols)), "encoder", None)
    if encoder is None or not list(encoder.parameters()):
        name = model.model_dump()["name"]
        raise OptionError(
            f"agent.encoder frozen: model {name} has no encoder that learns; set "
            "agent.encoder.anchors=0 to see its forecast alone, or model=gru_attention or another network"
        )


def _blocks(lesson: Lesson, count: int) -> tuple[Fold, ...]:
    try:
        return inner_folds(lesson, count)
    except SplitError as error:
        raise SplitError(
            f"agent.encoder: the training bars cannot be cut into {count} purged folds with samples in each part; set "
            "agent.encoder.folds=2, bring more bars, or take an encoder over with transfer.bundle"
        ) from error


def _shown(lesson: Lesson, anchors: int) -> np.ndarray:
    """i64[M]: training windows that all encoders are shown as anchors."""
    train = lesson.dataset.fold.train
    if len(train) < anchors:
        raise OptionError(
            f"agent.encoder: {anchors} anchors of {len(train)} training windows; lower agent.encoder.anchors"
        )
    return train[np.sort(lesson.rng.child("anchors").numpy().choice(len(train), anchors, replace=False))]


def _measured(model: nn.Module, data: Dataset, shown: np.ndarray, *, known: np.ndarray) -> Anchored:
    """The sight of a trained model; spreads are those over some of the windows that it was trained on."""
    some = known[np.linspace(0, len(known) - 1, min(REFERENCE, len(known))).astype(np.int64)]
    encoder, ids = model.encoder, np.arange(len(data.symbols))
    z_MD, z_ND = (_of(encoder, data.x, index, ids, data.window) for index in (shown, some))  # pyright: ignore[reportArgumentType] - a module
    return Anchored.measured(model.cpu(), z_MD, z_ND).eval()


def _of(module: nn.Module, x: np.ndarray, index: np.ndarray, ids: np.ndarray, window: int) -> Tensor:
    module, asset = module.cpu(), torch.from_numpy(ids[index // x.shape[1]])
    return encodings(module, as_tensor(np.ascontiguousarray(x)), torch.from_numpy(index), asset, window)
