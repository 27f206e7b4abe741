"""Continued training: further rounds at smaller rates from the best epoch so far, until a round gains too little.

Each round is a warm restart (Loshchilov & Hutter 2017): its schedule begins anew, and so does its optimiser, whose
memory is that of the last epoch and of a larger rate, not of the best epoch from which the round sets out.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field

from edgeproof.combine.lesson import Combined, Lesson, best_score, member_facts, teach
from edgeproof.core.config import Config
from edgeproof.core.errors import ConfigError
from edgeproof.train.keep import arrays_of
from edgeproof.train.loop import Trained
from edgeproof.train.settings import TrainConfig
from edgeproof.train.transfer import Start

__all__ = ["ContinuedConfig"]


class ContinuedConfig(Config):
    """The ordinary training, then rounds of further epochs.

    Attributes:
        rounds: at most, each a trial.
        epochs: of a round.
        rate: share of the rate before that a round begins with.
        least_gain: a round that improves `train.loss_metric` on validation by less is the last.
    """

    name: Literal["continued"] = "continued"
    rounds: Annotated[int, Field(ge=1, le=100)] = 3
    epochs: Annotated[int, Field(ge=1, le=1_000_000)] = 5
    rate: Annotated[float, Field(gt=0, le=1)] = 0.3
    least_gain: Annotated[float, Field(ge=0)] = 1e-4

    def check(self, model: Config, loss: Config, train: TrainConfig) -> None:
        """What goes on needs a rate that can be lowered."""
        del loss
        if hasattr(model, "fit_trees"):
            name = model.model_dump()["name"]
            raise ConfigError(f"combine continued: {name} has no epochs that go on; raise model.trees and train.epochs")
        if train.average.model_dump()["name"] == "swa":
            raise ConfigError(
                "combine continued: train.average=swa has a rate of its own, which no round would lower; "
                "set train.average=none or ema"
            )

    def learn(self, lesson: Lesson) -> Combined:
        """Train, go on, keep the best round."""
        labels, trained = ["training"], [teach(lesson, "training", "round-00", rng=lesson.rng.child("round", 0))]
        best, metric = 0, lesson.train.loss_metric
        for number in range(1, self.rounds + 1):
            labels.append(f"round {number}/{self.rounds}")
            trained.append(self._round(lesson, trained[best], labels[-1], number))
            gain = best_score(trained[-1], metric) - best_score(trained[best], metric)
            best = number if gain > 0 else best
            if gain < self.least_gain:
                break
        facts = {"name": self.name, "trainings": member_facts(labels, trained), "kept": labels[best]}
        return Combined(_joined(trained, best), lesson.model, facts)

    def _round(self, lesson: Lesson, before: Trained, label: str, number: int) -> Trained:
        model: Any = before.model
        frozen = lesson.start is not None and lesson.start.frozen
        start = Start(arrays_of(model.encoder), before.sha, frozen, head=arrays_of(model.head))
        changed = {
            "epochs": self.epochs,
            "lr": lesson.train.lr * self.rate**number,
            "warmup_share": 0.0,
            "head_bias_from_prior": False,  # the head has learned it
        }
        settings = lesson.train.model_copy(update=changed)
        further = replace(lesson, train=settings, start=start)
        after = lesson.train.epochs + (number - 1) * self.epochs
        return teach(further, label, f"round-{number:02d}", rng=lesson.rng.child("round", number), after=after)


def _joined(trained: list[Trained], best: int) -> Trained:
    """The rounds as one training, its epochs counted through."""
    done, rows, kept_epoch = 0, [], 0
    for number, one in enumerate(trained):
        if number == best:
            kept_epoch = done + one.best_epoch
        rows += [_later(row, done) for row in one.history]
        done += len(one.history)
    history = [row | {"best": row["epoch"] == kept_epoch} for row in rows]
    seconds, found = sum(one.seconds for one in trained), [finding for one in trained for finding in one.findings]
    return replace(trained[best], history=history, best_epoch=kept_epoch, seconds=seconds, findings=tuple(found))


def _later(row: Mapping[str, Any], epochs: int) -> dict[str, Any]:
    return {**row, "epoch": row["epoch"] + epochs}
