"""A run that is killed at any moment goes on with the same command and ends with the same bytes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from edgeproof.recipe.templates import template_body

EPOCHS = 30


def command(config: Path, market: Path, out: Path) -> list[str]:
    edgeproof = str(Path(sys.executable).parent / "edgeproof")
    words = [edgeproof, "run", config, "--market", market, "--out", out, "--workspace", out.parent, "--exit-zero"]
    return [str(word) for word in words]


def finish(config: Path, market: Path, out: Path) -> tuple[dict, bytes]:
    subprocess.run(command(config, market, out), check=True, capture_output=True)
    verdict = json.loads((out / "verdict.json").read_text())
    verdict.pop("seconds")
    return verdict, (out / "bundle" / "weights.safetensors").read_bytes()


def kill_when(process: subprocess.Popen, path: Path, text: str, how: int = signal.SIGKILL) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        if path.exists() and text in path.read_text(errors="ignore"):
            process.send_signal(how)
            break
        time.sleep(0.005)
    process.wait()


@pytest.mark.parametrize("epoch", [3, 17])
def test_killed_and_resumed_equals_undisturbed(tiny_market, tmp_path, epoch):
    body = template_body("logistic_baseline")
    body["train"] |= {"epochs": EPOCHS, "patience": None}
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(body))
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    undisturbed = finish(config, tiny_market, tmp_path / "a" / "run")

    log = tmp_path / "log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            command(config, tiny_market, tmp_path / "b" / "run"),
            stderr=stream,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        kill_when(process, log, f"epoch {epoch}/{EPOCHS}")
    assert process.returncode == -signal.SIGKILL, "the run ended before it could be killed"
    assert not (tmp_path / "b" / "run" / "verdict.json").exists()
    resumed = finish(config, tiny_market, tmp_path / "b" / "run")
    assert resumed[1] == undisturbed[1]
    assert resumed[0] == undisturbed[0]


def test_the_keyboard_ends_a_run_with_status_3_and_one_line(tiny_market, tmp_path):
    body = template_body("logistic_baseline")
    body["train"] |= {"epochs": 500, "patience": None}
    config, log = tmp_path / "config.yaml", tmp_path / "log"
    config.write_text(yaml.safe_dump(body))
    with log.open("w") as stream:
        process = subprocess.Popen(command(config, tiny_market, tmp_path / "run"), stderr=stream)
        kill_when(process, log, "epoch 2/500", signal.SIGINT)
    assert process.returncode == 3
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
    assert "holds a run of another config" in other.err
