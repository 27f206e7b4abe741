"""One training, one model."""

from typing import Literal

from edgeproof.combine.lesson import Combined, Lesson
from edgeproof.core.config import Config
from edgeproof.core.progress import Progress
from edgeproof.train.loop import fit
from edgeproof.train.settings import TrainConfig

__all__ = ["SingleConfig"]


class SingleConfig(Config):
    """One training on the whole training part; nothing is combined."""

    name: Literal["single"] = "single"

    def check(self, model: Config, loss: Config, train: TrainConfig) -> None:
        """Nothing is refused."""
        del model, loss, train

    def learn(self, lesson: Lesson) -> Combined:
        """The training, in the lesson's own folder."""
        lesson.record("")
        trained = fit(
            lesson.dataset,
            lesson.model,
            lesson.loss,
            lesson.train,
            rng=lesson.rng,
            folder=lesson.folder,
            progress=Progress(lesson.title, lesson.train.epochs, write=lesson.write),
            watch=lesson.watch,
            start=lesson.start,
        )
        return Combined(trained, lesson.model)
