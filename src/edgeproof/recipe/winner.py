"""What becomes of a search's best trial: its checkpoint is promoted as it is, its luck and its seed are stated."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import stdev
from typing import Any

from optuna.trial import FrozenTrial

from edgeproof.core.config import dump_yaml
from edgeproof.core.errors import TrainError
from edgeproof.core.files import read_json, staged_directory, write_json, write_text
from edgeproof.core.progress import Progress, silent
from edgeproof.ledger.markets import rows_of
from edgeproof.recipe.attempt import CHECKPOINTS, Bench
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.folder import RunFolder
from edgeproof.recipe.folds import learn_folds
from edgeproof.recipe.learn import trial_config
from edgeproof.recipe.run import Run, run
from edgeproof.recipe.scores import figures_of, told
from edgeproof.recipe.vary import goal_of
from edgeproof.report.study import study_page
from edgeproof.search.record import record
from edgeproof.search.study import Study
from edgeproof.verdict.ready import json_ready

__all__ = ["finish"]

DEFLATED = ("psr", "dsr", "dsr_effective", "dsr_sidak", "sharpe")


def finish(
    bench: Bench, study: Study, best: int, *, write: Callable[[str], None], facts: Mapping[str, Any]
) -> tuple[Run, dict[str, Any]]:
    """Train the winner with further seeds, promote its checkpoint, judge it, and write `study.json` and the page.

    Args:
        bench: of the search.
        study: with at least one whole trial.
        best: number of the best one.
        write: where progress lines go.
        facts: more for `study.json`.
    """
    row = study.rows()[best]
    config = bench.trial(_params(study, row))
    seeds = _seeds(bench, study, row, config, write)
    done = run(
        config,
        bench.market,
        out=_promoted(bench, study, row, config),
        workspace=bench.ledger.workspace,
        write=write,
    )
    body = _body(bench, study, facts) | {"seeds": seeds, "deflated": _deflated(bench, done.verdict)}
    body["verdict"] = done.verdict["verdict"]
    body = json_ready(body)
    write_text(study.folder / "report.html", study_page(body))
    write_json(study.folder / "study.json", body)
    return done, body


def _params(study: Study, row: FrozenTrial) -> dict[str, Any]:
    return next(trial["params"] for trial in record(study, weigh=False)["trials"] if trial["number"] == row.number)


def _promoted(bench: Bench, study: Study, row: FrozenTrial, config: RunConfig) -> Path:
    """The folder of a run that holds the trial's finished training; an earlier winner is put aside, not lost."""
    place, origin = study.folder / "best", {"study": study.plan.name, "number": row.number}
    if place.exists():
        earlier = RunFolder(place).state().get("origin")
        if earlier == origin:
            return place
        aside = study.folder / "earlier"
        aside.mkdir(exist_ok=True)
        place.rename(aside / f"{earlier['number'] if earlier else 0:04d}-{len(list(aside.iterdir()))}")
    with staged_directory(place) as stage:
        folder = RunFolder(stage / "run")
        folder.begin(config, {"market": bench.market.identity, "workspace": str(bench.ledger.workspace)})
        folder.update(origin=origin)
        shutil.copytree(study.place(row.number) / CHECKPOINTS, folder.checkpoints)
        for entry in list(folder.path.iterdir()):
            entry.rename(stage / entry.name)
        folder.path.rmdir()
    return place


def _seeds(
    bench: Bench, study: Study, row: FrozenTrial, config: RunConfig, write: Callable[[str], None]
) -> dict[str, Any]:
    """The winner's config trained with further seeds: values with the winner's own first, their spread, its lead."""
    more = range(config.seed + 1, config.seed + 1 + bench.config.tune.seeds)
    progress, rows = Progress("seed", len(more), write=write), []
    for seed in more:
        rows.append(_with_seed(bench, study.folder / "seeds" / f"{row.number:04d}-{seed}", config, seed))
        progress.step(f"{rows[-1]['value']:.5f}" if rows[-1]["value"] is not None else rows[-1]["why"])
    values = [row.value, *(entry["value"] for entry in rows if entry["value"] is not None)]
    best = record(study, weigh=False)["best"]
    return {
        "values": values,
        "trained": rows,
        "sd": stdev(values) if len(values) > 1 else None,
        "margin": best.get("margin"),
    }


def _with_seed(bench: Bench, folder: Path, config: RunConfig, seed: int) -> dict[str, Any]:
    kept = folder.with_suffix(".json")
    if kept.is_file():
        return read_json(kept)
    again = config.model_copy(update={"seed": seed})
    found: dict[str, Any] = {"seed": seed, "value": None}
    try:
        learned, runs = learn_folds(
            again,
            bench.prepared(again),
            bench.ledger,
            market=bench.span.market,
            bars_per_year=bench.market.bars_per_year,
            folder=folder,
            write=silent,
        )
        figures = figures_of(runs, bench.market.bars_per_year)
        value = told(figures, goal_of(bench.config))
        found |= {"value": value, "trial": learned.trial.id, "figures": figures}
    except TrainError as error:
        found |= {"why": str(error)}
    write_json(kept, found)
    shutil.rmtree(folder, ignore_errors=True)
    return found


def _deflated(bench: Bench, verdict: Mapping[str, Any]) -> dict[str, Any]:
    """The winner's validation figures corrected for all counted trials, as the verdict has them."""
    net, search = verdict["validation"]["net"], verdict["selection"]
    found = {name: net.get(name) for name in DEFLATED} | {
        "trials": search["trials"],
        "effective": search["independent_trials"],
        "expected_maximum_sharpe": search["expected_maximum_sharpe"],
        "p_max": search["p_max"],
        "pbo": search["pbo"],
    }
    luck = {"by_luck": search["expected_maximum_sharpe"]} if goal_of(bench.config) == "net_sharpe" else {}
    return found | luck


def _body(bench: Bench, study: Study, facts: Mapping[str, Any]) -> dict[str, Any]:
    body, counted = record(study), _trainings(bench)
    for trial in body["trials"]:
        if "trial" not in trial:  # given up or failed: its row says who it was, if it came to one
            trial["trial"] = counted.get(trial_config(bench.trial(trial["params"])))
    return {
        **body,
        "objective": goal_of(bench.config),
        "step": "validation" if bench.config.has_agent else "epoch",
        "model": bench.config.learner,
        "seconds": round(sum(trial.get("seconds") or 0.0 for trial in body["trials"]), 1),
        "config": dump_yaml(bench.config.anywhere()),
        **facts,
    }


def _trainings(bench: Bench) -> dict[str, str]:
    """Trial ids of the trainings on record on these bars, by the hash of their config, for the search's own seed."""
    rows = [row for row in rows_of(bench.ledger, bench.market.fingerprints()) if row.kind == "training"]
    return {row.body["config"]: row.body["trial"] for row in rows if row.body["seed"] == bench.config.seed}
