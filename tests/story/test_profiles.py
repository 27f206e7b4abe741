"""`edgeproof run --profile standard` and `full` from end to end: killed they go on, and on noise they claim nothing."""

import json
import signal
import subprocess
from pathlib import Path

import pytest
import yaml

from edgeproof.data.synthetic import make_market
from edgeproof.ledger.store import Ledger
from edgeproof.recipe.templates import template_body
from tests.story.calls import command, kill_when

FEATURES = ["close_location", "body_share", "log_return_1", "log_volatility_24"]


def written(place: Path, name: str, **parts: dict) -> Path:
    body = template_body(name) | {"features": FEATURES, "window": 8}
    for part, values in parts.items():
        body[part] = {**body.get(part, {}), **values}
    place.write_text(yaml.safe_dump(body))
    return place


def answer(out: Path) -> tuple[dict, dict, bytes, list[str]]:
    """All that a kill must not change: steps and verdict but for their seconds, weights, and what was counted."""
    gates, verdict = (json.loads((out / name).read_text()) for name in ("gates.json", "verdict.json"))
    for step in gates["steps"]:
        step.pop("seconds")
    counted = [row.body["trial"] for row in Ledger(out.parent).rows() if row.kind in ("training", "trial")]
    weights = (out / "bundle" / "weights.safetensors").read_bytes()
    return (
        {key: value for key, value in gates.items() if key != "seconds"},
        {key: value for key, value in verdict.items() if key != "seconds"},
        weights,
        sorted(counted),
    )


@pytest.mark.slow
def test_a_full_run_that_is_killed_again_and_again_ends_as_if_undisturbed(tmp_path):
    make_market("linear", tmp_path / "market", symbols=2, bars=1800, seed=5, strength=0.3)
    model = {"hidden": [16, 8], "dropout": 0.1}
    config = written(tmp_path / "config.yaml", "mlp_baseline", train={"epochs": 4, "batch_size": 256}, model=model)
    more = ("--profile", "full", "--gate", "warn", "gates.trials=3")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    left, out = tmp_path / "a" / "run", tmp_path / "b" / "run"
    subprocess.run(command("run", config, tmp_path / "market", left, *more), check=True, capture_output=True)
    again = command("run", config, tmp_path / "market", out, *more)
    steps = out / "steps"
    for place in (
        steps / "regularise" / "04-fewer-inputs" / "proposal.json",
        steps / "tune" / "sweep" / "points" / "007.json",
        steps / "tune" / "search" / "trials" / "0001" / "checkpoints" / "last.safetensors",
        steps / "squeeze" / "02-weighted-ensemble" / "checkpoints" / "member-02" / "last.safetensors",
        steps / "squeeze" / "06-forecast-over-copies" / "trial.json",
    ):
        assert kill_when(again, place.exists, tmp_path / "log") == -signal.SIGKILL
        assert place.exists()
    subprocess.run(again, check=True, capture_output=True)
    assert answer(out) == answer(left)
    gates = answer(out)[0]
    assert [step["name"] for step in gates["steps"]] == ["data", "skeleton", "overfit", "regularise", "tune", "squeeze"]
    listed = [trial["trial"] for step in gates["steps"] for trial in step["trials"]]
    assert sorted(listed) == sorted(row.body["trial"] for row in Ledger(out.parent).rows("training"))


@pytest.mark.slow
def test_a_config_that_learns_by_heart_is_improved_and_its_gap_falls(tmp_path, edgeproof):
    make_market("linear", tmp_path / "market", symbols=2, bars=1800, seed=11, strength=0.3)
    train = {"epochs": 12, "lr": 3e-4, "batch_size": 256, "weight_decay": 0.0}
    model = {"hidden": [512, 256, 128], "dropout": 0.0}
    config = tmp_path / "config.yaml"
    body = template_body("mlp_baseline")
    config.write_text(yaml.safe_dump(body | {"train": {**body["train"], **train}, "model": {**body["model"], **model}}))
    out = tmp_path / "run"
    call = ("run", config, "--profile", "standard", "--gate", "warn", "--market", tmp_path / "market")
    assert edgeproof(*call, "--out", out, "--workspace", tmp_path, "--exit-zero").status == 0
    step = next(one for one in json.loads((out / "gates.json").read_text())["steps"] if one["name"] == "regularise")
    first, last = step["trials"][0], [trial for trial in step["trials"] if trial["chosen"]][-1]
    assert first["gap"] > 1.0  # nothing of what it learned holds on validation
    assert last["gap"] < first["gap"] - 0.1
    assert last["log_loss"] < first["log_loss"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [3, 11])
def test_on_noise_a_standard_run_ends_with_a_verdict_that_claims_no_edge(tmp_path, edgeproof, seed):
    make_market("noise", tmp_path / "market", symbols=3, bars=2400, seed=seed)
    config = written(tmp_path / "config.yaml", "logistic_baseline", train={"epochs": 3})
    call = ("run", config, "--profile", "standard", "--market", tmp_path / "market", "--workspace", tmp_path)
    done = edgeproof(*call, "--out", tmp_path / "run", "--open-sealed")
    assert done.status == 1, done.err  # a verdict, not a stopped run
    verdict = json.loads((tmp_path / "run" / "verdict.json").read_text())
    assert verdict["verdict"] in ("no_edge", "inconclusive")
    assert verdict["selection"]["trials"] > 26
    assert "Regularise" in (tmp_path / "run" / "report.html").read_text()
