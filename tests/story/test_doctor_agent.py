"""Agents' runs under the gates and the doctor: what is wrong stops them by name, or is named with its cause first."""

import json
import shlex

import pytest
import yaml

import edgeproof as ep
from edgeproof.core.errors import EdgeproofError
from edgeproof.core.files import read_json
from edgeproof.core.progress import silent
from edgeproof.recipe.folder import RunFolder
from edgeproof.recipe.templates import template_body
from edgeproof.rl import ppo
from edgeproof.rl.learning import learner

SMALL = [
    "features=[close_location,body_share]",
    "agent.total_steps=32768",
    "agent.accounts=64",
    "agent.steps=32",
    "agent.minibatch=512",
    "agent.lr=3e-3",
    "agent.gamma=0.9",
    "agent.net.actor=[16]",
    "agent.net.critic=[16]",
    "environment.episode_bars=64",
]
QUIET = "gates.profile=none"


def train(market, place, *more):
    overrides, body = [*SMALL, *more], template_body("rl_training")
    return ep.run(body, market, out=place / "run", workspace=place, overrides=overrides, write=silent, beside=False)


class KilledError(Exception):
    pass


def looked(edgeproof, *words):
    answer = edgeproof("doctor", *words, "--json")
    body = json.loads(answer.out)
    return answer.status, {one["check"]: one for one in body["findings"]}


def test_a_run_leaves_what_its_gates_saw_and_its_page_shows_it(tiny_market, tmp_path):
    run = train(tiny_market, tmp_path, "agent.total_steps=4096")
    steps = {step["name"]: step for step in read_json(run.folder / "gates.json")["steps"]}
    checks = {check["check"]: check for check in steps["skeleton"]["checks"]}
    five = {
        f"probe.{name}" for name in ("constant_reward", "seen_reward", "discounted_reward", "choice", "seen_choice")
    }
    assert five <= set(checks)
    assert {"rl.costs", "rl.rewards", "rl.hand_set_rewards", "rl.batch", "rl.small_networks"} <= set(checks)
    assert {"rl.entropy_at_start", "rl.first_ratio", "rl.advantages", "rl.value", "rl.step"} <= set(checks)
    for check in checks.values():
        assert {"measured", "threshold", "plot"} <= set(check["evidence"]), check["check"]
    assert [one["check"] for one in steps["overfit"]["skipped"]] == ["capacity.overfit"]
    page = (run.folder / "report.html").read_text()
    assert all(name in page for name in checks)


def test_what_no_training_mends_stops_the_run_by_name(edgeproof, tiny_market, tmp_path):
    (tmp_path / "agent.yaml").write_text(yaml.safe_dump(template_body("rl_training")))
    words = ("--market", tiny_market, "--out", tmp_path / "run", "--workspace", tmp_path)
    answer = edgeproof("rl", "train", tmp_path / "agent.yaml", *words, *SMALL, "environment.reward.scale=100000")
    assert answer.status == 1
    said = " ".join(answer.err.replace("│", " ").split())
    assert "rl.rewards" in said
    assert "lower the reward's scale" in said
    body = read_json(tmp_path / "run" / "gates.json")
    assert body["stopped"] == "rl.rewards"
    (found,) = [one for step in body["steps"] for one in step["checks"] if one["check"] == "rl.rewards"]
    assert found["remedy"]
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_a_warning_goes_on_and_joins_the_findings(tiny_market, tmp_path):
    run = train(tiny_market, tmp_path, "environment.reward.scale=100000", "gates.mode=warn", "agent.total_steps=4096")
    assert "rl.rewards" in {one["check"] for one in read_json(run.folder / "findings.json")}


@pytest.mark.slow
def test_a_learner_that_is_wrong_is_stopped_by_a_probe(tiny_market, tmp_path, monkeypatch):
    right = learner.gae
    monkeypatch.setattr(learner, "gae", lambda reward, *rest, **more: right(-reward, *rest, **more))
    with pytest.raises(EdgeproofError, match=r"stopped before training by probe\.constant_reward"):
        train(tiny_market, tmp_path, "agent.clip=0.21")  # other settings: what was examined before is not asked again


@pytest.mark.slow
def test_settings_that_keep_a_probe_from_its_answer_are_a_warning(tiny_market, tmp_path):
    run = train(tiny_market, tmp_path, "agent.value_coefficient=1e-9", "gates.mode=warn", "agent.total_steps=4096")
    body = read_json(run.folder / "gates.json")["steps"][1]["checks"]
    found = {one["check"]: one for one in body}
    assert found["probe.constant_reward"]["level"] == "warning"
    assert "agent.value_coefficient=1e-09" in found["probe.constant_reward"]["remedy"]


FAULTS = {
    "scale": ("environment.reward.scale=0.0001", "doctor.flat_reward", "rewards too small"),
    "leaps": ("agent.lr=1.0", "doctor.kl", "learning rate too high"),
    "blind": ("agent.value_coefficient=0", "doctor.critic", "a value loss that counts for nothing"),
}


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in FAULTS if name != "scale"]


@pytest.mark.parametrize("fault", ["scale", *SLOW])
def test_a_planted_fault_of_a_run_is_named_with_the_command_that_tests_its_fix(edgeproof, tiny_market, tmp_path, fault):
    override, check, cause = FAULTS[fault]
    train(tiny_market, tmp_path, override, QUIET)
    status, found = looked(edgeproof, tmp_path / "run")
    assert status == 1
    first = found[check]["evidence"]["causes"][0]
    assert (first["name"], found[check]["remedy"]) == (cause, first["fix"])
    assert first["because"]
    assert first["command"].startswith(f"edgeproof rl train {tmp_path / 'run' / 'config.yaml'} --out ")
    if fault == "leaps":
        joined = {one["check"] for one in read_json(tmp_path / "run" / "findings.json")}
        assert "doctor.kl" in joined
        mended = edgeproof(*shlex.split(first["command"])[1:], "--exit-zero")
        assert mended.status == 0, mended.err
        assert "doctor.kl" not in looked(edgeproof, tmp_path / "run-high")[1]


@pytest.mark.slow
def test_in_a_sound_run_only_its_length_is_named(edgeproof, tiny_market, tmp_path):
    train(tiny_market, tmp_path, QUIET, "combine={name: multi_start, seeds: 2}")
    status, found = looked(edgeproof, tmp_path / "run")
    assert set(found) == {"doctor.undertrained"}
    assert status == (found["doctor.undertrained"]["level"] != "info")
    assert found["doctor.undertrained"]["evidence"]["causes"][0]["change"] == ["agent.total_steps=2000000"]


def test_a_run_that_was_killed_or_failed_is_read_as_far_as_it_came(edgeproof, tiny_market, tmp_path, monkeypatch):
    told = ppo._line

    def die(row):
        if row["update"] == 9:
            raise KilledError
        return told(row)

    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(ppo, "_line", die)
        train(tiny_market, tmp_path, QUIET, "agent.lr=1.0", "agent.save_seconds=0")
    _, found = looked(edgeproof, tmp_path / "run")
    assert found["doctor.unfinished"]["claim"] == "unfinished: 9 of 16 updates are on disk, and no verdict"
    assert found["doctor.kl"]["evidence"]["causes"][0]["name"] == "learning rate too high"
    assert "doctor.undertrained" not in found

    (tmp_path / "nan").mkdir()
    right = learner.gae
    with monkeypatch.context() as patch, pytest.raises(EdgeproofError, match="not finite"):
        patch.setattr(learner, "gae", lambda *args, **more: right(*args, **more) / 0.0)
        train(tiny_market, tmp_path / "nan", QUIET)
    status, found = looked(edgeproof, tmp_path / "nan" / "run")
    assert (status, set(found)) == (1, {"doctor.not_finite"})


def test_an_unfinished_run_says_so_and_how_to_go_on(edgeproof, tiny_market, tmp_path, monkeypatch):
    told = ppo._line

    def die(row):
        if row["update"] == 3:
            raise KilledError
        return told(row)

    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(ppo, "_line", die)
        train(tiny_market, tmp_path, QUIET, "agent.total_steps=8192", "agent.save_seconds=0")
    answer = edgeproof("doctor", tmp_path / "run")
    assert answer.status == 0
    assert answer.out.splitlines()[0] == "Nothing found wrong in 1 run, 3 finished updates."
    assert "unfinished: 3 of 4 updates" in answer.out
    (command,) = [line.partition("stopped: ")[2] for line in answer.out.splitlines() if "stopped: " in line]
    for place in (tmp_path / "run", tmp_path / "run" / "bundle"):
        early = edgeproof("rl", "evaluate", place, "--market", tiny_market)
        assert early.status == 2
        assert f"{tmp_path / 'run'}: the training of this run has not finished" in " ".join(early.err.split())
    went_on = edgeproof(*shlex.split(command)[1:], "--exit-zero")
    assert went_on.status == 0, went_on.err
    assert RunFolder(tmp_path / "run").table("history").height == 4
    status, found = looked(edgeproof, tmp_path / "run")
    assert "doctor.unfinished" not in found
    assert status == any(one["level"] != "info" for one in found.values())


def test_a_failed_check_that_was_passed_over_comes_first(edgeproof, tiny_market, tmp_path):
    train(tiny_market, tmp_path, "environment.reward.scale=100000", "gates.mode=warn", "agent.total_steps=4096")
    answer = edgeproof("doctor", tmp_path / "run", "--json")
    first = json.loads(answer.out)["findings"][0]
    assert (answer.status, first["check"], first["level"]) == (1, "rl.rewards", "error")
    assert first["claim"].startswith("failed before training and was passed over: rl.rewards: ")
    assert "lower the reward's scale" in first["remedy"]


def test_with_its_market_the_gates_are_looked_at_again(edgeproof, tiny_market, tmp_path):
    train(tiny_market, tmp_path, QUIET, "environment.reward.scale=100000", "agent.total_steps=4096")
    _, found = looked(edgeproof, tmp_path / "run", "--market", tiny_market)
    assert found["rl.rewards"]["level"] == "error"
