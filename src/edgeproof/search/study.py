"""A study: trials are asked for, given up, taken up after a kill and closed, by any number of processes in one folder.

A trial belongs to the process that holds the lock in its folder; the kernel lets go of it when the process ends. So a
trial that is running in the storage and whose lock is free was interrupted, and whoever comes next goes on with it.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import optuna
from filelock import FileLock, Timeout
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, Trial, TrialState

from edgeproof.core.config import Tune
from edgeproof.core.errors import DataError
from edgeproof.search.sampler import make_pruner, make_sampler
from edgeproof.search.space import draw

__all__ = ["Attempt", "GivenUp", "OutOfTime", "Plan", "Study", "open_study", "work"]

_HOME = "folder"  # the attribute by which a study knows its folder
_LOCK = ".lock"
_PAUSE_SECONDS = 0.2

optuna.logging.set_verbosity(optuna.logging.WARNING)


class GivenUp(Exception):  # noqa: N818 - a state, not a mistake
    """The trial is worse than half of those before it at the same step."""


class OutOfTime(Exception):  # noqa: N818 - a state, not a mistake
    """The time is over; the trial stays as it is and is taken up by the next call."""


@dataclass(frozen=True)
class Plan:
    """What a study is.

    Attributes:
        name: of the study in its storage.
        direction: which way the objective is better.
        space: what is varied.
        sampler, pruner: `tpe` or `random`; `median` or `none`.
        seed: of the sampler.
        home: mark of the folder that holds the trials.
    """

    name: str
    direction: Literal["minimize", "maximize"]
    space: Mapping[str, Tune]
    sampler: str
    pruner: str
    seed: int
    home: str


@dataclass(frozen=True)
class Attempt:
    """One trial in the hands of this process.

    Attributes:
        number: from 0.
        params: what was drawn, by key.
        folder: where its files lie.
        told: steps that were reported before it was interrupted.
        deadline: moment of `time.time` after which it stops; None: never.
    """

    number: int
    params: Mapping[str, Any]
    folder: Path
    told: frozenset[int]
    deadline: float | None
    _trial: Trial
    _lock: FileLock

    @property
    def study(self) -> str:
        """Name of the study."""
        return self._trial.study.study_name

    @property
    def noted(self) -> Mapping[str, Any]:
        """Facts that were kept with the trial."""
        return self._trial.user_attrs

    def report(self, step: int, value: float) -> None:
        """Tell how it goes.

        Raises:
            GivenUp: it goes worse than half of those before.
            OutOfTime: the deadline has passed.
        """
        self._trial.report(value, step)
        self.check()

    def check(self) -> None:
        """Raise as `report` does, by what was reported until now."""
        if self._trial.should_prune():
            raise GivenUp
        if self.deadline is not None and time.time() > self.deadline:
            raise OutOfTime

    def note(self, **facts: Any) -> None:
        """Keep facts with the trial; plain data."""
        for name, value in facts.items():
            self._trial.set_user_attr(name, value)

    def close(self, state: TrialState, value: float | None = None) -> None:
        """The trial is over."""
        self._trial.study.tell(self._trial, value, state=state)

    def leave(self) -> None:
        """Let another process have it."""
        self._lock.release()


@dataclass(frozen=True)
class Study:
    """A study in its storage and folder."""

    plan: Plan
    folder: Path
    optuna: optuna.Study

    def place(self, number: int) -> Path:
        """The folder of a trial."""
        return self.folder / "trials" / f"{number:04d}"

    def rows(self) -> list[FrozenTrial]:
        """Every trial, in order of its number."""
        return self.optuna.get_trials(deepcopy=False)

    def finished(self) -> list[FrozenTrial]:
        """Those that are over."""
        return [row for row in self.rows() if row.state.is_finished()]

    def running(self) -> bool:
        """Whether any is not over yet."""
        return any(not row.state.is_finished() for row in self.rows())

    def ranked(self) -> list[FrozenTrial]:
        """Those that ran to their end, the best first, the earlier one of equals."""
        sign = 1 if self.plan.direction == "minimize" else -1
        done = [row for row in self.rows() if row.state == TrialState.COMPLETE]
        return sorted(done, key=lambda row: (sign * cast("float", row.value), row.number))

    def exclusive(self) -> FileLock:
        """A lock that one process of the study holds at a time."""
        return _alone_in(self.folder)

    def begin(self, trials: int, deadline: float | None = None) -> Attempt | None:
        """The next trial: one that was interrupted, else a new one; None once there are `trials`."""
        with self.exclusive():
            rows = self.rows()
            for row in rows:
                lock = self._free(row.number) if row.state == TrialState.RUNNING else None
                if lock is not None:
                    trial = Trial(self.optuna, row._trial_id)  # Optuna has no public way to go on with a trial
                    return self._attempt(trial, lock, frozenset(row.intermediate_values), deadline)
            if len(rows) >= trials:
                return None
            trial = self.optuna.ask()
            lock = self._free(trial.number)
            if lock is None:
                raise DataError(
                    f"{self.place(trial.number)}: held by another process; give each study a folder of its own"
                )
        return self._attempt(trial, lock, frozenset(), deadline)

    def _attempt(self, trial: Trial, lock: FileLock, told: frozenset[int], deadline: float | None) -> Attempt:
        """A trial with all its settings: those that it has, and those that were not drawn before a kill."""
        params = {key: draw(trial, key, tune) for key, tune in self.plan.space.items()}
        return Attempt(trial.number, params, self.place(trial.number), told, deadline, trial, lock)

    def _free(self, number: int) -> FileLock | None:
        """The lock of a trial, held; None if another process has it."""
        place = self.place(number)
        place.mkdir(parents=True, exist_ok=True)
        lock = FileLock(str(place / _LOCK))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return None
        return lock


def _alone_in(folder: Path) -> FileLock:
    return FileLock(str(folder / ".study.lock"))


def open_study(plan: Plan, storage: BaseStorage, folder: Path) -> Study:
    """The study of this name, new or as it stands.

    Raises:
        DataError: the storage has a study of this name that belongs to another folder.
    """
    sampler, pruner = make_sampler(plan.sampler, plan.seed), make_pruner(plan.pruner)
    with _alone_in(folder):  # else another process may begin a trial before the study says whose it is
        found = optuna.create_study(
            storage=storage,
            study_name=plan.name,
            direction=plan.direction,
            sampler=sampler,
            pruner=pruner,
            load_if_exists=True,
        )
        owner = found.user_attrs.get(_HOME)
        if owner is None and not found.get_trials(deepcopy=False):
            found.set_user_attr(_HOME, plan.home)
        elif owner != plan.home:
            raise DataError(
                f"study {plan.name!r} in this storage belongs to another folder; choose another --study, or its own "
                "--out"
            )
    return Study(plan, folder, found)


def work(
    study: Study,
    objective: Callable[[Attempt], float],
    *,
    trials: int,
    deadline: float | None = None,
    failing: tuple[type[Exception], ...] = (),
    after: Callable[[Attempt, TrialState], None] = lambda attempt, state: None,
) -> None:
    """Run trials until there are enough and all are over, those of other processes too, or the time is.

    Args:
        study: where they are asked for and kept.
        objective: the value of a trial; it reports as it goes.
        trials: in all, those of other processes and of earlier calls included.
        deadline: moment of `time.time` after which none is begun or goes on.
        failing: errors that end a trial and not the search.
        after: called when a trial is over.
    """
    while deadline is None or time.time() < deadline:
        attempt = study.begin(trials, deadline)
        if attempt is None and not study.running():
            return
        if attempt is None:  # another process may end before its trial does
            time.sleep(_PAUSE_SECONDS)
            continue
        try:
            state = _one(attempt, objective, failing)
            after(attempt, state)
        except OutOfTime:
            return
        finally:
            attempt.leave()


def _one(attempt: Attempt, objective: Callable[[Attempt], float], failing: tuple[type[Exception], ...]) -> TrialState:
    try:
        if attempt.told:
            attempt.check()
        value = objective(attempt)
    except GivenUp:
        attempt.close(TrialState.PRUNED)
        return TrialState.PRUNED
    except failing as error:
        attempt.note(why=str(error))
        attempt.close(TrialState.FAIL)
        return TrialState.FAIL
    attempt.close(TrialState.COMPLETE, value)
    return TrialState.COMPLETE
