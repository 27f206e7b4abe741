"""A search and a sweep of an agent: its own space, its validations for the pruner, its best trial's own checkpoint."""

import json
import signal
import subprocess
import sys
import time
from itertools import chain

import pytest
import yaml

import edgeproof as ep
from edgeproof.core.container import read_container
from edgeproof.core.identity import sha_named
from edgeproof.core.progress import silent
from edgeproof.data.store import open_market
from edgeproof.ledger.store import Ledger
from edgeproof.recipe import attempt
from edgeproof.recipe.attempt import Bench, score
from edgeproof.recipe.config import load_run_config
from edgeproof.recipe.prepare import open_bars
from edgeproof.recipe.tune import tune
from edgeproof.recipe.vary import search_space
from edgeproof.search.storage import open_storage
from edgeproof.search.study import Plan, open_study, work
from edgeproof.train.bundle import read_bundle
from edgeproof.train.keep import arrays_of
from tests.story.test_tune import BrokenOff, sealed_moved

TRIALS, MANY = 3, 13
FEW = 3 * 128 * 16  # steps: three updates
TEN = 10 * 128 * 16
STATES = ("complete", "pruned", "failed")
AGENT = {
    "name": "ppo",
    "net": {"actor": [8], "critic": [8]},
    "total_steps": 8 * 128 * 16,
    "accounts": 128,
    "steps": 16,
    "epochs": 2,
    "minibatch": 1024,
    "save_seconds": 0,
}
SPACE = {"agent.lr": {"low": 1e-5, "high": 1e-1, "log": True}, "agent.gamma": {"low": 0.8, "high": 0.99}}
BODY = {
    "features": ["close_location", "body_share"],
    "window": 4,
    "agent": AGENT,
    "environment": {"episode_bars": 64, "reward": {"name": "log_growth", "scale": 100}},
    "costs": {"commission_bps": 4.0, "half_spread_bps": 1.0},
    "split": {"name": "holdout", "train": 0.75, "validation": 0.05, "sealed": 0.2},
    "gates": {"profile": "none"},
    "tune": {"only": True, "space": SPACE, "sampler": "random", "trials": TRIALS, "seeds": 1},
}


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    place = tmp_path_factory.mktemp("market") / "m"
    return ep.make_market("linear", place, symbols=4, bars=2000, seed=5, strength=0.3).path


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("tuned")


@pytest.fixture(scope="module")
def tuned(market, place):
    """A search that nothing disturbed."""
    return tune(BODY, market, out=place / "search", workspace=place, write=silent)


def fewer(trials, **more):
    return {**BODY, "tune": {**BODY["tune"], "trials": trials, "seeds": 0, **more}}


def known(body):
    return [{key: value for key, value in trial.items() if key != "seconds"} for trial in body["trials"]]


def test_every_trial_is_counted_with_its_returns(tuned, place):
    body, rows = tuned.body, Ledger(place).rows()
    assert (body["objective"], body["direction"], body["model"]) == ("net_growth", "maximize", "ppo")
    trained = [row.body["trial"] for row in rows if row.kind == "training"]
    assert len(trained) == len(set(trained)) == TRIALS + 1  # the further seed, too
    tried = {row.body["parent"] for row in rows if row.kind == "trial"}
    assert {trial["trial"] for trial in body["trials"]} <= set(trained) & tried
    assert tuned.run.verdict["trials"] == len(tried) == TRIALS + 1


def test_the_best_trial_is_promoted_as_it_was_trained(tuned, place):
    best = tuned.body["trials"][tuned.body["best"]["number"]]
    assert best["value"] == max(trial["value"] for trial in tuned.body["trials"] if trial["value"] is not None)
    bundle = read_bundle(place / "search" / "best" / "bundle")
    assert sha_named(arrays_of(bundle.model)) == best["weights"]
    assert bundle.lineage["origin"] == {"study": "search", "number": best["number"]}
    assert bundle.config["agent"]["lr"] == best["params"]["agent.lr"]
    history = tuned.run.history
    assert history.filter("best")["validation_score"].item() == best["value"]
    assert tuned.run.verdict["net"]["sharpe"] == pytest.approx(best["figures"]["sharpe"])


@pytest.mark.slow
def test_what_is_worse_than_half_of_the_others_is_given_up_and_counts(tuned, market, tmp_path):
    body = {**BODY, "tune": {**BODY["tune"], "trials": MANY}}
    done = tune(body, market, out=tmp_path / "search", workspace=tmp_path, write=silent)
    assert known(done.body)[:TRIALS] == known(tuned.body)
    by_state = {state: [trial for trial in done.body["trials"] if trial["state"] == state] for state in STATES}
    for trial in by_state["complete"]:
        assert list(trial["intermediate"]) == [str(number) for number in range(1, 9)]
        assert max(trial["intermediate"].values()) == trial["value"]
    assert len(by_state["pruned"]) >= 1
    assert all(len(trial["intermediate"]) > 5 and trial["number"] >= 10 for trial in by_state["pruned"])
    trained = {row.body["trial"] for row in Ledger(tmp_path).rows("training")}
    tried = {row.body["parent"] for row in Ledger(tmp_path).rows("trial")}
    assert {trial["trial"] for trial in by_state["pruned"]} <= trained - tried  # on record, with no returns
    assert done.run.verdict["trials"] == len(tried) + len(by_state["pruned"])


@pytest.mark.slow
def test_killed_and_resumed_equals_undisturbed(tuned, market, place, tmp_path):
    """SIGKILL within a trial and within the promotion of the best one."""
    (tmp_path / "agent.yaml").write_text(yaml.safe_dump(BODY))
    out = tmp_path / "search"
    words = ["tune", tmp_path / "agent.yaml", "--market", market, "--out", out, "--workspace", tmp_path, "--exit-zero"]
    for mark in ("trials/0001/checkpoints/last.safetensors", "best/run.json"):
        process = subprocess.Popen([sys.executable, "-m", "edgeproof", *map(str, words)], stderr=subprocess.DEVNULL)
        while process.poll() is None and not (out / mark).exists():
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "the search ended before it could be killed"
    done = tune(BODY, market, out=out, workspace=tmp_path, write=silent)
    assert known(done.body) == known(tuned.body)
    assert done.body["seeds"]["values"] == tuned.body["seeds"]["values"]
    weights = "bundle/weights.safetensors"
    assert (done.run.folder / weights).read_bytes() == (tuned.run.folder / weights).read_bytes()
    assert done.run.verdict["trials"] == tuned.run.verdict["trials"]


def test_its_page_says_growth_and_validations(tuned, place):
    page = (place / "search" / "report.html").read_text()
    assert "net growth in bps a bar" in page
    assert "at each validation" in page
    assert "gamma" in page


def test_the_same_command_again_adds_nothing(tuned, market, place):
    rows = len(Ledger(place).rows())
    again = tune(BODY, market, out=place / "search", workspace=place, write=silent)
    assert known(again.body) == known(tuned.body)
    assert len(Ledger(place).rows()) == rows


def test_broken_off_within_a_trial_it_goes_on_as_if_undisturbed(tuned, market, tmp_path, monkeypatch):
    def broken(trial, row, scored, tell=attempt._tell):
        tell(trial, row, scored)
        if (trial.number, row["epoch"]) == (1, 3):
            raise BrokenOff

    with monkeypatch.context() as patch, pytest.raises(BrokenOff):
        patch.setattr(attempt, "_tell", broken)
        tune(fewer(2), market, out=tmp_path / "search", workspace=tmp_path, write=silent)
    last = tmp_path / "search" / "trials" / "0001" / "checkpoints" / "last.safetensors"
    assert read_container(last)[1]["standing"]["update"] == 3
    done = tune(fewer(2), market, out=tmp_path / "search", workspace=tmp_path, write=silent)
    assert known(done.body) == known(tuned.body)[:2]


def test_other_sealed_bars_make_the_same_trial(tuned, market, tmp_path):
    other = open_market(sealed_moved(market, tmp_path / "market"))
    config, ledger = load_run_config(BODY), Ledger(tmp_path)
    bench = Bench(config, other, open_bars(config, other, ledger), ledger)
    plan = Plan("search", "maximize", search_space(config), "random", "median", config.seed, "mark")
    study = open_study(plan, open_storage("memory", tmp_path), tmp_path)
    work(study, lambda trial: score(bench, trial), trials=1)
    assert [row.value for row in study.rows()] == [tuned.body["trials"][0]["value"]]


def test_the_value_of_a_population_is_that_of_its_best_member_and_folds_are_averaged(market, tmp_path):
    body = fewer(1, objective="net_sharpe") | {
        "combine": {"name": "multi_start", "seeds": 2},
        "split": {"name": "walk_forward", "train": 900, "validation": 100, "test": 100, "step": 300},
        "agent": {**AGENT, "total_steps": FEW},
    }
    done = tune(body, market, out=tmp_path / "search", workspace=tmp_path, write=silent)
    (trial,) = done.body["trials"]
    assert trial["value"] == trial["figures"]["sharpe"]
    folds = sorted((tmp_path / "search" / "trials" / "0000" / "checkpoints").glob("fold-*"))
    assert len(folds) > 1
    histories = [read_container(fold / "last.safetensors")[1]["standing"]["history"] for fold in folds]
    best = [max(chain(*(row["validation.score"] for row in rows))) for rows in histories]
    assert trial["figures"]["net_growth"] == pytest.approx(sum(best) / len(best))
    first = [max(row["validation.sharpe"]) for row in histories[0]]
    assert list(trial["intermediate"].values()) == first  # the pruner hears the first fold


def test_a_trial_whose_episodes_do_not_fit_its_bars_fails_alone(market, tmp_path):
    body = fewer(3) | {"agent": {**AGENT, "total_steps": FEW}}
    space = ["environment.episode_bars={64,1500}"]
    done = tune(body, market, out=tmp_path / "search", workspace=tmp_path, space=space, write=silent)
    said = {trial["params"]["environment.episode_bars"]: trial.get("why", "") for trial in done.body["trials"]}
    assert said[64] == ""
    assert "an episode of 1500 steps" in said[1500]
    assert done.body["counts"]["failed"] >= 1


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "agent.yaml"
    path.write_text(yaml.safe_dump({key: value for key, value in BODY.items() if key != "tune"}))
    return path


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--objective", "log_loss"], ["log_loss", "agent ppo", "net_growth or net_sharpe"]),
        (["--space", "train.lr=1e-4:1e-2"], ["unknown key 'train.lr'", "agent.lr"]),
        (["--space", "agent.gama=0.9:0.99"], ["unknown key 'agent.gama'", "agent.gamma"]),
        (["--space", "agent.lr=-1:1"], ["agent.lr", "greater than 0"]),
        (["--space", "costs.commission_bps=0:5"], ["costs", "no choice of a search"]),
        (["--model", "mlp", "--agent", "ppo"], ["--model and --agent"]),
        (["--agent", "pp"], ["unknown agent 'pp'", "ppo"]),
        (["gates.profile=full"], ["gates.profile"]),
        (["environment.episode_bars=90000"], ["an episode of 90000 steps"]),
    ],
)
def test_mistakes_end_in_one_line(edgeproof, market, config, tmp_path, more, words):
    call = ("tune", config, "--market", market, "--out", tmp_path / "search", "--workspace", tmp_path)
    answer = edgeproof(*call, *more)
    assert answer.status == 2, answer.err
    (line,) = [line for line in answer.err.splitlines() if line.startswith("error: ")]
    assert all(word in line for word in words), line
    assert not (tmp_path / "search").exists()


def test_growth_is_no_objective_of_a_model(edgeproof, market):
    answer = edgeproof("tune", "--model", "logistic", "--market", market, "--objective", "net_growth")
    assert answer.status == 2
    assert "search for net_sharpe" in answer.err


def test_a_quick_start_takes_the_template(edgeproof, market, tmp_path):
    body = {**AGENT, "total_steps": FEW}
    small = [f"agent.{key}={value}" for key, value in body.items() if not isinstance(value, dict | str)]
    nets = ["agent.net.actor=[8]", "agent.net.critic=[8]"]
    more = ["features=[close_location]", "window=4", "environment.episode_bars=64", "gates.profile=none"]
    call = ("tune", "--agent", "ppo", *small, *nets, *more, "--trials", 1, "--seeds", 0, "--study", "mine", "--json")
    answer = edgeproof(*call, "--market", market, "--out", tmp_path / "search", "--workspace", tmp_path, "--exit-zero")
    assert answer.status == 0, answer.err
    body = json.loads(answer.out)
    assert body["name"] == "mine"
    varied = {"agent.lr", "agent.gamma", "agent.gae_lambda", "agent.clip", "agent.entropy"}
    assert set(body["space"]) == varied  # a batch larger than the rollout would be the rollout


def test_a_sweep_finds_a_rate_of_an_agent_and_counts_its_points(edgeproof, market, config, tmp_path):
    call = ("sweep", config, "--market", market, "--out", tmp_path / "sweep", "--workspace", tmp_path, "--points", 3)
    few = edgeproof(*call, "--steps", 10)
    assert (few.status, few.err.count("\n"), f"write --steps {TEN} or more" in few.err) == (2, 1, True)
    assert not (tmp_path / "sweep").exists()
    answer = edgeproof(*call, "--steps", TEN)
    assert answer.status == 0, answer.err
    assert "Suggested: agent.lr=" in answer.out
    body = json.loads((tmp_path / "sweep" / "sweep.json").read_text())
    assert (body["key"], body["metric"], body["nothing"], body["steps"]) == ("agent.lr", "net_growth", 0.0, TEN)
    assert [point["rate"] for point in body["points"]] == pytest.approx([1e-5, 1e-3, 1e-1])
    assert body["best"] == max(body["points"], key=lambda point: point["value"])["rate"]
    trained = {row.body["trial"] for row in Ledger(tmp_path).rows("training")}
    assert trained == {point["trial"] for point in body["points"]}
    assert "agent.lr" in (tmp_path / "sweep" / "report.html").read_text()

    (tmp_path / "sweep" / "points" / "001.json").unlink()  # as if it had been killed there
    again = edgeproof(*call, "--steps", TEN, "--json")
    assert json.loads(again.out) == body
    assert edgeproof("report", tmp_path / "sweep", "--out", tmp_path / "again.html").status == 0

    for words, said in ((("--epochs", 2), "has steps"), (("--steps", 0), "--steps 0")):
        refused = edgeproof(*call, *words)
        assert (refused.status, refused.err.count("\n")) == (2, 1)
        assert said in refused.err
