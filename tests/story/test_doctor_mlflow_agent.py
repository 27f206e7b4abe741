"""Agents' runs at MLflow, our own and anyone's PPO, are diagnosed as a run's folder is."""

import json
import math
import shutil

import pytest

import edgeproof as ep
from edgeproof.core.errors import EdgeproofError
from edgeproof.core.progress import silent
from edgeproof.recipe.templates import template_body
from edgeproof.rl.learning import learner
from tests.story.test_doctor_agent import QUIET, SMALL
from tests.story.test_doctor_mlflow import asked, first, logged
from tests.story.tracking_server import Server, server

__all__ = ["server"]


@pytest.fixture
def store(migrated, tmp_path) -> str:
    shutil.copy(migrated, tmp_path / "theirs.db")
    return f"sqlite:///{tmp_path / 'theirs.db'}"


def tracked(market, place, uri, *more) -> str:
    """A small run of ours, and its id at MLflow."""
    overrides = [*SMALL, QUIET, "agent.steps=16", "agent.total_steps=8192", f"tracking={{name: mlflow, uri: '{uri}'}}"]
    body = template_body("rl_training")
    ep.run(body, market, out=place / "run", workspace=place, overrides=[*overrides, *more], write=silent, beside=False)
    return json.loads((place / "run" / "tracking" / "mlflow.json").read_text())["run_id"]


def named(body):
    """What was found, where, and why, without the commands."""
    return [
        (one["check"], one["claim"], [(cause["name"], cause["because"]) for cause in one["evidence"]["causes"]])
        for one in body["findings"]
    ]


def test_our_own_run_says_what_its_folder_says(edgeproof, tiny_market, tmp_path, store):
    run_id = tracked(tiny_market, tmp_path, store, "agent.lr=1.0", "combine={name: multi_start, seeds: 2}")
    folder = json.loads(edgeproof("doctor", tmp_path / "run", "--json").out)
    body = asked(edgeproof, run_id, store)
    assert body["epochs"] == folder["epochs"] == 16
    assert named(body) == named(folder)
    kl = [one for one in body["findings"] if one["check"] == "doctor.kl"]
    assert [one["where"] for one in kl] == ["training 1/2", "training 2/2"]
    cause = kl[0]["evidence"]["causes"][0]
    assert cause["name"] == "learning rate too high"
    assert cause["command"].startswith("edgeproof rl train CONFIG agent.lr=0.0003 agent.target_kl=0.02 --track")


@pytest.mark.parametrize("after", [0, 3])
def test_our_own_run_that_broke_says_where(edgeproof, tiny_market, tmp_path, store, monkeypatch, after):
    """After as many updates; those before the first have no figures at all."""
    right, asked_for = learner.gae, []

    def breaks(*args, **more):
        asked_for.append(0)
        found = right(*args, **more)
        return found / 0.0 if len(asked_for) > after else found

    with monkeypatch.context() as patch, pytest.raises(EdgeproofError, match="not finite"):
        patch.setattr(learner, "gae", breaks)
        tracked(tiny_market, tmp_path, store)
    run_id = json.loads((tmp_path / "run" / "tracking" / "mlflow.json").read_text())["run_id"]
    folder = json.loads(edgeproof("doctor", tmp_path / "run", "--json").out)
    body = asked(edgeproof, run_id, store)
    (there,), (here,) = named(body), named(folder)
    assert there[:2] == here[:2] == ("doctor.not_finite", f"the loss became infinite or NaN in update {after + 1}")
    assert there[2][: len(here[2])] == here[2]  # how large rewards were is known only where an update was finished


@pytest.mark.slow
def test_our_own_run_on_a_real_server_says_what_its_folder_says(edgeproof, tiny_market, tmp_path, server: Server):
    run_id = tracked(tiny_market, tmp_path, server.uri, "agent.lr=1.0")
    folder = json.loads(edgeproof("doctor", tmp_path / "run", "--json").out)
    body = asked(edgeproof, run_id, server.uri)
    assert named(body) == named(folder)
    assert "doctor.kl" in [one["check"] for one in body["findings"]]
    assert [one["where"] for one in body["findings"]] == [""] * len(body["findings"])


UPDATES = 16


def by_sb3(uri, *, rate=3e-4, kl=0.01, broken_at=0, names=("rollout/ep_rew_mean", "train/approx_kl"), ends=True) -> str:
    """The table that Stable-Baselines3's logger writes, at the environment's steps."""
    params = {"learning_rate": rate, "n_steps": 2048, "n_envs": 8, "batch_size": 64, "n_epochs": 10, "ent_coef": 0.0}
    with logged(uri, {**params, "total_timesteps": UPDATES * 16384}, ends=ends) as (run_id, log):
        for update in range(1, UPDATES + 1):
            row = {
                names[0]: 20.0 + 10.0 * update,
                names[1]: kl,
                "train/entropy_loss": -0.68 + 0.01 * update,
                "train/clip_fraction": 0.1,
                "train/explained_variance": 0.5,
                "train/value_loss": math.nan if update == broken_at else 0.5,
            }
            log(row, update * 16384)
    return run_id


def test_anyones_ppo_is_read_under_its_own_names(edgeproof, store):
    body = asked(edgeproof, by_sb3(store, rate=0.02, kl=0.6), store)
    assert body["epochs"] == UPDATES
    cause = first(body, "doctor.kl")
    assert cause["name"] == "learning rate too high"
    assert cause["command"].startswith("set learning_rate=0.0003 (was 0.02), the KL that ends an update: 0.02 in ")
    sound = asked(edgeproof, by_sb3(store), store)
    assert [one["check"] for one in sound["findings"]] == ["doctor.undertrained"]  # 262,144 steps
    assert "total_timesteps=2000000 (was 262144)" in first(sound, "doctor.undertrained")["command"]
    assert asked(edgeproof, by_sb3(store, ends=False), store)["findings"] == []


def test_a_figure_that_became_no_number_is_named_with_its_update(edgeproof, store):
    body = asked(edgeproof, by_sb3(store, broken_at=9), store)
    (found,) = body["findings"]
    assert found["claim"] == "the value loss became infinite or NaN in update 9"


def test_foreign_names_are_told_by_an_option_and_a_prior_is_refused(edgeproof, store):
    run_id = by_sb3(store, rate=0.02, kl=0.6, names=("points", "moved"))
    words = ("--metric", "reward=points", "--metric", "kl=moved")
    assert first(asked(edgeproof, run_id, store, *words), "doctor.kl")["name"] == "learning rate too high"
    for more, said in (((*words, "--prior", "0.7"), "is an agent's"), (("--metric", "kl=moves"), "no metric 'moves'")):
        refused = edgeproof("doctor", f"mlflow:{run_id}", "--uri", store, *more)
        assert (refused.status, refused.err.count("\n")) == (2, 1)
        assert said in refused.err
