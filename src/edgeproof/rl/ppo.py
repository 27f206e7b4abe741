"""Training by PPO: one agent or a population of them, in any environment; killed at any moment, it resumes exactly.

    train_ppo(environment, config, *, rng, folder, members=None, progress=None, watch=None, validate=None)
    -> TrainedAgent

`config` is one `PpoConfig`, or a sequence of them: as many members, each on its own accounts of the environment.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeproof.core.device import kept_memory, one_thread_each
from edgeproof.core.errors import Diverged, Interrupted, OptionError, TrainError
from edgeproof.core.halt import noted_interrupt
from edgeproof.core.identity import sha_array
from edgeproof.core.progress import Progress
from edgeproof.core.rng import Rng
from edgeproof.rl.agent import Agent
from edgeproof.rl.course import Course, is_left, parted
from edgeproof.rl.interface import Environment
from edgeproof.rl.keys import Keys
from edgeproof.rl.learning.learner import Learner
from edgeproof.rl.settings import PpoConfig
from edgeproof.rl.standing import Standing, read_standing, write_standing
from edgeproof.train.failure import clear_failure, write_failure

__all__ = ["AGENT", "TrainedAgent", "train_ppo"]

AGENT = "agent.safetensors"
BLOWN, CLIPPED = 0.1, 0.5  # KL of an update and share of samples cut off, from which on progress lines warn
KEPT = 1000  # updates of a failed training's history
Validate = Callable[[Agent], Mapping[str, Sequence[float]]]


@dataclass(frozen=True)
class TrainedAgent:
    """A finished training.

    Attributes:
        agent: with the weights of each member's best validation, or the last ones where nothing validates.
        history: a row an update: update, steps (of a member), reward, reward_deviation, episodes, episode_return,
            episode_length, policy_loss, value_loss, entropy, loss, kl, clip_share, ratio_error, grad_norm,
            gradient_steps, explained_variance, lr, clip, steps_per_second, seconds, `figures.*` of the environment, the
            stage of a curriculum, from 1, and after a validation `validation.*`. Of one member a figure is a number, of
            several a list; None is absent.
        best_update: of each member, from 1.
        checkpoint: file of the agent.
        seconds: over all updates, those before a kill included.
        devices: on which it has learned, `cpu` or `cuda`: one, but for a training that was taken up elsewhere.
        sha: content hash of the weights.
    """

    agent: Agent
    history: list[dict[str, Any]]
    best_update: tuple[int, ...]
    checkpoint: Path
    seconds: float
    devices: tuple[str, ...]
    sha: str


def train_ppo(
    environment: Environment | Course,
    config: PpoConfig | Sequence[PpoConfig],
    *,
    rng: Rng,
    folder: Path,
    members: Sequence[int] | None = None,
    progress: Progress | None = None,
    watch: Callable[[Mapping[str, Any]], None] | None = None,
    validate: Validate | None = None,
) -> TrainedAgent:
    """Train agents by proximal policy optimisation.

    Args:
        environment: of as many accounts as the members have together, member after member. Its randomness comes from
            `rng.child("environment")`. Of a config with a curriculum, the course through its stages.
        config: of one member, or of each; members differ in `settings.PER_MEMBER` alone.
        rng: everything random in this training; the same rng gives the same bytes.
        folder: checkpoints go here; a training of the same config, seed and environment is taken up, on any device.
            Of an environment that cannot be saved (Gymnasium's) nothing is written before the end.
        members: a number for each member, by which its randomness is keyed; 0, 1, 2 and so on unless given.
        progress: of `config.updates` steps; a line for every validation, the last update, and about every second.
        watch: told every finished update's row of the history. What it raises goes up; the folder can be taken up.
        validate: told the agent as it stands every so many updates (`config.mode`) and at the end; answers figures of
            each member. Among them `score`, finite, more is better: its best weights are the result.

    Raises:
        OptionError: members of unequal shape, an environment of another size, or a curriculum without its course.
        TrainError: the environment or the validation gives what is not finite, or the folder holds another training.
        Diverged, BundleError: a loss or value is not finite; the folder's checkpoint is truncated or altered.
        Interrupted: from the keyboard, once the running update is kept; a second time at once. The same call goes on.
    """
    configs = [config] if isinstance(config, PpoConfig) else list(config)
    keys = Keys(rng, tuple(range(len(configs))) if members is None else tuple(members))
    if len(keys.members) != len(configs):
        raise OptionError(f"{len(configs)} configs and {len(keys.members)} member numbers; give as many of both")
    course, world = parted(environment, configs)
    learner, identity = Learner(world, configs, keys), _identity(world, configs, keys)
    with kept_memory(), one_thread_each():
        standing = _begin(learner, folder, identity, course)
        if progress is not None:
            progress.resume(standing.update)
        try:
            with _noted(learner, progress) as stops:
                while standing.update < learner.config.updates:
                    row = _one_update(learner, standing, validate, course)
                    _save(learner, standing, folder, identity)
                    if progress is not None:
                        progress.step(_line(row), always="validation.score" in row)
                    if watch is not None:
                        watch(dict(row))
                    if stops():
                        _leave(learner, standing, folder, identity)
        except Diverged as error:
            spread = float(learner.rollout.reward.double().std())
            write_failure(folder, error, {"history": standing.history[-KEPT:], "reward_deviation": _plain(spread)})
            raise
        except (KeyboardInterrupt, Interrupted) as stop:
            raise Interrupted(_stopped(standing, learner.config.updates)) from stop
    return _finish(learner, standing, folder)


def _noted(learner: Learner, progress: Progress | None) -> AbstractContextManager[Callable[[], bool]]:
    """Ctrl-C, noted until the running update is whole and kept; not where nothing can be kept before the end."""
    if _world(learner.environment) is None:
        return nullcontext(lambda: False)
    said = "  stopping after this update, which is kept; once more: at once\n"
    return noted_interrupt(lambda: None if progress is None else progress.write(said))


def _leave(learner: Learner, standing: Standing, folder: Path, identity: dict[str, Any]) -> None:
    """Stop between two updates, the last of which is kept."""
    _save(learner, standing, folder, identity, at_once=True)
    raise KeyboardInterrupt


def _stopped(standing: Standing, updates: int) -> str:
    """What an interrupted training has left."""
    if not standing.kept:
        return (
            f"training stopped in update {standing.update + 1}/{updates}, nothing is kept; the same command begins anew"
        )
    return f"training stopped, kept up to update {standing.kept}/{updates}; the same command goes on from there"


def _begin(learner: Learner, folder: Path, identity: dict[str, Any], course: Course | None) -> Standing:
    found = read_standing(folder, identity)
    if found is None:
        if course is None:
            learner.begin()
        else:
            learner.enter(course.environment(0), anew="stage 0")
        count = len(learner.configs)
        return Standing(best=[None] * count, best_update=[0] * count, devices=[learner.device.type])
    standing, tensors, world = found
    learner.load(tensors)
    if standing.update < learner.config.updates:
        standing.devices += [name for name in [learner.device.type] if name not in standing.devices]
        if course is not None:
            learner.enter(course.environment(standing.stage))
        learner.go_on(world)
    return standing


def _one_update(
    learner: Learner, standing: Standing, validate: Validate | None, course: Course | None
) -> dict[str, Any]:
    """Learn, validate when it is time, remember both, and leave a stage that is over."""
    row = learner.update(standing.update)
    row |= {} if course is None else {"stage": standing.stage + 1}
    standing.update += 1
    standing.seconds += row["seconds"]
    last = standing.update == learner.config.updates
    if validate is None:
        learner.best.copy_(learner.policy.flat)
        standing.best_update = [standing.update] * len(learner.configs)
    elif last or standing.update % learner.config.validated_every == 0:
        began = time.perf_counter()
        row |= _validated(learner, standing, validate(learner.agent()))
        standing.seconds += time.perf_counter() - began
    standing.history.append(row)
    if course is not None and not last:
        _go_through(course, learner, standing)
    return row


def _go_through(course: Course, learner: Learner, standing: Standing) -> None:
    """Enter the next stage where this one is over."""
    stage = standing.stage
    rows = [row for row in standing.history if row["stage"] == stage + 1]
    if stage + 1 < len(course.stages) and is_left(course.stages[stage], rows, learner.config.updates):
        standing.stage += 1
        learner.enter(course.environment(standing.stage), anew=f"stage {standing.stage}")


def _validated(learner: Learner, standing: Standing, figures: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """Keep each member's weights where it has never been better; the figures as a part of a row."""
    scores = [float(score) for score in figures["score"]]
    if len(scores) != len(learner.configs):
        raise TrainError(f"the validation gave {len(scores)} scores for {len(learner.configs)} members; give as many")
    if not np.isfinite(scores).all():
        raise TrainError(f"the validation after update {standing.update} gave scores {scores}; give finite numbers")
    for place, score in enumerate(scores):
        before = standing.best[place]
        if before is None or score > before:
            standing.best[place], standing.best_update[place] = score, standing.update
            learner.best[place] = learner.policy.flat[place]
    plain = {name: [float(value) if np.isfinite(value) else None for value in row] for name, row in figures.items()}
    return {f"validation.{name}": row[0] if len(row) == 1 else row for name, row in plain.items()}


def _save(
    learner: Learner, standing: Standing, folder: Path, identity: dict[str, Any], *, at_once: bool = False
) -> None:
    """Write a checkpoint where it is time, and at the end; at the end alone where the environment cannot be saved."""
    config = learner.config
    over = standing.update == config.updates
    due = at_once or over or time.monotonic() - standing.saved_at >= config.save_seconds
    if due and standing.kept < standing.update:
        world = {} if over else _world(learner.environment)
        if world is None:
            standing.saved_at = math.inf
        else:
            write_standing(folder, standing, learner.tensors(), world, identity)


def _world(environment: Environment) -> Mapping[str, np.ndarray] | None:
    """The environment's state, or None where it has none to give."""
    try:
        return environment.state()
    except OptionError:
        return None


def _finish(learner: Learner, standing: Standing, folder: Path) -> TrainedAgent:
    clear_failure(folder)
    learner.policy.load(learner.best)
    agent = learner.agent()
    sha = agent.write(folder / AGENT)
    return TrainedAgent(
        agent=agent,
        history=standing.history,
        best_update=tuple(standing.best_update),
        checkpoint=folder / AGENT,
        seconds=standing.seconds,
        devices=tuple(standing.devices),
        sha=sha,
    )


def _identity(environment: Environment, configs: Sequence[PpoConfig], keys: Keys) -> dict[str, Any]:
    """What must be equal for a training to be the same one."""
    layout = environment.layout
    return {
        "config": [config.model_dump(mode="json", exclude={"save_seconds", "device"}) for config in configs],
        "seed": [keys.rng.seed, *keys.rng.path],
        "members": list(keys.members),
        "environment": {
            "actions": repr(environment.actions),
            "dense": layout.dense,
            "window": layout.window,
            "table": None if layout.table is None else sha_array(layout.table.cpu().numpy()),
            "rules": getattr(environment, "rules", None),
        },
    }


def _plain(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _line(row: Mapping[str, Any]) -> str:
    def mean(name: str) -> float:
        values = [value for value in np.atleast_1d(row[name]) if value is not None]
        return float(np.mean(values)) if values else float("nan")

    blown = mean("kl") > BLOWN or mean("clip_share") > CLIPPED
    kl = f"kl {mean('kl'):.4f}{' TOO LARGE: lower lr, or set target_kl' if blown else ''}"
    stage = f"stage {row['stage']}  " if "stage" in row else ""
    score = f"validation {mean('validation.score'):.5f}  " if "validation.score" in row else ""
    pace = f"{row['steps_per_second']:,.0f} steps/s"
    return f"{stage}reward {mean('reward'):.5f}  {score}loss {mean('loss'):.4f}  {kl}  {pace}"
