"""Step 5: a learning rate from a sweep, in `full` a search around it, and further seeds of what is best.

The sweep's rate and the search's best are trials like any other: they take the place of what stands only if they are
better by more than their noise. Further seeds say what luck alone would change; the run keeps its own.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from edgeproof.core.errors import ConfigError
from edgeproof.core.files import read_json, write_json
from edgeproof.core.finding import Finding
from edgeproof.core.progress import Progress
from edgeproof.recipe.attempt import Bench, score, thin
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.rates import EPOCHS, POINTS, shortened, shown_point, swept
from edgeproof.recipe.refine_checks import rate_check, search_check, seeds_check
from edgeproof.recipe.refine_gain import gain, judge_trial
from edgeproof.recipe.refine_steps import Ground, Technique, changed, listed, try_each
from edgeproof.recipe.refine_trial import FAILING, Tried, drop_checkpoints, trial_rows, tried
from edgeproof.recipe.steps import Skipped, Step, StepTrial
from edgeproof.recipe.vary import search_space
from edgeproof.search.record import STATES
from edgeproof.search.space import read_choice
from edgeproof.search.storage import open_storage
from edgeproof.search.study import Attempt, Plan, Study, open_study, work

__all__ = ["Part", "tune_step"]

SEEDS = 2  # beside the run's own: three in all
LEFT = {**STATES, TrialState.COMPLETE: "behind the best of the search"}
SAME_RATE = 0.05  # two rates that differ by less are one
SEARCHED = 0.6  # of gates.minutes that may be spent when the search ends: squeezing has the rest


@dataclass(frozen=True)
class Part:
    """What a part of the step leaves: the sweep, the search, the seeds."""

    standing: Tried
    checks: tuple[Finding, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    trials: tuple[StepTrial, ...] = ()
    seconds: float = 0.0
    said: str = ""


def tune_step(ground: Ground, first: Tried, standing: Tried) -> tuple[Step, Tried]:
    """Sweep, search and repeat with other seeds; answers the step and the trial that stands.

    Args:
        ground: where it is tried.
        first: the config as it was asked for.
        standing: after step 4.
    """
    parts = [_rate(ground, standing)]
    if ground.gates.profile == "full":
        parts.append(_search(ground, parts[-1].standing))
    parts.append(_seeds(ground, first, parts[-1].standing))
    step = Step(
        name="tune",
        title="Tune",
        seconds=round(sum(part.seconds for part in parts), 3),
        checks=tuple(check for part in parts for check in part.checks),
        skipped=tuple(skipped for part in parts for skipped in part.skipped),
        trials=tuple(trial for part in parts for trial in part.trials),
        said=" ".join(part.said for part in parts if part.said),
    )
    return step, parts[-1].standing


def _rate(ground: Ground, standing: Tried) -> Part:
    """Short trainings at many rates, and a complete one at the rate that they suggest."""
    try:
        short = shortened(standing.config, EPOCHS)
    except ConfigError as error:
        return Part(standing, skipped=(Skipped("tune.rate", str(error)),))
    folder = ground.folder / "tune" / "sweep"
    if not (folder / "sweep.json").is_file() and (late := ground.overruns(_short_trainings(standing.config))):
        return Part(standing, skipped=(Skipped("tune.rate", late),))
    body, seconds = _swept(ground, replace(ground.bench, config=short, tracker=None), folder)
    own, rate = standing.config.train.lr, body["suggested"]
    rows = [_point(point) for point in body["points"]]
    check = rate_check(body, own)
    if rate is None or body["weak"] or abs(rate / own - 1) < SAME_RATE:
        said = f"The sweep leaves the learning rate at {own:.2g}."
        return Part(standing, (check,), (), tuple(rows), seconds, said)
    taken = Technique("rate", lambda ground, one: (f"lr {rate:.2g}", changed(one.config, {"train.lr": rate})))
    found = try_each(ground, "tune", standing, (taken,))
    for trial, (chosen, why) in zip(found.made, found.why, strict=True):
        rows += listed(ground, trial, chosen=chosen, why=why)
        seconds += trial.seconds
    won = "takes the place of" if found.standing is not standing else "does not beat"
    said = f"The sweep's learning rate {rate:.2g} {won} {own:.2g}."
    return Part(found.standing, (check,), found.skipped, tuple(rows), seconds, said)


def _short_trainings(config: RunConfig) -> int:
    """What the sweep costs in trainings of the config."""
    return max(1, round(POINTS * EPOCHS / config.train.epochs))


def _swept(ground: Ground, bench: Bench, folder: Path) -> tuple[dict[str, Any], float]:
    """The content of `sweep.json`, and the seconds that it took in all."""
    kept, clock = folder / "sweep.json", folder / "seconds.json"
    if kept.is_file():
        return read_json(kept), read_json(clock)["seconds"] if clock.is_file() else 0.0
    began = time.perf_counter()
    body, _ = swept(bench, folder, POINTS, ground.write)
    seconds = round(time.perf_counter() - began, 3)
    write_json(clock, {"seconds": seconds})
    return body, seconds


def _point(point: dict[str, Any]) -> StepTrial:
    """A point of the sweep as the table shows it."""
    value = point["value"]
    why = f"{EPOCHS} epochs" + ("" if value is not None else f": {shown_point(point)}")
    return StepTrial(f"lr {point['rate']:.2e}", point.get("trial", ""), value, None, None, False, why, "the sweep")


def _seeds(ground: Ground, first: Tried, standing: Tried) -> Part:
    """The same config with other seeds: what luck alone changes."""
    if hasattr(standing.config.model, "fit_trees"):
        why = "nothing in the growing of its trees is drawn: another seed gives the same model"
        return Part(standing, skipped=(Skipped("tune.seeds", why),))
    others: list[Tried] = []
    skipped: list[Skipped] = []
    progress = Progress("seed", SEEDS, write=ground.write)
    for more in range(1, SEEDS + 1):
        config = standing.config.model_copy(update={"seed": standing.config.seed + more})
        folder = ground.folder / "tune" / f"seed-{more}"
        if not (folder / "proposal.json").is_file() and (late := ground.overruns(1)):
            skipped.append(Skipped(f"seed {config.seed}", late))
            continue
        others.append(tried(ground.bench, f"seed {config.seed}", config, folder))
        drop_checkpoints(others[-1])
        body = others[-1].body
        progress.step(f"seed {config.seed}: {body.get('why') or 'log_loss {:.5f}'.format(body['log_loss'])}")
    if not others:
        return Part(standing, skipped=tuple(skipped), said="No other seed was tried.")
    why = f"it shows what luck changes; the run keeps seed {standing.config.seed}"
    rows = [row for trial in others for row in listed(ground, trial, chosen=False, why=trial.body.get("why", why))]
    check = seeds_check(ground, first, standing, others)
    seconds = sum(trial.seconds for trial in others)
    return Part(standing, (check,), tuple(skipped), tuple(rows), seconds, f"{check.claim[0].upper()}{check.claim[1:]}.")


def _search(ground: Ground, standing: Tried) -> Part:
    """Random, then Bayesian search (Bergstra et al. 2011) by validation log loss around what stands."""
    config = standing.config
    looked_for = config.tune.model_copy(update={"objective": "log_loss"})
    bench = replace(ground.bench, config=config.model_copy(update={"tune": looked_for}))
    try:
        space = search_space(bench.config)
    except ConfigError as error:
        return Part(standing, skipped=(Skipped("tune.search", str(error)),))
    folder = ground.folder / "tune" / "search"
    folder.mkdir(parents=True, exist_ok=True)
    plan = Plan("search", "minimize", space, looked_for.sampler, looked_for.pruner, config.seed, "run")
    study = open_study(plan, open_storage(None, folder), folder)
    skipped = _searched(ground, bench, study)
    rows, order = study.rows(), study.ranked()
    why, said = "", f"None of {len(rows)} trials of the search ran to its end." if rows else "Nothing was searched."
    checks: tuple[Finding, ...] = ()
    found, taken, gap = standing, False, None
    if order:
        best = order[0]
        again = replace(ground.bench, tracker=None)  # its training has been tracked, and is only read back
        trial = tried(again, _label(study, best), bench.trial(_params(study, best)), study.place(best.number))
        judged = judge_trial(trial, standing, simpler=False, rng=ground.rng(trial, standing))
        taken, why, gap = judged.taken, judged.why, trial.gap
        drop_checkpoints(standing if taken else trial)
        found = trial if taken else standing
        values = [row.value for row in rows if row.state == TrialState.COMPLETE and row.value is not None]
        said = f"Of {len(rows)} trials of the search the best ({_set(_params(study, best))}) is {why}."
        checks = (search_check(gain(trial, standing, ground.rng(trial, standing)), values, why),)
    listing = _listing(ground, bench, study, taken=taken, why=why, gap=gap)
    seconds = sum(row.user_attrs.get("seconds", 0.0) for row in rows)
    return Part(found, checks, skipped, tuple(listing), seconds, said)


def _searched(ground: Ground, bench: Bench, study: Study) -> tuple[Skipped, ...]:
    """Trial by trial, as long as the next one fits the budget."""
    most = ground.gates.trials
    progress = Progress("search trial", most, write=ground.write)
    progress.resume(len(study.finished()))

    def after(attempt: Attempt, state: TrialState) -> None:
        write_json(attempt.folder / "seconds.json", {"seconds": attempt.noted.get("seconds", 0.0)})
        thin(study)
        row = study.rows()[attempt.number]
        figure = "" if row.value is None else f"log_loss {row.value:.5f}"
        outcome = figure if state == TrialState.COMPLETE else f"{STATES[state]} {figure}".rstrip()
        progress.step(f"{_set(_params(study, row))}: {outcome}")

    while len(study.finished()) < most:
        late = None if study.running() else ground.overruns(1, SEARCHED)
        if late is not None:
            first = len(study.rows()) + 1
            left = f"trials {first} to {most}" if first < most else f"trial {most}"
            return (Skipped(f"{left} of the search", late),)
        work(study, lambda one: score(bench, one), trials=len(study.finished()) + 1, failing=FAILING, after=after)
    return ()


def _params(study: Study, row: FrozenTrial) -> dict[str, Any]:
    return {key: read_choice(tune, row.params[key]) for key, tune in study.plan.space.items()}


def _set(params: Mapping[str, Any]) -> str:
    """`lr 0.0021, batch_size 256`."""
    return ", ".join(
        f"{key.rpartition('.')[2]} {f'{value:.3g}' if isinstance(value, float) else value}"
        for key, value in params.items()
    )


def _label(study: Study, row: FrozenTrial) -> str:
    return f"search {row.number + 1}: {_set(_params(study, row))}"


def _listing(
    ground: Ground, bench: Bench, study: Study, *, taken: bool, why: str, gap: float | None
) -> list[StepTrial]:
    """Every trial of the search, those that were given up or failed included; of the best why it was taken or left."""
    found: list[StepTrial] = []
    best = next((row.number for row in study.ranked()), None)
    for row in study.rows():
        mine, figures = row.number == best, row.user_attrs.get("figures", {})
        said = why if mine else row.user_attrs.get("why", LEFT.get(row.state, "running"))
        label, kept = _label(study, row), mine and taken
        values = figures.get("log_loss"), gap if mine else None, figures.get("sharpe")
        for place, counted in enumerate(trial_rows(ground.bench, bench.trial(_params(study, row)))):
            trial, part = counted.body["trial"], counted.body["label"]
            found.append(
                StepTrial(part, trial, None, None, None, kept, "a part of it", behind=label)
                if place
                else StepTrial(label, trial, *values, kept, said)
            )
    return found
