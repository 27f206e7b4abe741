"""A search for the best config on one market: every trial is counted, the best one is promoted as it was trained.

All processes of a search share its folder: `trials/NNNN` with each trial's checkpoints, `study.journal` (or another
storage), `study.json` with everything that is known of it, `report.html`, and `best`, an ordinary run.
"""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from edgeproof.core.config import from_mapping
from edgeproof.core.device import set_threads
from edgeproof.core.errors import Interrupted, OptionError, TrainError
from edgeproof.core.files import write_text
from edgeproof.core.progress import silent
from edgeproof.data.store import Market
from edgeproof.ledger.store import Ledger
from edgeproof.ledger.workspace import find_workspace
from edgeproof.recipe.attempt import Bench, checked
from edgeproof.recipe.claim import claim_folder
from edgeproof.recipe.config import RunConfig, load_run_config
from edgeproof.recipe.prepare import open_bars
from edgeproof.recipe.processes import Spec, bench_study, search, tracking_bench
from edgeproof.recipe.run import Run, market_of, to_terminal
from edgeproof.recipe.transfer import with_parent
from edgeproof.recipe.vary import default_space, search_space
from edgeproof.recipe.winner import finish
from edgeproof.search.space import read_space
from edgeproof.search.storage import open_storage, shown, stays_in_memory
from edgeproof.search.study import Study
from edgeproof.train.loggers.tracker import tracked

__all__ = ["Means", "Tuned", "tune"]

TRIALS = 100


@dataclass(frozen=True)
class Means:
    """What a search may use; none of it changes what a trial is.

    Attributes:
        timeout_seconds: after which no trial is begun or goes on; the same command takes up what was left.
        workers: processes.
        storage: URL of a database, or `memory`; None: a journal in the folder.
        study: name in the storage; None: that of the folder.
    """

    timeout_seconds: float | None = None
    workers: int = 1
    storage: str | None = None
    study: str | None = None


@dataclass(frozen=True)
class Tuned:
    """A finished search.

    Attributes:
        folder: of the search.
        body: the content of `study.json`.
        run: the best trial, promoted and judged.
    """

    folder: Path
    body: dict[str, Any]
    run: Run

    def lines(self) -> list[str]:
        """What it found, in a few sentences."""
        body, best, seeds = self.body, self.body["best"], self.body["seeds"]
        counted = ", ".join(f"{count} {state}" for state, count in sorted(body["counts"].items()))
        said = [
            f"{len(body['trials'])} trials: {counted}. Number {best['number']} is the best: {body['objective']} "
            f"{best['value']:.5f}; its own checkpoint is in {self.folder / 'best'}."
        ]
        if seeds["sd"] is not None and seeds["margin"] is not None:
            weak = seeds["margin"] <= seeds["sd"]
            said.append(
                f"Its lead over the runner-up is {seeds['margin']:.2g}, the standard deviation over "
                f"{len(seeds['values'])} seeds, its own among them, {seeds['sd']:.2g}"
                + ("; another seed could have chosen another winner." if weak else ".")
            )
        settings = ", ".join(f"{key}={_short(value)}" for key, value in best["params"].items())
        return [*said, f"Its settings: {settings}.", f"Study: {self.folder / 'report.html'}"]


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def tune(
    config: Path | str | Mapping[str, Any] | RunConfig,
    market: Market | Path | str | None = None,
    *,
    out: Path | str = "search",
    workspace: Path | str | None = None,
    overrides: Sequence[str] = (),
    space: Sequence[str] = (),
    means: Means = Means(),
    write: Callable[[str], None] = to_terminal,
) -> Tuned:
    """Search, train the winner with further seeds, promote its own checkpoint, and judge.

    Args:
        config: a YAML file, a mapping, or a config; its `tune` says how it is searched.
        market: a market, its folder, or None for the config's own.
        out: the search's folder; one of the same config and market there goes on.
        workspace: folder whose ledger counts.
        overrides: such as `train.epochs=20`; a key with a default space that is overridden is not varied.
        space: such as `train.lr=1e-4:1e-2:log`, in place of what `tune.space` says of the key.
        means: time, processes and storage.
        write: where progress lines go.

    Raises:
        EdgeproofError: bad input, in one line; nothing has been written then.
        Interrupted: the time was over before any trial had ended.
    """
    settings, folder = _settings(config, overrides, space), Path(out)
    varied = search_space(settings)
    _refuse(means)
    opened = market_of(settings, market)
    settings = with_parent(settings.model_copy(update={"market": str(opened.path.resolve())}))
    storage = None if means.storage is None else open_storage(means.storage, folder)
    set_threads()
    ledger = Ledger(find_workspace(None if workspace is None else Path(workspace), opened.path))
    bench = Bench(settings, opened, open_bars(settings, opened, ledger), ledger)
    checked(bench)
    spec = _spec(bench, folder, means, quiet=write is silent)
    study = bench_study(bench, spec, storage or open_storage(None, folder))
    bench = tracking_bench(bench, study)
    settings_word, trials_word = _plural(len(varied), "setting"), _plural(spec.trials, "trial")
    write(f"{settings_word}, {trials_word}: {', '.join(varied)}\n")
    with tracked(bench.tracker, write):
        search(bench, study, spec, workers=means.workers, write=write)
        with FileLock(str(folder / ".finish.lock")):  # of several processes one promotes, the others find it done
            run, body = finish(bench, study, _best(study), write=write, facts=_facts(means, spec))
            _tell_study(bench, body, folder / "report.html")
    return Tuned(folder, body, run)


def _tell_study(bench: Bench, body: Mapping[str, Any], page: Path) -> None:
    if bench.tracker is None:
        return
    counts = {f"trials_{state}": count for state, count in body["counts"].items()}
    bench.tracker.figures({"best_value": body["best"]["value"], "best_trial": body["best"]["number"], **counts})
    bench.tracker.outbox.json("study.json", body)
    bench.tracker.outbox.text("report.html", page.read_text(encoding="utf-8"))


def _facts(means: Means, spec: Spec) -> dict[str, Any]:
    budget = {"trials": spec.trials, "timeout_seconds": means.timeout_seconds, "workers": means.workers}
    return {"storage": shown(means.storage), "budget": budget}


def _spec(bench: Bench, folder: Path, means: Means, *, quiet: bool) -> Spec:
    """The search as plain data, once the folder is its own."""
    name = means.study or folder.resolve().name
    return Spec(
        config=bench.config.model_dump(mode="json"),
        market=str(bench.market.path),
        workspace=str(bench.ledger.workspace),
        out=str(folder),
        study=name,
        storage=means.storage,
        home=_claim(bench, folder, name, means),
        trials=_trials(bench.config),
        deadline=None if means.timeout_seconds is None else time.time() + means.timeout_seconds,
        quiet=quiet,
    )


def _settings(
    config: Path | str | Mapping[str, Any] | RunConfig, overrides: Sequence[str], written: Sequence[str]
) -> RunConfig:
    """The config with everything that the search varies in its `tune.space`."""
    settings = load_run_config(config, overrides)
    body, given = settings.model_dump(mode="json"), read_space(written)
    fixed = {text.partition("=")[0] for text in overrides} & default_space(settings).keys()
    body["tune"]["space"] = dict.fromkeys(sorted(fixed)) | body["tune"]["space"] | given
    return from_mapping(RunConfig, body)


def _trials(config: RunConfig) -> int:
    learner = config.agent if config.has_agent else config.model
    return config.tune.trials or int(getattr(learner, "search_trials", TRIALS))


def _refuse(means: Means) -> None:
    if means.workers < 1:
        raise OptionError(f"--workers {means.workers}: at least one process searches")
    if means.workers > 1 and stays_in_memory(means.storage):
        raise OptionError("--workers above 1 need a storage that they share, not one in memory; leave --storage out")
    if means.timeout_seconds is not None and not means.timeout_seconds > 0:
        raise OptionError(f"--timeout {means.timeout_seconds:g}: give a number of seconds above 0")


def _claim(bench: Bench, folder: Path, name: str, means: Means) -> str:
    """Take the folder for this search, or find it taken by the same one; answers its mark."""
    body = bench.config.anywhere().model_dump(mode="json")
    body["tune"] = {key: value for key, value in body["tune"].items() if key not in ("trials", "seeds")}
    identity = {
        "config": body,
        "market": bench.market.identity,
        "workspace": str(bench.ledger.workspace),
        "study": name,
        "storage": shown(means.storage),
    }
    with FileLock(str(bench.ledger.folder / "search.lock")):
        claim_folder(folder, identity, "search")
        path = folder / "study.mark"
        if not path.is_file():
            write_text(path, secrets.token_hex(16))
        return path.read_text(encoding="utf-8")


def _best(study: Study) -> int:
    """The number of the best trial.

    Raises:
        TrainError: every trial failed.
        Interrupted: none has ended yet.
    """
    order, over = study.ranked(), study.finished()
    if order:
        return order[0].number
    if over and len(over) == len(study.rows()):
        why = next((row.user_attrs["why"] for row in over if "why" in row.user_attrs), "all were given up")
        raise TrainError(f"none of {len(over)} trials ran to its end; the first: {why}")
    raise Interrupted("the time was over before any trial had ended; the same command goes on")
