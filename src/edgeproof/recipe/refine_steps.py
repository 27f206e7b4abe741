"""What steps 4 to 6 share: where they try things, within which budget, and how one technique after another is tried.

Each technique is tried on the config that stands, is a complete training of its own, and takes its place only if
`refine_gain` says so. So techniques add up, and a run that is taken up again walks the same way.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeproof.core.errors import ConfigError
from edgeproof.core.files import read_json
from edgeproof.core.progress import Progress, duration_text
from edgeproof.core.rng import Rng
from edgeproof.recipe.attempt import Bench
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.gates_config import GatesConfig
from edgeproof.recipe.learn import trial_config
from edgeproof.recipe.refine_gain import judge_trial
from edgeproof.recipe.refine_trial import Tried, drop_checkpoints, proposed, trial_rows, tried
from edgeproof.recipe.steps import Skipped, StepTrial
from edgeproof.recipe.vary import varied

__all__ = ["Attempts", "Ground", "NotHere", "Technique", "changed", "listed", "try_each"]


class NotHere(Exception):  # noqa: N818 - a state, not a mistake
    """A technique that does not apply, and why."""


@dataclass(frozen=True)
class Ground:
    """Where the steps try things.

    Attributes:
        bench: its config is the run's own, as it was asked for.
        folder: `steps` in the run's folder.
        gates: profile and budget.
        write: where progress lines go.
    """

    bench: Bench
    folder: Path
    gates: GatesConfig
    write: Callable[[str], None]

    def rng(self, *trials: Tried) -> Rng:
        """Of the interval between two trials, or of one; the same wherever these are compared."""
        return Rng(self.bench.config.seed).child("refine", *(trial.trial for trial in trials))

    def spent(self) -> float:
        """Seconds that all trials of the steps have taken, those before a kill included."""
        kept = [*self.folder.rglob("trial.json"), *self.folder.rglob("seconds.json")]
        return sum(read_json(path)["seconds"] for path in kept)

    def overruns(self, trainings: int, share: float = 1.0) -> str | None:
        """Why so many more trainings are not begun; None where they fit.

        A training is taken to last as long as the mean of those before it.

        Args:
            trainings: that are to be made.
            share: of the whole budget that may be spent by then.
        """
        if self.gates.profile != "full" or self.gates.minutes is None:
            return None
        bodies = [read_json(path) for path in self.folder.rglob("trial.json")]
        each = sum(body["seconds"] for body in bodies) / max(1, sum(body["trainings"] for body in bodies))
        needed, left = trainings * each, share * self.gates.minutes * 60 - self.spent()
        if needed <= left:
            return None
        return (
            f"not begun: it takes about {duration_text(needed)}, and {duration_text(max(0.0, left))} are left of "
            f"gates.minutes={self.gates.minutes:g}"
        )


@dataclass(frozen=True)
class Technique:
    """Something to try.

    Attributes:
        name: for people; its folder too.
        propose: label and config of the trial; raises `NotHere`.
        simpler: it asks for less, so that it is taken where it loses no more.
        trainings: that it is made of, for the budget.
    """

    name: str
    propose: Callable[[Ground, Tried], tuple[str, RunConfig]]
    simpler: bool = False
    trainings: int = 1


@dataclass(frozen=True)
class Attempts:
    """What came of several techniques.

    Attributes:
        standing: the trial that the run goes on with.
        made: trials in order, the one that stood at first not among them.
        why: of each trial, and whether it was taken.
        skipped: what was not tried.
    """

    standing: Tried
    made: tuple[Tried, ...]
    why: tuple[tuple[bool, str], ...]
    skipped: tuple[Skipped, ...]


def changed(config: RunConfig, params: Mapping[str, Any]) -> RunConfig:
    """The config with these values.

    Raises:
        NotHere: they do not go together with the rest.
    """
    try:
        return varied(config, params).model_copy(update={"tune": config.tune})
    except ConfigError as error:
        raise NotHere(str(error).removeprefix("config: ")) from error


def try_each(
    ground: Ground, step: str, standing: Tried, techniques: Sequence[Technique], *, most: int | None = None
) -> Attempts:
    """Try techniques in order, each on what stands then.

    Args:
        ground: where they are tried.
        step: name of the step; its folder too.
        standing: finished, its checkpoints still there.
        techniques: to try.
        most: so many trials at most; none: all.
    """
    made: list[Tried] = []
    why: list[tuple[bool, str]] = []
    skipped: list[Skipped] = []
    count = len(techniques) if most is None else min(most, len(techniques))
    progress = Progress(f"{step} trial", count, write=ground.write)
    for number, technique in enumerate(techniques, 1):
        if most is not None and len(made) >= most:
            skipped.append(Skipped(technique.name, f"{most} techniques before it were tried; profile full tries all"))
            continue
        trial = _tried(ground, ground.folder / step / f"{number:02d}-{_slug(technique.name)}", technique, standing)
        if isinstance(trial, str):
            skipped.append(Skipped(technique.name, trial))
            progress.total = min(count, len(made) + len(techniques) - number)
            continue
        judged = judge_trial(trial, standing, simpler=technique.simpler, rng=ground.rng(trial, standing))
        made.append(trial)
        why.append((judged.taken, judged.why))
        drop_checkpoints(standing if judged.taken else trial)
        standing = trial if judged.taken else standing
        progress.step(f"{trial.label}: {judged.why}")
    return Attempts(standing, tuple(made), tuple(why), tuple(skipped))


def _tried(ground: Ground, folder: Path, technique: Technique, standing: Tried) -> Tried | str:
    """The trial of a technique, or why there is none."""
    known = proposed(folder, ground.bench.config)
    try:
        label, config = known or technique.propose(ground, standing)
    except NotHere as error:
        return str(error)
    each = standing.body["trainings"] if technique.trainings == 1 else technique.trainings
    if known is None and (late := ground.overruns(each)) is not None:
        return late
    return tried(ground.bench, label, config, folder)


def listed(ground: Ground, trial: Tried, *, chosen: bool, why: str) -> list[StepTrial]:
    """A trial as the table shows it, and below it each training behind it that the ledger counts by itself."""
    body, name = trial.body, trial_config(trial.config)
    own = StepTrial(trial.label, trial.trial, body["log_loss"], trial.gap, body["net_sharpe"], chosen, why)
    parts = []
    for row in trial_rows(ground.bench, trial.config):
        if row.body["trial"] == trial.trial:
            continue
        fold = row.body["config"] == name
        label = f"{trial.label}, an earlier fold" if fold else row.body["label"]
        kept = chosen and fold
        parts.append(StepTrial(label, row.body["trial"], None, None, None, kept, "a part of it", behind=trial.label))
    return [own, *parts]


def _slug(name: str) -> str:
    return name.replace(" ", "-")
