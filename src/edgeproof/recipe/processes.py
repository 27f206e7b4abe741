"""The processes of a search: each reads what it is, takes trials until there are none left, and may be killed."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from optuna.storages import BaseStorage
from optuna.trial import TrialState

from edgeproof.core.config import from_mapping
from edgeproof.core.device import set_threads
from edgeproof.core.errors import ConfigError, DataError, EdgeproofError, Interrupted, SplitError, TrainError
from edgeproof.core.progress import Progress, silent, to_terminal
from edgeproof.data.store import open_market
from edgeproof.ledger.store import Ledger
from edgeproof.recipe.attempt import Bench, score, thin
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.prepare import open_bars
from edgeproof.recipe.tracking import run_card
from edgeproof.recipe.vary import goal_of, search_space
from edgeproof.search.record import STATES
from edgeproof.search.storage import open_storage
from edgeproof.search.study import Attempt, Plan, Study, open_study, work
from edgeproof.train.loggers.tracker import open_tracker

__all__ = ["Spec", "bench_study", "search", "tracking_bench", "worker"]

FAILING = (ConfigError, SplitError, TrainError)
DIRECTIONS: dict[str, Literal["minimize", "maximize"]] = {"log_loss": "minimize"}


@dataclass(frozen=True)
class Spec:
    """A search as plain data, for a process of its own."""

    config: dict[str, Any]
    market: str
    workspace: str
    out: str
    study: str
    storage: str | None
    home: str
    trials: int
    deadline: float | None
    quiet: bool


def bench_study(bench: Bench, spec: Spec, storage: BaseStorage) -> Study:
    """The study of a bench's config in its storage."""
    chosen, goal = bench.config.tune, goal_of(bench.config)
    plan = Plan(
        name=spec.study,
        direction=DIRECTIONS.get(goal, "maximize"),
        space=search_space(bench.config),
        sampler=chosen.sampler,
        pruner=chosen.pruner,
        seed=bench.config.seed,
        home=spec.home,
    )
    return open_study(plan, storage, Path(spec.out))


def tracking_bench(bench: Bench, study: Study) -> Bench:
    """The bench with the study's tracker, where trials are tracked; one process at a time begins it."""
    config, name = bench.config, study.plan.name
    card = run_card(config, bench.market, kind="study", phase="search", study=name)
    with study.exclusive():
        tracker = open_tracker(config.tracking, study.folder, card, workspace=bench.ledger.workspace)
    return replace(bench, tracker=tracker)


def search(bench: Bench, study: Study, spec: Spec, *, workers: int, write: Callable[[str], None]) -> None:
    """Run the trials here and in further processes; what one of them left behind is taken up here."""
    with _helpers(spec, workers - 1) as helpers:
        _work(bench, study, spec, write)
        codes = [helper.wait() for helper in helpers]
    if any(codes):
        write(f"{sum(map(bool, codes))} of {len(codes)} further processes ended early; their trials were taken up\n")


@contextmanager
def _helpers(spec: Spec, count: int) -> Iterator[list["subprocess.Popen[str]"]]:
    code = "from edgeproof.recipe.processes import worker; worker()"
    found = []
    try:
        for _ in range(count):
            process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, text=True)
            found.append(process)
            assert process.stdin is not None  # noqa: S101 - asked for above
            process.stdin.write(json.dumps(asdict(spec)))
            process.stdin.close()
        yield found
    finally:
        for process in found:
            if process.poll() is None:
                process.terminate()
            process.wait()


def worker() -> None:
    """One further process of a search: reads it from standard input, works until there is nothing left to do."""
    spec = Spec(**json.loads(sys.stdin.read()))
    set_threads()
    try:
        market, ledger = open_market(Path(spec.market)), Ledger(Path(spec.workspace))
        config = from_mapping(RunConfig, spec.config)
        bench = Bench(config, market, open_bars(config, market, ledger), ledger)
        study = bench_study(bench, spec, open_storage(spec.storage, Path(spec.out)))
        _work(tracking_bench(bench, study), study, spec, silent if spec.quiet else to_terminal)
    except (KeyboardInterrupt, Interrupted):
        sys.exit(Interrupted.exit_status)
    except EdgeproofError as error:
        to_terminal(f"error: {error}\n")
        sys.exit(error.exit_status)


def _work(bench: Bench, study: Study, spec: Spec, write: Callable[[str], None]) -> None:
    progress = Progress("trial", spec.trials, write=write)
    progress.resume(len(study.finished()))

    def after(attempt: Attempt, state: TrialState) -> None:
        thin(study)
        progress.done = len(study.finished()) - 1
        progress.step(_line(study, attempt, state, goal_of(bench.config)))

    work(
        study,
        lambda attempt: score(bench, attempt),
        trials=spec.trials,
        deadline=spec.deadline,
        failing=(*FAILING, *((DataError,) if bench.config.has_agent else ())),  # its bars may hold no such episode
        after=after,
    )


def _line(study: Study, attempt: Attempt, state: TrialState, goal: str) -> str:
    order, row = study.ranked(), study.rows()[attempt.number]
    value = f" {row.value:.5f}" if state == TrialState.COMPLETE else ""
    best = f"  best {order[0].value:.5f} (number {order[0].number})" if order else ""
    return f"number {attempt.number}: {STATES[state]}  {goal}{value}{best}"
