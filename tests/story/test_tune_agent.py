"""A search and a sweep of an agent: its own space, its validations for the pruner, its best trial's own checkpoint."""

import json
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

TRIALS = 13
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


def test_every_trial_is_counted_and_those_that_ended_have_returns(tuned, place):
    body, rows = tuned.body, Ledger(place).rows()
    assert (body["objective"], body["direction"], body["model"]) == ("net_growth", "maximize", "ppo")
    assert body["counts"]["pruned"] >= 1
    trained = [row.body["trial"] for row in rows if row.kind == "training"]
    assert len(trained) == len(set(trained)) == TRIALS + 1  # the further seed, too
    assert {trial["trial"] for trial in body["trials"]} <= set(trained)
    tried = {row.body["parent"] for row in rows if row.kind == "trial"}
    for trial in body["trials"]:
        assert (trial["trial"] in tried) == (trial["state"] == "complete")
    assert tuned.run.verdict["trials"] == len(tried) + body["counts"]["pruned"]


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


def test_what_the_pruner_heard_is_every_validation(tuned):
    whole = [trial for trial in tuned.body["trials"] if trial["state"] == "complete"]
    assert all(list(trial["intermediate"]) == [str(number) for number in range(1, 9)] for trial in whole)
    assert all(max(trial["intermediate"].values()) == trial["value"] for trial in whole)
    cut = [trial for trial in tuned.body["trials"] if trial["state"] == "pruned"]
    assert all(5 < len(trial["intermediate"]) <= 8 and trial["number"] >= 10 for trial in cut)


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


def test_other_sealed_bars_make_the_same_trials(tuned, market, tmp_path):
    other = open_market(sealed_moved(market, tmp_path / "market"))
    config, ledger = load_run_config(BODY), Ledger(tmp_path)
    bench = Bench(config, other, open_bars(config, other, ledger), ledger)
    plan = Plan("search", "maximize", search_space(config), "random", "median", config.seed, "mark")
    study = open_study(plan, open_storage("memory", tmp_path), tmp_path)
    work(study, lambda trial: score(bench, trial), trials=2)
    assert [row.value for row in study.rows()] == [trial["value"] for trial in tuned.body["trials"][:2]]


def test_the_value_of_a_population_is_that_of_its_best_member_and_folds_are_averaged(market, tmp_path):
    body = fewer(1, objective="net_sharpe") | {
        "combine": {"name": "multi_start", "seeds": 2},
        "split": {"name": "walk_forward", "train": 600, "validation": 250, "test": 150, "step": 300},
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
    body, space = fewer(3), ["environment.episode_bars={64,1500}"]
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
    small = [f"agent.{key}={value}" for key, value in AGENT.items() if not isinstance(value, dict | str)]
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
    answer = edgeproof(*call, "--steps", 8192)
    assert answer.status == 0, answer.err
    assert "Suggested: agent.lr=" in answer.out
    body = json.loads((tmp_path / "sweep" / "sweep.json").read_text())
    assert (body["key"], body["metric"], body["nothing"], body["steps"]) == ("agent.lr", "net_growth", 0.0, 8192)
    assert [point["rate"] for point in body["points"]] == pytest.approx([1e-5, 1e-3, 1e-1])
    assert body["best"] == max(body["points"], key=lambda point: point["value"])["rate"]
    trained = {row.body["trial"] for row in Ledger(tmp_path).rows("training")}
    assert trained == {point["trial"] for point in body["points"]}
    assert "agent.lr" in (tmp_path / "sweep" / "report.html").read_text()

    (tmp_path / "sweep" / "points" / "001.json").unlink()  # as if it had been killed there
    again = edgeproof(*call, "--steps", 8192, "--json")
    assert json.loads(again.out) == body
    assert edgeproof("report", tmp_path / "sweep", "--out", tmp_path / "again.html").status == 0

    for words, said in ((("--epochs", 2), "has steps"), (("--steps", 0), "--steps 0")):
        refused = edgeproof(*call, *words)
        assert (refused.status, refused.err.count("\n")) == (2, 1)
        assert said in refused.err
