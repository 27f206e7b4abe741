"""The course of a training through the stages of its curriculum: where each is learned, and when it is left."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeproof.core.errors import OptionError
from edgeproof.rl.curriculum import StageConfig, stages_of
from edgeproof.rl.interface import Environment
from edgeproof.rl.settings import PpoConfig

__all__ = ["Course", "is_left", "parted"]

BPS = 1e4
GROWTH = "figures.net_growth"


@dataclass(frozen=True)
class Course:
    """The stages of a training.

    Attributes:
        whole: the environment without a limit, for which the agent is made.
        stages: in order.
        environment: makes that of a stage, by its number from 0; the same every time, and of the whole's layout and
            accounts.
    """

    whole: Environment
    stages: tuple[StageConfig, ...]
    environment: Callable[[int], Environment]


def parted(environment: Environment | Course, configs: Sequence[PpoConfig]) -> tuple[Course | None, Environment]:
    """The course, where there is one, and the environment for which the agent is made.

    Raises:
        OptionError: the config's stages are not those of the course.
    """
    course, whole = (environment, environment.whole) if isinstance(environment, Course) else (None, environment)
    given = () if course is None else course.stages
    asked = stages_of(configs[0].curriculum) if configs else given  # no members are refused elsewhere
    if asked != given:
        raise OptionError(
            f"agent.curriculum has {len(asked)} stages, {len(given)} environments of stages are given; train by a run "
            "(`edgeproof rl train`), give a Course in place of the environment, or set curriculum=none"
        )
    return course, whole


def is_left(stage: StageConfig, rows: Sequence[Mapping[str, Any]], updates: int) -> bool:
    """Whether the stage is over: the agent earns enough in it, or its share of the training is used up.

    Growth is the mean over members of the net log growth of an account, a bar, in the stage's own episodes.

    Args:
        stage: not the last one.
        rows: the history of the updates that were made in it.
        updates: of the whole training.
    """
    if len(rows) >= max(1, int(stage.share * updates + 1e-9)):  # down, so that the last stage is not left out
        return True
    if len(rows) < stage.measured:
        return False
    growth = [np.mean(np.asarray(row[GROWTH], np.float64)) for row in rows[-stage.measured :]]
    return bool(np.mean(growth) * BPS > stage.promotion)
