"""A run is looked at before it trains: what fails stops it with cause and fix, and nothing else of it changes."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from edgeproof.core.container import read_container
from edgeproof.recipe.templates import template_body

FREE = {"commission_bps": 0.0, "half_spread_bps": 0.0}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    body = template_body("logistic_baseline") | {"costs": FREE, "window": 8}
    body |= {"features": ["close_location", "body_share", "log_return_1", "log_volatility_24"]}
    body["train"]["epochs"] = 1
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(body))
    return path


def gates_of(run: Path) -> dict:
    return json.loads((run / "gates.json").read_text())


def words(edgeproof, config: Path, market: Path, place: Path, *more: str):
    return edgeproof("run", config, "--market", market, "--out", place / "run", "--workspace", place, *more)


def test_a_plain_run_walks_three_steps_and_changes_nothing_else(edgeproof, tiny_market, config, tmp_path):
    looked = words(edgeproof, config, tiny_market, tmp_path / "a", "--exit-zero")
    assert looked.status == 0, looked.err
    plain = words(edgeproof, config, tiny_market, tmp_path / "b", "--exit-zero", "--profile", "none")
    assert plain.status == 0, plain.err
    body = gates_of(tmp_path / "a" / "run")
    assert (body["profile"], body["gate"], body["stopped"]) == ("quick", "stop", None)
    assert [step["name"] for step in body["steps"]] == ["data", "skeleton", "overfit"]
    assert body["seconds"] == pytest.approx(sum(step["seconds"] for step in body["steps"]), abs=0.01)
    for name in ("data ", "skeleton ", "overfit "):
        assert sum(line.startswith(name) and " check" in line for line in looked.err.splitlines()) == 1
    assert not (tmp_path / "b" / "run" / "gates.json").exists()
    weights = [read_container(tmp_path / run / "run" / "bundle" / "weights.safetensors")[0] for run in "ab"]
    assert all((weights[0][name] == weights[1][name]).all() for name in weights[0])
    rows = [(tmp_path / run / ".edgeproof" / "ledger.jsonl").read_text().splitlines() for run in "ab"]
    assert len(rows[0]) == len(rows[1])


def test_passed_checks_stay_in_gates_json(edgeproof, tiny_market, config, tmp_path):
    words(edgeproof, config, tiny_market, tmp_path, "--json", "--exit-zero")
    found = json.loads((tmp_path / "run" / "findings.json").read_text())
    checks = [check for step in gates_of(tmp_path / "run")["steps"] for check in step["checks"]]
    assert len(checks) > 30
    loud = {check["check"] for check in checks if check["level"] != "info"}
    assert {finding["check"] for finding in found} == loud
    assert all("plot" not in finding["evidence"] for finding in found)


def test_a_failed_check_stops_the_run_before_training_and_warn_goes_on(edgeproof, tiny_market, config, tmp_path):
    biased = "features=[constant_one]"
    with pytest.MonkeyPatch.context() as patch:
        plant(patch)
        stopped = words(edgeproof, config, tiny_market, tmp_path, biased)
        assert stopped.status == 1, stopped.err
        for word in ("data.varied", "such as constant_one", "leave them out", "--gate warn"):
            assert word in " ".join(stopped.err.split())
        run = tmp_path / "run"
        assert gates_of(run)["stopped"] == "data.varied"
        assert not (run / "checkpoints").exists()
        ledger = (tmp_path / ".edgeproof" / "ledger.jsonl").read_text()
        assert '"trial"' not in ledger
        asked = edgeproof("doctor", run)
        assert (asked.status, "stopped before training by data.varied" in " ".join(asked.out.split())) == (1, True)
        assert "leave them out" in asked.out
        went = words(edgeproof, config, tiny_market, tmp_path, biased, "--gate", "warn", "--json")
        assert went.status == 1, went.err
        verdict = json.loads(went.out)
        assert verdict["verdict"] != "edge"
        guards = {reason["name"]: reason for reason in verdict["reasons"]}
        assert guards["findings"]["passed"] is False
        assert "data.varied" in guards["findings"]["text"]
        assert (gates_of(run)["gate"], gates_of(run)["stopped"]) == ("warn", None)


def test_the_corrected_command_takes_the_folder_of_a_stopped_run(edgeproof, tiny_market, config, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        plant(patch)
        assert words(edgeproof, config, tiny_market, tmp_path, "features=[constant_one]").status == 1
        done = words(edgeproof, config, tiny_market, tmp_path, "--exit-zero")
    assert done.status == 0, done.err
    assert gates_of(tmp_path / "run")["stopped"] is None


def test_a_run_that_is_killed_in_its_training_resumes_with_the_same_findings(edgeproof, tiny_market, config, tmp_path):
    words(edgeproof, config, tiny_market, tmp_path, "--exit-zero")
    first = (tmp_path / "run" / "bundle" / "bundle.json").read_bytes()
    for name in ("bundle", "verdict.json", "findings.json", "gates.json"):
        place = tmp_path / "run" / name
        shutil.rmtree(place) if place.is_dir() else place.unlink()
    state = json.loads((tmp_path / "run" / "run.json").read_text())
    (tmp_path / "run" / "run.json").write_text(json.dumps({"identity": state["identity"]}))
    again = words(edgeproof, config, tiny_market, tmp_path, "--exit-zero")
    assert again.status == 0, again.err
    assert (tmp_path / "run" / "bundle" / "bundle.json").read_bytes() == first


def test_profiles_and_gates_are_checked_like_any_key(edgeproof, tiny_market, config, tmp_path):
    for flag, value in (("--profile", "quik"), ("--gate", "halt")):
        answer = words(edgeproof, config, tiny_market, tmp_path, flag, value)
        assert answer.status == 2, answer.err
        assert "quick" in answer.err or "warn" in answer.err


def plant(patch: pytest.MonkeyPatch) -> None:
    """A user's feature that never changes."""
    import numpy as np

    from edgeproof.features import FEATURES, Feature

    made = Feature("constant_one", 0, "user", "1", lambda rows: np.ones(len(rows.close)))
    patch.setitem(FEATURES, "constant_one", made)
