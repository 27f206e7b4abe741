"""Gradient descent as the loop sees it: epochs that give figures, and arrays from which it goes on."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import torch
from torch import Tensor, nn

from edgeproof.core.config import Config
from edgeproof.core.errors import TrainError
from edgeproof.core.rng import Rng
from edgeproof.models.heads import Classifier
from edgeproof.samples.dataset import Dataset
from edgeproof.train.batch import find_batch_size
from edgeproof.train.drawn import drawn_from
from edgeproof.train.epoch import Part, Session, part_of, refresh_batch_norm, score, train_epoch
from edgeproof.train.forecast import as_tensor
from edgeproof.train.keep import arrays_of, below, load_arrays, load_optimiser, optimiser_arrays
from edgeproof.train.precision import Mixed
from edgeproof.train.seeding import seeded
from edgeproof.train.settings import TrainConfig
from edgeproof.train.team import ALONE, team
from edgeproof.train.transfer import HeadOnly, Start, adopt, encoded

__all__ = ["Descent", "Learner", "Task", "begin_model", "make_task"]


@dataclass(frozen=True)
class Task:
    """What is to be learned, by which model, with which settings.

    Attributes:
        dataset: features, labels, fold.
        model: an entry of MODELS.
        loss: an entry of LOSSES.
        settings: of the training.
        rng: root of the training's randomness.
        x: f32[S, T, F] on the device, augmented copies of it behind it.
        train: training samples on the device.
        validation: validation samples on the device.
        start: the encoder that it begins with; none: from chance.
    """

    dataset: Dataset
    model: Config
    loss: Config
    settings: TrainConfig
    rng: Rng
    x: Tensor
    train: Part
    validation: Part
    start: Start | None = None


def make_task(
    dataset: Dataset,
    parts: tuple[Config, Config],
    settings: TrainConfig,
    *,
    rng: Rng,
    device: str,
    start: Start | None = None,
) -> Task:
    """The task of a dataset, a model and a loss.

    Raises:
        TrainError: samples of one class only, or without weight.
    """
    place = torch.device(device)
    train = part_of(dataset, dataset.fold.train, place, "training")
    validation = part_of(dataset, dataset.fold.validation, place, "validation")
    x = dataset.x if dataset.copies is None else dataset.copies.tables.reshape(-1, *dataset.x.shape[1:])
    return Task(dataset, *parts, settings, rng, as_tensor(x).to(place), train, validation, start)


class Learner(Protocol):
    """What the loop asks of a way to learn."""

    @property
    def model(self) -> nn.Module:
        """The module that is trained, and that takes up the best weights in the end."""
        ...

    @property
    def batch_size(self) -> int:
        """Samples a step; 0 where there are no steps."""
        ...

    def epoch(self, number: int, schedule: dict[str, Any]) -> dict[str, Any]:
        """Train epoch `number`, from 0; its figures, and train_loss, lr, grad_norm."""
        ...

    def scored(self, number: int) -> nn.Module:
        """The weights whose figures these were."""
        ...

    def may_stop(self, number: int) -> bool:
        """Whether an epoch without improvement counts."""
        ...

    def arrays(self) -> dict[str, np.ndarray]:
        """What a resumed training needs."""
        ...

    def load(self, arrays: Mapping[str, np.ndarray], source: Path) -> None:
        """Go on from saved arrays."""
        ...


class Descent:
    """Steps along the gradient of the loss.

    Args:
        task: what is learned.
        batch_size: of a training that is taken up; 0: as the settings say.
    """

    def __init__(self, task: Task, batch_size: int) -> None:
        self.task = task
        settings, device = task.settings, task.x.device
        self.model = begin_model(task)
        live, x, window, train, self.validation = self.model, task.x, task.dataset.window, task.train, task.validation
        copies = task.dataset.copies
        drawn = None if copies is None else drawn_from(copies, train.index)
        if task.start is not None and task.start.frozen:
            once = encoded(self.model, x, train, self.validation, window=window, drawn=drawn)
            live, x, window, drawn = HeadOnly(cast("Any", self.model).head), once.table, 1, once.drawn
            train, self.validation = once.train, once.validation
        session = Session(
            model=live,
            optimiser=_optimiser(live, settings),
            loss=task.loss.build(float(train.y.mean())),  # pyright: ignore[reportAttributeAccessIssue] - every loss config builds
            x=x,
            window=window,
            train=train,
            settings=settings,
            rng=task.rng,
            batch_size=batch_size
            or (2 * settings.accumulate if settings.batch_size == "auto" else settings.batch_size),
            mixed=Mixed(settings.precision, device),
            average=settings.average.build(live, settings.epochs),  # pyright: ignore[reportAttributeAccessIssue] - every average config builds
            drawn=drawn,
            team=team(),
        )
        if not batch_size and settings.batch_size == "auto":
            session = replace(session, batch_size=session.team.tell(_found(session) if session.team.leads else None))
        self.session = session

    @property
    def batch_size(self) -> int:
        """Samples a step."""
        return self.session.batch_size

    def epoch(self, number: int, schedule: dict[str, Any]) -> dict[str, Any]:
        """Train an epoch and score it, by the averaged weights where they count."""
        session, average = self.session, self.session.average
        trained = train_epoch(session, number, schedule)
        if average is not None:
            average.after_epoch(session.model, number)
            if average.decay is None and average.counts(number):
                refresh_batch_norm(session, average.model)
        figures = score(self._judged(number), session.x, self.validation, window=session.window, epoch=number)
        return trained | figures

    def scored(self, number: int) -> nn.Module:
        """The averaged weights where they count, else the live ones; a frozen encoder stands before them."""
        judged, whole = self._judged(number), cast("Any", self.model)
        return Classifier(whole.encoder, judged.head) if isinstance(judged, HeadOnly) else judged

    def _judged(self, number: int) -> nn.Module:
        average = self.session.average
        return average.model if average is not None and average.counts(number) else self.session.model

    def may_stop(self, number: int) -> bool:
        """Not before an average that was asked for has begun."""
        return self.session.average is None or self.session.average.counts(number)

    def arrays(self) -> dict[str, np.ndarray]:
        """Weights (of a frozen encoder none: its bundle has them), optimiser, loss scale, average."""
        named = {"model": arrays_of(self.session.model), "optimiser": optimiser_arrays(self.session.optimiser)}
        named["scale"] = self.session.mixed.arrays()
        if self.session.average is not None:
            named["average"] = arrays_of(self.session.average.model)
            named["averaged"] = {"count": np.array([self.session.average.count])}
        return {f"{part}.{name}": array for part, entries in named.items() for name, array in entries.items()}

    def load(self, arrays: Mapping[str, np.ndarray], source: Path) -> None:
        """Take up weights, optimiser, loss scale and average."""
        load_arrays(self.session.model, below("model.", arrays), source)
        load_optimiser(self.session.optimiser, below("optimiser.", arrays))
        self.session.mixed.load(below("scale.", arrays))
        if self.session.average is not None:
            load_arrays(self.session.average.model, below("average.", arrays), source)
            self.session.average.count = int(arrays["averaged.count"][0])


def begin_model(task: Task) -> nn.Module:
    """The model as its training begins, on the device; the same task gives the same bytes."""
    shape = (task.dataset.x.shape[2], task.dataset.window, len(task.dataset.symbols))
    with seeded(task.rng.child("init"), task.x.device):
        model: nn.Module = task.model.build(*shape)  # pyright: ignore[reportAttributeAccessIssue] - every model config builds
    if task.settings.head_bias_from_prior:
        _set_prior(model, float(task.train.y.mean()))
    if task.start is not None:
        adopt(model, task.start)
    return model.to(task.x.device)


def _optimiser(module: nn.Module, settings: TrainConfig) -> torch.optim.Optimizer:
    return settings.optimiser.build(module.parameters(), settings.lr, settings.weight_decay)  # pyright: ignore[reportAttributeAccessIssue] - every optimiser config builds


def _set_prior(module: nn.Module, share: float) -> None:
    head = getattr(module, "head", None)
    if not hasattr(head, "set_prior"):
        raise TrainError("train.head_bias_from_prior: this model has no head with set_prior(share); set it to false")
    head.set_prior(share)  # pyright: ignore[reportOptionalMemberAccess] - has it


def _found(session: Session) -> int:
    """The batch size that fits, by steps of a copy of the model."""
    count, part = len(session.train.index), session.train
    settings = session.settings.model_copy(update={"epochs": 1, "warmup_share": 0.0})

    def step(size: int) -> None:
        model = deepcopy(session.model)
        first = part.taken(slice(size))
        trial = replace(
            session,
            model=model,
            optimiser=_optimiser(model, settings),
            train=first,
            settings=settings,
            batch_size=size,
            mixed=Mixed(settings.precision, session.x.device),
            average=None,
            drawn=None,
            rng=session.rng.child("find", size),
            team=ALONE,
        )
        try:
            train_epoch(trial, 0, settings.scheduler.start())  # pyright: ignore[reportAttributeAccessIssue] - every schedule has it
        except TrainError as error:
            raise error.__cause__ or error from None

    return find_batch_size(step, count, session.x.device.type, least=2 * settings.accumulate)
