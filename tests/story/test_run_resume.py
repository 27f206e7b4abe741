"""A run that is killed at any moment goes on with the same command and ends with the same bytes."""

import json
import signal
import subprocess
from pathlib import Path

import pytest
import yaml

from edgeproof.recipe.templates import template_body
from tests.story.calls import command, kill_when, says

EPOCHS = 30


def finish(config: Path, market: Path, out: Path) -> tuple[dict, bytes]:
    subprocess.run(command("run", config, market, out), check=True, capture_output=True)
    verdict = json.loads((out / "verdict.json").read_text())
    verdict.pop("seconds")
    return verdict, (out / "bundle" / "weights.safetensors").read_bytes()


@pytest.mark.parametrize("epoch", [3, 17])
def test_killed_and_resumed_equals_undisturbed(tiny_market, tmp_path, epoch):
    body = template_body("logistic_baseline")
    body["train"] |= {"epochs": EPOCHS, "patience": None}
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(body))
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    undisturbed = finish(config, tiny_market, tmp_path / "a" / "run")

    log, out = tmp_path / "log", tmp_path / "b" / "run"
    status = kill_when(command("run", config, tiny_market, out), says(log, f"epoch {epoch}/{EPOCHS}"), log)
    assert status == -signal.SIGKILL, "the run ended before it could be killed"
    assert not (out / "verdict.json").exists()
    resumed = finish(config, tiny_market, out)
    assert resumed[1] == undisturbed[1]
    assert resumed[0] == undisturbed[0]


def test_the_keyboard_ends_a_run_with_status_3_and_one_line(tiny_market, tmp_path):
    body = template_body("logistic_baseline")
    body["train"] |= {"epochs": 500, "patience": None}
    config, log = tmp_path / "config.yaml", tmp_path / "log"
    config.write_text(yaml.safe_dump(body))
    words = command("run", config, tiny_market, tmp_path / "run")
    assert kill_when(words, says(log, "epoch 2/500"), log, signal.SIGINT) == 3
    assert log.read_text().splitlines()[-1].startswith("error: ")
    assert "Traceback" not in log.read_text()


def test_a_folder_of_another_run_is_refused(edgeproof, tiny_market, tmp_path):
    body = template_body("logistic_baseline")
    body["train"] |= {"epochs": 1}
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(body))
    words = ("run", config, "--market", tiny_market, "--out", tmp_path / "run", "--workspace", tmp_path, "--exit-zero")
    assert edgeproof(*words).status == 0
    other = edgeproof(*words, "seed=3")
    assert other.status == 2
    assert "holds a run of another config (seed is 0 there, 3 here)" in other.err
