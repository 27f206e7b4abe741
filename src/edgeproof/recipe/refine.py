"""Steps 4 to 6 of a run: what may be better than the config as it is, tried on validation alone, and what came of it.

No sealed bar is read and no verdict is known here; every training and each of its thresholds is a row of the ledger.
The best trial's own checkpoint becomes the run's: it is taken as it is, never trained again.
"""

from collections.abc import Callable, Sequence

from edgeproof.core.errors import OptionError
from edgeproof.core.files import read_json, write_json
from edgeproof.core.finding import Finding
from edgeproof.data.store import Market
from edgeproof.ledger.span import Span
from edgeproof.ledger.store import Ledger
from edgeproof.recipe.attempt import CHECKPOINTS, Bench
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.folder import RunFolder
from edgeproof.recipe.prepare import Prepared
from edgeproof.recipe.refine_steps import Ground
from edgeproof.recipe.refine_trial import Tried
from edgeproof.recipe.refine_tune import tune_step
from edgeproof.recipe.regularise import regularise
from edgeproof.recipe.squeeze import squeeze
from edgeproof.recipe.steps import GATES, Step
from edgeproof.recipe.walk import looks, told
from edgeproof.train.loggers.tracker import Tracker
from edgeproof.train.team import team

__all__ = ["refine"]


def refine(
    config: RunConfig,
    market: Market,
    ledger: Ledger,
    span: Span,
    *,
    folder: RunFolder,
    write: Callable[[str], None],
    tracker: Tracker | None = None,
) -> tuple[RunConfig, Prepared, list[Finding]]:
    """Walk steps 4 to 6, and put the best trial's checkpoints where the run's own belong.

    Answers the config of that trial, its span, and what of the steps joins the run's findings.

    Args:
        config: of the run; its `gates` say how far.
        market: of the run.
        ledger: that counts.
        span: the open one.
        folder: of the run; trials go to `steps` in it, the steps to its `gates.json`.
        write: where progress lines go.
        tracker: of the run; each trial is tracked below it.

    Raises:
        EdgeproofError: the config itself cannot be trained, as of a plain run.
    """
    bench = Bench(config, market, span, ledger, tracker)
    if team().count > 1:
        raise OptionError(f"gates.profile={config.gates.profile} is walked by one process; start it without torchrun")
    ground = Ground(bench, folder.steps, config.gates, write)
    steps: list[Step] = []
    step, first, standing = regularise(ground)
    _tell(folder, steps, step, write)
    step, standing = tune_step(ground, first, standing)
    _tell(folder, steps, step, write)
    if ground.gates.profile == "full":
        step, standing = squeeze(ground, first, standing)
        _tell(folder, steps, step, write)
    _promote(folder, standing)
    found = [_short(finding) for step in steps for finding in step.failures]
    return standing.config, bench.prepared(standing.config), found


def _tell(folder: RunFolder, steps: list[Step], step: Step, write: Callable[[str], None]) -> None:
    """Add the step to those of the run, on disk too."""
    steps.append(step)
    late = sum(one.why.startswith("not begun") for one in step.skipped)
    left = f"  {late} more would not have ended within gates.minutes and {'was' if late == 1 else 'were'} left\n"
    write(f"{told(step)}  {step.said}\n{left if late else ''}{looks(step)}")
    _write_steps(folder, steps)


def _write_steps(folder: RunFolder, steps: Sequence[Step]) -> None:
    place, names = folder.path / GATES, {step.name for step in steps}
    body = read_json(place)
    body["steps"] = [one for one in body["steps"] if one["name"] not in names] + [step.to_json() for step in steps]
    body["seconds"] = round(sum(one["seconds"] for one in body["steps"]), 3)
    write_json(place, body)


def _promote(folder: RunFolder, trial: Tried) -> None:
    """The trial's checkpoints become the run's, and its config takes the place of the one that was asked for."""
    if not folder.checkpoints.exists():
        (trial.folder / CHECKPOINTS).rename(folder.checkpoints)
    folder.choose(trial.config)


def _short(finding: Finding) -> Finding:
    """A failure among the run's findings, without its plots."""
    kept = {name: finding.evidence[name] for name in ("measured", "threshold") if name in finding.evidence}
    return Finding(finding.check, finding.level, finding.claim, kept, finding.where, finding.remedy)
