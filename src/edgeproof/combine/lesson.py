"""What a combiner is given, what it gives back, and how it trains one of its models: on record before it is scored."""

# S symbols, T bars, K members

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from edgeproof.core.config import Config
from edgeproof.core.finding import Finding
from edgeproof.core.progress import Progress
from edgeproof.core.rng import Rng
from edgeproof.samples.dataset import Dataset
from edgeproof.samples.interval import Samples
from edgeproof.samples.split.fold import Fold
from edgeproof.train.loop import Trained, fit
from edgeproof.train.settings import TrainConfig
from edgeproof.train.transfer import Start

__all__ = ["Combined", "Combiner", "Lesson", "Watch", "best_of", "best_score", "member_facts", "same_weights", "teach"]

Watch = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True)
class Lesson:
    """One data set to learn, and everything that trainings on it need.

    Attributes:
        dataset: scaled features, labels and a proven fold.
        model: an entry of MODELS.
        loss: an entry of LOSSES.
        train: settings of each training.
        rng: everything random.
        folder: checkpoints; each training of several has its own below it.
        record: puts a training on record under a name, before anyone can see a score of it; without a name it is the
            run's own, the only one.
        samples: the fold's samples with the bars that they occupy.
        rebuild: the data set of another fold of the same samples, its preprocessor fitted on that fold's training part.
        horizon_bars: label horizon.
        write: where progress lines go.
        title: what a progress line counts.
        watch: is told every finished epoch of every training on the whole training part; epochs count on from one
            training to the next.
        start: weights that every training begins with; none: from chance.
    """

    dataset: Dataset
    model: Config
    loss: Config
    train: TrainConfig
    rng: Rng
    folder: Path
    record: Callable[[str], None]
    samples: Callable[[], Samples]
    rebuild: Callable[[Fold], Dataset]
    horizon_bars: int
    write: Callable[[str], None]
    title: str = "epoch"
    watch: Watch | None = None
    start: Start | None = None

    def progress(self, label: str, epochs: int) -> Progress:
        """Lines such as `fold 1/3 member 2/3 epoch 7/20`."""
        return Progress(f"{self.title.removesuffix('epoch')}{label} epoch", epochs, write=self.write)


@dataclass(frozen=True)
class Combined:
    """One trained model, however many trainings went into it.

    Attributes:
        trained: the model; its history is that of the best training in it.
        model: the config that builds it.
        facts: for the lineage: what was trained, how it scored on validation, what was made of it.
    """

    trained: Trained
    model: Config
    facts: dict[str, Any] = field(default_factory=dict)


class Combiner(Protocol):
    """A way to make one trained model out of a data set."""

    def check(self, model: Config, loss: Config, train: TrainConfig) -> None:
        """Raise ConfigError where these cannot be combined this way."""
        ...

    def learn(self, lesson: Lesson) -> Combined:
        """Train, and put together."""
        ...


def teach(lesson: Lesson, label: str, place: str, *, rng: Rng, after: int = 0) -> Trained:
    """Train the lesson's model on its data set, on record first.

    Args:
        lesson: what is learned.
        label: for people and for the record: `member 2/3`.
        place: of the checkpoints, below the lesson's folder.
        rng: of this training.
        after: epochs of earlier trainings that `watch` has been told of.
    """
    lesson.record(label)
    heard = lesson.watch

    def watch(row: Mapping[str, Any]) -> None:
        if heard is not None:
            heard({**row, "epoch": after + row["epoch"]})

    return fit(
        lesson.dataset,
        lesson.model,
        lesson.loss,
        lesson.train,
        rng=rng,
        folder=lesson.folder / place,
        progress=lesson.progress(label, lesson.train.epochs),
        watch=watch,
        start=lesson.start,
    )


def best_score(trained: Trained, metric: str) -> float:
    """Score of the kept epoch by the run's metric; larger is better."""
    value = trained.history[trained.best_epoch - 1][metric]
    return -value if metric == "log_loss" else value


def best_of(trained: Sequence[Trained], metric: str, keep: int = 1) -> list[int]:
    """Positions of the best trainings by the run's metric, in the order that they were made; earlier ones win ties."""
    order = sorted(range(len(trained)), key=lambda k: (-best_score(trained[k], metric), k))
    return sorted(order[:keep])


def member_facts(labels: Sequence[str], trained: Sequence[Trained]) -> list[dict[str, Any]]:
    """What the lineage says of each training: name, hash, best epoch, its figures on validation."""
    rows = [one.history[one.best_epoch - 1] for one in trained]
    return [
        {"label": label, "model": one.sha, "epoch": one.best_epoch, "log_loss": row["log_loss"], "auc": row["auc"]}
        for label, one, row in zip(labels, trained, rows, strict=True)
    ]


def same_weights(model: Config, trained: Sequence[Trained], what: str) -> tuple[Finding, ...]:
    """A finding where several starts ended with one and the same model: they were paid for, and add nothing."""
    if len({one.sha for one in trained}) > 1:
        return ()
    name = model.model_dump()["name"]
    finding = Finding(
        check="combine.same",
        level="warning",
        claim=f"all {len(trained)} {what} of {name} ended with the same weights: nothing in its training is drawn",
        evidence={"model": trained[0].sha, "trainings": len(trained)},
        remedy="set combine=single: it is the same model for one trial",
    )
    return (finding,)
