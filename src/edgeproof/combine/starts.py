"""Several starts, of which the best on validation is kept.

Neural networks end in different places from different initial weights, and some of these are bad luck. Choosing among
starts is choosing on validation, so that every start is a trial.
"""

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from edgeproof.combine.lesson import Combined, Lesson, best_of, member_facts, same_weights, teach
from edgeproof.core.config import Config
from edgeproof.train.loop import Trained
from edgeproof.train.settings import TrainConfig

__all__ = ["StartsConfig", "starts"]


def starts(lesson: Lesson, count: int, what: str) -> tuple[list[str], list[Trained]]:
    """Names and trainings of several starts, each with randomness and a folder of its own."""
    labels = [f"{what} {k + 1}/{count}" for k in range(count)]
    trained = [
        teach(lesson, label, f"member-{k + 1:02d}", rng=lesson.rng.child("member", k), after=k * lesson.train.epochs)
        for k, label in enumerate(labels)
    ]
    return labels, trained


class StartsConfig(Config):
    """The best of several trainings that differ in their random numbers alone.

    Attributes:
        seeds: trainings, each a trial; `train.loss_metric` on validation chooses.
    """

    name: Literal["multi_start"] = "multi_start"
    seeds: Annotated[int, Field(ge=2, le=100)] = 3

    def check(self, model: Config, loss: Config, train: TrainConfig) -> None:
        """Nothing is refused."""
        del model, loss, train

    def learn(self, lesson: Lesson) -> Combined:
        """Train every start; keep one."""
        labels, trained = starts(lesson, self.seeds, "start")
        (best,) = best_of(trained, lesson.train.loss_metric)
        found = (finding for one in trained for finding in one.findings)
        kept = replace(trained[best], findings=(*found, *same_weights(lesson.model, trained, "starts")))
        facts = {"name": self.name, "trainings": member_facts(labels, trained), "kept": labels[best]}
        return Combined(kept, lesson.model, facts)
