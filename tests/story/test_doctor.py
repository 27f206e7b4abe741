"""A training with a planted fault is named by the doctor with the right cause first, and a healthy one by nothing."""

import json
import shlex
from pathlib import Path

import pytest
import yaml

from edgeproof.core.files import read_json, write_json
from edgeproof.recipe.doctor import examine
from edgeproof.recipe.run import run
from edgeproof.recipe.templates import template_body

SGD = ("train.optimiser=sgd", "train.clip_norm=null", "model.batch_norm=false", "train.epochs=3")
FAULTS = {
    "rate_not_finite": ("mlp", (*SGD, "train.lr=1000"), "doctor.not_finite", "learning rate too high"),
    "rate_explodes": ("logistic", ("train.lr=30", "train.epochs=3"), "doctor.explodes", "learning rate too high"),
    "rate_too_low": ("mlp", ("train.lr=1e-8", "train.epochs=3"), "doctor.flat", "learning rate too low"),
    "memorised": (
        "mlp",
        ("model.dropout=0", "train.weight_decay=0", "train.epochs=12", "train.patience=null", "train.scheduler=none"),
        "doctor.overfit",
        "room to learn the samples by heart",
    ),
    "dead": (
        "mlp",
        ("model.batch_norm=false", "train.lr=0.3", "model.dropout=0", "train.epochs=4"),
        "doctor.dead_units",
        "learning rate too high",
    ),
    "cut_short": (
        "logistic",
        ("train.epochs=3", "train.lr=1e-4", "train.scheduler=none"),
        "doctor.undertrained",
        "too few epochs",
    ),
}


def train(edgeproof, market: Path, place: Path, model: str, changes=()):
    config = place / f"{model}.yaml"
    config.write_text(yaml.safe_dump(template_body(f"{model}_baseline")))
    words = ("--market", market, "--out", place / "run", "--workspace", place, "--exit-zero")
    return edgeproof("run", config, *words, *changes)


def findings(answer):
    return {finding["check"]: finding for finding in json.loads(answer.out)["findings"]}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_named_with_its_cause_first(edgeproof, tiny_market, tmp_path, fault):
    model, changes, check, cause = FAULTS[fault]
    train(edgeproof, tiny_market, tmp_path, model, changes)
    answer = edgeproof("doctor", tmp_path / "run", "--json")
    assert answer.status == 1
    found = findings(answer)[check]
    first = found["evidence"]["causes"][0]
    assert first["name"] == cause
    assert first["because"]
    assert found["remedy"] == first["fix"]
    text = edgeproof("doctor", tmp_path / "run")
    assert text.status == 1
    assert f"1. {cause}" in text.out
    if fault == "rate_not_finite":
        mended = edgeproof(*shlex.split(first["command"])[1:], "--exit-zero")
        assert mended.status == 0, mended.err
        assert "doctor.not_finite" not in findings(edgeproof("doctor", tmp_path / "run-high", "--json"))


def test_after_a_look_at_the_market_nobody_is_sent_to_look_again(edgeproof, tiny_market, tmp_path):
    model, changes, check, cause = FAULTS["rate_too_low"]
    train(edgeproof, tiny_market, tmp_path, model, changes)
    before, after = (
        findings(edgeproof("doctor", tmp_path / "run", *words, "--json"))[check]["evidence"]["causes"]
        for words in ((), ("--market", tiny_market))
    )
    assert after[0]["name"] == cause
    assert any(one["command"].startswith("edgeproof doctor") for one in before)
    assert not any(one["command"].startswith("edgeproof doctor") for one in after)
    again = [one["name"] for one in before if one["command"].startswith("edgeproof doctor")]
    assert all("do not show it" in one["because"] for one in after if one["name"] in again)


def test_in_a_healthy_run_nothing_is_named(edgeproof, tiny_market, tmp_path):
    train(edgeproof, tiny_market, tmp_path, "logistic")
    answer = edgeproof("doctor", tmp_path / "run")
    assert (answer.status, answer.out.splitlines()[0]) == (0, "Nothing found wrong in 1 run, 15 finished epochs.")
    looked = edgeproof("doctor", tmp_path / "run", "--market", tiny_market, "--json")
    assert "error" not in {finding["level"] for finding in json.loads(looked.out)["findings"]}


def test_a_run_is_read_while_it_trains_and_after_it_was_killed(tiny_market, tmp_path):
    seen = []

    def watched(line: str) -> None:
        if "epoch 3/" in line:
            seen.append(examine([tmp_path / "run"]))
            raise SystemExit  # as if it were killed

    body = template_body("mlp_baseline") | {"gates": {"profile": "none"}}
    changes = ("train.lr=1e-8", "train.epochs=40")
    with pytest.raises(SystemExit):
        run(body, tiny_market, out=tmp_path / "run", workspace=tmp_path, overrides=changes, write=watched)
    for answer in (*seen, examine([tmp_path / "run"])):
        found, unfinished = answer.findings
        assert (unfinished.check, unfinished.level) == ("doctor.unfinished", "info")
        assert f"unfinished: {answer.epochs} epochs" in unfinished.claim
        assert f"edgeproof run {tmp_path / 'run' / 'config.yaml'} --out {tmp_path / 'run'}" in unfinished.remedy
        assert answer.epochs in (2, 3)
        assert found.check == "doctor.flat"
        assert found.evidence["causes"][0]["name"] == "learning rate too low"
        assert "train.lr=0.001" in found.evidence["causes"][0]["command"]


def test_what_failed_in_its_first_epoch_leaves_a_trace_and_its_folder_can_be_used_again(
    edgeproof, tiny_market, tmp_path
):
    model, changes, _, _ = FAULTS["rate_not_finite"]
    failed = train(edgeproof, tiny_market, tmp_path, model, changes)
    assert failed.status == 2
    trace = read_json(tmp_path / "run" / "checkpoints" / "failed.json")
    assert trace["epoch"] == 1
    assert trace["reason"] in failed.err
    assert train(edgeproof, tiny_market, tmp_path, model, ("train.epochs=1",)).status == 0
    assert not (tmp_path / "run" / "checkpoints" / "failed.json").exists()


def test_what_cannot_be_looked_at_is_refused_in_one_line(edgeproof, tmp_path):
    missing = edgeproof("doctor", tmp_path / "none")
    assert (missing.status, len(missing.err.splitlines())) == (2, 1)
    assert "no run.json" in missing.err
    (tmp_path / "run").mkdir()
    write_json(tmp_path / "run" / "run.json", {"identity": {}})
    (tmp_path / "run" / "config.yaml").write_text(yaml.safe_dump(template_body("logistic_baseline")))
    young = edgeproof("doctor", tmp_path / "run")
    assert (young.status, len(young.err.splitlines())) == (2, 1)
    assert "no epoch is finished yet" in young.err


def test_seeds_of_one_config_are_compared_and_other_runs_are_not(edgeproof, tiny_market, tmp_path):
    for seed, rate in ((0, "3e-3"), (1, "3e-3"), (2, "1e-3")):
        (tmp_path / str(seed)).mkdir()
        changes = ("train.epochs=6", f"train.lr={rate}", f"seed={seed}")
        train(edgeproof, tiny_market, tmp_path / str(seed), "logistic", changes)
    places = [tmp_path / str(seed) / "run" for seed in range(3)]
    both = json.loads(edgeproof("doctor", *places[:2], "--json").out)
    assert both["epochs"] == 12
    assert "doctor.seeds" not in {finding["check"] for finding in both["findings"]}
    other = edgeproof("doctor", *places)
    assert (other.status, len(other.err.splitlines())) == (2, 1)
    assert "differ in more than their seed" in other.err
