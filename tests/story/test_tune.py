"""A search on a market: what it counts, what it promotes, how it goes on, and what it never reads."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from edgeproof.core.container import read_container
from edgeproof.core.errors import DataError
from edgeproof.core.identity import sha_named
from edgeproof.core.progress import silent
from edgeproof.data.store import open_market, write_market
from edgeproof.ledger.store import Ledger
from edgeproof.recipe import attempt
from edgeproof.recipe.attempt import Bench, score
from edgeproof.recipe.config import load_run_config
from edgeproof.recipe.prepare import open_bars
from edgeproof.recipe.templates import template_body
from edgeproof.recipe.tune import Means, tune
from edgeproof.recipe.vary import search_space
from edgeproof.search.storage import JOURNAL, open_storage
from edgeproof.search.study import Plan, open_study, work
from edgeproof.train.bundle import read_bundle
from edgeproof.train.keep import arrays_of
from tests.story.calls import command, kill_when, says
from tests.story.postgres import SECRET, database

TRIALS = 14
BODY = template_body("logistic_baseline")
BODY["train"] |= {"epochs": 8}
BODY["tune"] = {
    "only": True,
    "space": {"train.lr": {"low": 1e-6, "high": 1e-1, "log": True}, "train.weight_decay": [0.0, 1e-4]},
    "sampler": "random",
    "trials": TRIALS,
    "seeds": 2,
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("tuned")


@pytest.fixture(scope="module")
def tuned(tiny_market, place):
    """A search that nothing disturbed."""
    return tune(BODY, tiny_market, out=place / "search", workspace=place, write=silent)


COMMON = ("number", "state", "value", "params", "weights", "best_epoch")


def known(body):
    """What two equal searches have in common: everything but time."""
    return [{key: value for key, value in trial.items() if key != "seconds"} for trial in body["trials"]]


def test_every_trial_is_told_and_counted(tuned, place):
    body, rows = tuned.body, Ledger(place).rows()
    assert json.loads((place / "search" / "study.json").read_text()) == body
    assert len(body["trials"]) == sum(body["counts"].values()) == TRIALS
    assert body["counts"]["pruned"] >= 1
    trained = [row.body["trial"] for row in rows if row.kind == "training"]
    assert len(trained) == len(set(trained)) == TRIALS + 2  # the further seeds, too
    assert {trial["trial"] for trial in body["trials"]} <= set(trained)
    tried = {row.body["parent"] for row in rows if row.kind == "trial"}
    for trial in body["trials"]:
        assert (trial["trial"] in tried) == (trial["state"] == "complete")  # thresholds with their returns
    thresholds = sum(row.kind == "trial" for row in rows)
    assert tuned.run.verdict["trials"] == thresholds + body["counts"]["pruned"]
    assert body["deflated"]["trials"] == tuned.run.verdict["trials"]


def test_the_best_trials_own_checkpoint_is_promoted(tuned, place):
    best = tuned.body["trials"][tuned.body["best"]["number"]]
    assert best["value"] == min(trial["value"] for trial in tuned.body["trials"] if trial["value"] is not None)
    bundle = read_bundle(place / "search" / "best" / "bundle")
    assert sha_named(arrays_of(bundle.model)) == best["weights"]
    checkpoints = place / "search" / "trials" / f"{best['number']:04d}" / "checkpoints"
    (file,) = checkpoints.glob(f"epoch-{best['best_epoch']:04d}_*")
    assert sha_named(read_container(file)[0]) == best["weights"]
    assert bundle.lineage["origin"] == {"study": "search", "number": best["number"]}
    assert bundle.config["train"]["lr"] == best["params"]["train.lr"]
    assert bundle.config["tune"]["space"] == {}


def test_the_winners_seed_stands_beside_its_lead(tuned):
    seeds, best = tuned.body["seeds"], tuned.body["best"]
    assert seeds["values"][0] == best["value"]
    assert len({row["trial"] for row in seeds["trained"]}) == 2
    assert seeds["sd"] == pytest.approx(np.std(seeds["values"], ddof=1))
    values = sorted(trial["value"] for trial in tuned.body["trials"] if trial["value"] is not None)
    assert seeds["margin"] == pytest.approx(values[1] - values[0])
    assert any("runner-up" in line for line in tuned.lines())


def test_only_the_best_keep_their_checkpoints(tuned, place):
    kept = {path.parent.name for path in (place / "search" / "trials").glob("*/checkpoints")}
    done = sorted((t for t in tuned.body["trials"] if t["value"] is not None), key=lambda t: t["value"])
    assert kept == {f"{trial['number']:04d}" for trial in done[:3]}


def test_the_same_command_again_adds_nothing(tuned, tiny_market, place):
    rows = len(Ledger(place).rows())
    again = tune(BODY, tiny_market, out=place / "search", workspace=place, write=silent)
    assert known(again.body) == known(tuned.body)
    assert len(Ledger(place).rows()) == rows


@pytest.fixture(params=["journal", "postgres"])
def storage(request) -> Iterator[str | None]:
    """Where a search is kept: its own journal, or a database of PostgreSQL."""
    with nullcontext() if request.param == "journal" else database() as url:
        yield url


def kept_in(storage: str | None) -> list[str]:
    return [] if storage is None else ["--storage", storage]


class BrokenOff(BaseException):
    """Stands for a kill: nothing that a trial could fail with."""


def test_broken_off_within_a_trial_it_goes_on_as_if_undisturbed(tuned, tiny_market, tmp_path, monkeypatch):
    """The first trials of a longer search, trial by trial."""
    small = {**BODY, "tune": {**BODY["tune"], "trials": 3, "seeds": 0}}

    def broken(attempt, row, goal, tell=attempt._tell):
        tell(attempt, row, goal)
        if (attempt.number, row["epoch"]) == (1, 3):
            raise BrokenOff

    with monkeypatch.context() as patch, pytest.raises(BrokenOff):
        patch.setattr(attempt, "_tell", broken)
        tune(small, tiny_market, out=tmp_path / "search", workspace=tmp_path, write=silent)
    assert not (tmp_path / "search" / "study.json").exists()
    done = tune(small, tiny_market, out=tmp_path / "search", workspace=tmp_path, write=silent)
    for found, whole in zip(known(done.body), known(tuned.body)[:3], strict=True):
        assert {key: found[key] for key in COMMON} == {key: whole[key] for key in COMMON}


@pytest.mark.slow
def test_killed_and_resumed_equals_undisturbed(tuned, tiny_market, tmp_path, storage):
    config, out, log = tmp_path / "config.yaml", tmp_path / "search", tmp_path / "log"
    config.write_text(yaml.safe_dump(BODY))
    words = command("tune", config, tiny_market, out, *kept_in(storage))
    assert kill_when(words, says(log, "trial 6/14"), log) == -signal.SIGKILL, "it ended before it could be killed"
    done = tune(BODY, tiny_market, out=out, workspace=tmp_path, means=Means(storage=storage), write=silent)
    assert known(done.body) == known(tuned.body)
    assert done.body["seeds"]["values"] == tuned.body["seeds"]["values"]
    weights = "bundle/weights.safetensors"
    assert (done.run.folder / weights).read_bytes() == (tuned.run.folder / weights).read_bytes()
    assert done.run.verdict["trials"] == tuned.run.verdict["trials"]


@pytest.mark.slow
def test_two_processes_and_a_worker_share_one_study(tiny_market, tmp_path, storage):
    config, out = tmp_path / "config.yaml", tmp_path / "search"
    config.write_text(yaml.safe_dump(BODY))
    environment = {**os.environ, "EDGEPROOF_THREADS": "1"}
    words = command("tune", config, tiny_market, out, *kept_in(storage))
    calls = [[*words, "--workers", str(workers)] for workers in (1, 2)]
    processes = [subprocess.Popen(call, env=environment, stdout=subprocess.DEVNULL) for call in calls]
    assert [process.wait() for process in processes] == [0, 0]
    body = json.loads((out / "study.json").read_text())
    assert sorted(trial["number"] for trial in body["trials"]) == list(range(TRIALS))
    assert body["counts"].get("running") is None
    trained = [row.body["trial"] for row in Ledger(tmp_path).rows("training")]
    assert len(trained) == len(set(trained)) == TRIALS + 2
    assert (out / "best" / "verdict.json").is_file()
    if storage is not None:
        assert not any(SECRET in path.read_text(errors="ignore") for path in out.rglob("*") if path.is_file())
        assert not (out / JOURNAL).exists()


def test_more_trials_may_find_another_winner_and_the_earlier_one_is_put_aside(tiny_market, tmp_path):
    small = {**BODY, "tune": {**BODY["tune"], "trials": 1, "seeds": 0}, "tracking": "jsonl"}
    first = tune(small, tiny_market, out=tmp_path / "search", workspace=tmp_path, write=silent)
    assert first.body["best"]["number"] == 0
    assert first.body["seeds"]["sd"] is None
    more = tune(
        small, tiny_market, out=tmp_path / "search", workspace=tmp_path, overrides=["tune.trials=4"], write=silent
    )
    assert more.body["best"]["number"] > 0
    aside = list((tmp_path / "search" / "earlier").iterdir())
    assert [path.name for path in aside] == ["0000-0"]
    assert (aside[0] / "bundle" / "bundle.json").is_file()
    study = told_to_tracker(tmp_path / "search")
    for number in range(4):  # each below its study
        trial = told_to_tracker(tmp_path / "search" / "trials" / f"{number:04d}")
        assert f'"trial_number":"{number}"' in trial
        assert '"study":"search"' in trial
        assert '"parent_run"' in trial
        assert '"log_loss"' in trial
    assert '"best_value"' in study


def told_to_tracker(folder: Path) -> str:
    (lines,) = (folder / "tracking").glob("*.jsonl")
    return lines.read_text().replace(": ", ":")


def sealed_moved(market: Path, out: Path) -> Path:
    """The same market, but that the bars of its last fifth are others."""
    opened = open_market(market)
    bars = []
    for symbol in opened.symbols:
        whole = opened.all_bars(symbol)
        ohlcv = whole.ohlcv.copy()
        ohlcv[whole.close_time > opened.manifest.apart_ns] *= 1.7
        bars.append(replace(whole, ohlcv=ohlcv))
    facts = opened.manifest
    write_market(out, bars, interval_ns=facts.interval_ns, calendar=facts.calendar, universe=facts.universe)
    return out


def values_on(path: Path, workspace: Path, *, seal_gone: bool = False) -> list[float | None]:
    """The first four trials of the search on a market."""
    config, market, ledger = load_run_config(BODY), open_market(path), Ledger(workspace)
    bench = Bench(config, market, open_bars(config, market, ledger), ledger)
    if seal_gone:
        shutil.rmtree(path / "sealed")
        with pytest.raises(DataError):
            market.all_bars(market.symbols[0])
    plan = Plan("search", "minimize", search_space(config), "random", "median", config.seed, "mark")
    study = open_study(plan, open_storage("memory", workspace), workspace)
    work(study, lambda attempt: score(bench, attempt), trials=4)
    return [row.value for row in study.rows()]


def test_other_sealed_bars_make_the_same_trials(tuned, tiny_market, tmp_path):
    found = values_on(sealed_moved(tiny_market, tmp_path / "market"), tmp_path)
    assert found == [trial["value"] for trial in tuned.body["trials"][:4]]


def test_trials_are_made_where_the_sealed_files_are_gone(tuned, tiny_market, tmp_path):
    """From when the span is open a search asks for nothing behind it."""
    shutil.copytree(tiny_market, tmp_path / "market")
    found = values_on(tmp_path / "market", tmp_path, seal_gone=True)
    assert found == [trial["value"] for trial in tuned.body["trials"][:4]]


def test_money_as_objective_and_a_window_that_varies(tiny_market, tmp_path):
    body = {**BODY, "tune": {"only": True, "objective": "net_sharpe", "trials": 3, "seeds": 0}}
    space = ["window={6,12}", "label.horizon_bars={1,2}"]
    done = tune(body, tiny_market, out=tmp_path / "search", workspace=tmp_path, space=space, write=silent)
    assert done.body["direction"] == "maximize"
    for trial in done.body["trials"]:
        assert trial["value"] == trial["figures"]["sharpe"]
    assert done.body["deflated"]["by_luck"] == done.body["deflated"]["expected_maximum_sharpe"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--space", "train.lrr=1e-4:1e-2"], ["unknown key 'train.lrr'", "train.lr"]),
        (["--space", "train.lr=1e-2:1e-4"], ["train.lr", "not below"]),
        (["--space", "train.lr=1e-2"], ["train.lr", "low:high"]),
        (["--space", "train.lr=-1:1"], ["train.lr", "greater than 0"]),
        (["--space", "model.hidden={[64]}"], ["model.hidden", "unknown key"]),
        (["--space", "costs.commission_bps=0:5"], ["costs", "no choice of a search"]),
        (["--space", "label.horizon_bars=1:5"], ["label.horizon_bars", "net_sharpe"]),
        (["--only"], ["nothing to vary"]),
        (["--storage", "nonsense"], ["--storage", "cannot be opened"]),
        (["--storage", "memory", "--workers", "2"], ["--workers", "memory"]),
        (["--workers", "0"], ["--workers"]),
        (["--timeout", "0"], ["--timeout"]),
        (["--sampler", "grid"], ["tune.sampler", "tpe"]),
        (["--trials", "0"], ["tune.trials"]),
        (["--objective", "profit"], ["tune.objective", "net_sharpe"]),
        (["--model", "mpl"], ["unknown model 'mpl'", "mlp"]),
    ],
)
def test_mistakes_end_in_one_line_and_nothing_is_written(edgeproof, tiny_market, tmp_path, more, words):
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(template_body("logistic_baseline")))
    call = ("tune", config, "--market", tiny_market, "--out", tmp_path / "search", "--workspace", tmp_path)
    answer = edgeproof(*call, *more)
    assert answer.status == 2, answer.err
    (line,) = [line for line in answer.err.splitlines() if line.startswith("error: ")]
    assert all(word in line for word in words), line
    assert not (tmp_path / "search").exists()
    assert not (tmp_path / ".edgeproof").exists()


def test_a_folder_of_another_search_is_refused(tuned, tiny_market, place, edgeproof):
    config = place / "config.yaml"
    config.write_text(yaml.safe_dump(BODY))
    call = ("tune", config, "--market", tiny_market, "--workspace", place, "--out")
    answer = edgeproof(*call, place / "search", "train.epochs=3")
    assert answer.status == 2
    assert "holds a search of another config" in answer.err
    assert edgeproof(*call, place).status == 2
    assert edgeproof("tune", "--market", tiny_market).status == 2  # neither config nor model


def test_the_time_is_over_before_any_trial(tiny_market, tmp_path, edgeproof):
    call = ("tune", "--model", "logistic", "--market", tiny_market, "--out", tmp_path / "s", "--workspace", tmp_path)
    answer = edgeproof(*call, "--timeout", "1e-6", "--exit-zero")
    assert answer.status == 3
    assert "the same command goes on" in answer.err
    done = edgeproof(*call, "--trials", 2, "--seeds", 0, "--json")
    assert done.status == 1
    assert len(json.loads(done.out)["trials"]) == 2
