"""A Lightning module is checked before it trains and diagnosed after it, and trains as it would have."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLACES = (ROOT / "benchmarks" / ".envs" / "lightning" / "bin" / "python", Path(sys.executable))


def lightning_python() -> Path:
    """Where Lightning and what the checks need are installed together; skips where they are nowhere."""
    for program in PLACES:
        code = "import lightning.pytorch, scipy, pydantic"
        if program.is_file() and not subprocess.run([program, "-c", code], capture_output=True, check=False).returncode:
            return program
    pytest.skip("no Lightning: make an environment with tools/setup-lightning")


@pytest.fixture(scope="module")
def cases() -> dict[str, dict[str, Any]]:
    words = [str(lightning_python()), str(ROOT / "tests" / "story" / "lightning_cases.py")]
    path = {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    answer = subprocess.run(words, capture_output=True, text=True, env={**os.environ, **path}, check=False)
    assert answer.returncode == 0, answer.stderr[-3000:]
    return json.loads(answer.stdout.splitlines()[-1])


@pytest.mark.slow
def test_a_clean_module_passes_and_its_training_is_not_touched(cases):
    clean, without = cases["clean"], cases["without"]
    assert clean["weights"] == without["weights"]
    assert (clean["stopped"], clean["found"]) == (None, [])
    assert "checks before training, nothing is wrong" in clean["text"]
    assert "nothing found wrong in 4 epochs" in clean["text"]
    assert [row["epoch"] for row in clean["rows"]] == [1, 2, 3, 4]
    assert {"train_loss", "val_loss", "grad_norm", "lr", "seconds", "data_seconds"} <= set(clean["rows"][0])


@pytest.mark.slow
def test_a_detached_layer_stops_the_fit_by_name_or_is_told_and_trained(cases):
    stopped, warned = cases["detached"], cases["warned"]
    assert stopped["stopped"] == "flow.gradients"
    assert "net.0" in stopped["message"]
    assert stopped["rows"] == []
    assert warned["stopped"] is None
    assert len(warned["rows"]) == 4
    assert "flow.gradients" in warned["text"]


@pytest.mark.slow
def test_a_step_of_two_models_is_said_to_be_unchecked_and_trains(cases):
    assert "not checked before training: the training step calls net, other" in cases["two"]["text"]
    assert len(cases["two"]["rows"]) == 4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "check", "cause"),
    [
        ("rate", "doctor.not_finite", "learning rate too high"),
        ("still", "doctor.flat", "learning rate too low"),
        ("slow", "doctor.starved", "nothing makes batches ahead of the training"),
    ],
)
def test_what_the_epochs_show_is_named_with_its_cause_first(cases, fault, check, cause):
    assert [check, cause] in cases[fault]["found"]
    assert f"1. {cause}" in cases[fault]["text"]


@pytest.mark.slow
def test_a_fit_that_breaks_is_diagnosed_up_to_there_and_breaks_as_it_would(cases):
    assert cases["breaks"]["raised"] == "planted"
    assert len(cases["breaks"]["rows"]) == 2
    assert "in 2 epochs" in cases["breaks"]["text"]
