"""The steps of a run before its training: each check leaves evidence, and a failed one stops the run."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from edgeproof.core.errors import GateStopped
from edgeproof.core.finding import Finding
from edgeproof.data.store import Market
from edgeproof.ledger.store import Ledger
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.learn import check_stages, proven_folds
from edgeproof.recipe.prepare import Prepared
from edgeproof.recipe.shown import shown
from edgeproof.recipe.steps import GATES, Step, write_gates
from edgeproof.recipe.walk_agent import agent_steps
from edgeproof.recipe.walk_data import audits, data_step
from edgeproof.recipe.walk_model import overfit_step, skeleton_step

__all__ = ["looks", "steps_before", "told", "walk"]

MOST_TOLD = 4  # of a step on the terminal
# Known of nearly every market, and answered for by a guard of the verdict: no reason not to train.
GUARDED = ("quality.survivorship",)


def walk(
    config: RunConfig,
    market: Market,
    prepared: Prepared,
    ledger: Ledger,
    *,
    known: str,
    folder: Path,
    write: Callable[[str], None],
) -> list[Finding]:
    """Walk the steps that come before training; answers the findings that join the run's own.

    Those are all of the audits of bars and features, and of every other check those that saw something wrong.

    Args:
        config: the run's config; `gates` says how far.
        market: the bars as they lie on disk.
        prepared: the open span.
        ledger: of the workspace.
        known: the ledger's record of the market.
        folder: of the run; `gates.json` goes there.
        write: where progress lines go.

    Raises:
        GateStopped: a check of level error, where `gates.mode` is stop.
        TrainError: training samples of one class only.
    """
    if config.gates.profile == "none":
        return audits(config, market, prepared)
    done: list[Step] = []
    joined: list[Finding] = []
    for step, found in steps_before(config, market, prepared, ledger, known):
        done.append(step)
        joined += found
        stopped = _stopping(step) if config.gates.mode == "stop" else None
        write(told(step) + ("" if stopped else looks(step)))
        write_gates(folder, config.gates, done, stopped=stopped and stopped.check)
        if stopped:
            raise GateStopped(_last_word(stopped, folder), stopped.check)
    return joined


def steps_before(
    config: RunConfig, market: Market, prepared: Prepared, ledger: Ledger, known: str
) -> Iterator[tuple[Step, Sequence[Finding]]]:
    """Each step before training as it is made, with what of it joins the run's findings."""
    folds = proven_folds(config, prepared)
    check_stages(config, prepared, folds)
    seen = shown(config, prepared, ledger, folds[-1], market=known)  # labels of one class are refused here, as ever
    step, found = data_step(config, market, prepared, folds)
    yield step, [*found, *_joining(step, found)]
    if config.has_agent:
        yield from ((step, _joining(step, ())) for step in agent_steps(seen))
        return
    for make in (skeleton_step, overfit_step):
        step = make(seen)
        yield step, _joining(step, ())


def _joining(step: Step, already: Sequence[Finding]) -> list[Finding]:
    """What a step has to say in the run's findings: its failures, with two figures of their evidence."""
    return [
        Finding(one.check, one.level, one.claim, _short(one), one.where, one.remedy)
        for one in step.checks
        if one.level != "info" and not any(one is other for other in already)
    ]


def _short(finding: Finding) -> dict[str, object]:
    return {name: finding.evidence[name] for name in ("measured", "threshold") if name in finding.evidence}


def _stopping(step: Step) -> Finding | None:
    """The check that stops the run: the first that failed, in the order in which they are made."""
    return next((one for one in step.checks if one.level == "error" and one.check not in GUARDED), None)


def _last_word(finding: Finding, folder: Path) -> str:
    where = f" ({finding.where})" if finding.where and finding.where not in finding.claim else ""
    return (
        f"stopped before training by {finding.check}{where}: {finding.claim}; {finding.remedy}. The evidence is in "
        f"{folder / GATES}; the same command goes on with --gate warn, and the finding then stands in the verdict"
    )


def told(step: Step) -> str:
    """A step in one line: `data ok  14 checks  0.5 s; 1 to look at: samples.drift`."""
    wrong = step.failures
    errors = [one for one in wrong if one.level == "error"]
    mark = "FAILED" if errors else "skipped" if not step.checks else "ok"
    count = f"{len(step.checks)} check{'' if len(step.checks) == 1 else 's'}"
    line = f"{step.name:10} {mark}  {count}  {step.seconds:.1f} s"
    names = ", ".join(dict.fromkeys(one.check for one in wrong))
    return f"{line}; {len(wrong)} to look at: {names}\n" if wrong else f"{line}\n"


def looks(step: Step) -> str:
    """What the first failed checks of a step saw, and their fix: a line each."""
    lines = []
    for one in step.failures[:MOST_TOLD]:
        where = f"{one.where}: " if one.where and one.where not in one.claim else ""
        mark = "FAILED" if one.level == "error" else "look"
        lines.append(f"  {mark}  {one.check}  {where}{one.claim}; {one.remedy}\n")
    if len(step.failures) > MOST_TOLD:
        lines.append(f"  and {len(step.failures) - MOST_TOLD} more; all are in {GATES} and in the report\n")
    return "".join(lines)
