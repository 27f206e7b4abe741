"""The scripts of examples/ run as they stand, and show what they say."""

import runpy
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from edgeproof.features import FEATURES
from edgeproof.models import MODELS

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture
def example(tmp_path):
    """Call an example's `main` with an empty folder; what it adds to the catalogs is taken out again."""

    def call(name: str) -> Any:
        return runpy.run_path(str(EXAMPLES / f"{name}.py"))["main"](tmp_path)

    with patch.dict(FEATURES), patch.dict(MODELS):
        yield call


def test_a_csv_becomes_a_verdict_and_a_page(example, capsys):
    run = example("own_csv")
    assert run.verdict["span"] == "validation"
    assert run.verdict["market"]["bars"] == 3000
    assert run.report().is_file()
    assert "verdict='inconclusive'" in capsys.readouterr().out


def test_a_feature_that_peeks_is_named_and_an_honest_one_is_not(example):
    honest, cheat = example("own_feature")
    found = {run.folder.name: [f for f in run.data("").findings if f.level == "error"] for run in (honest, cheat)}
    assert found["honest"] == []
    assert any("peeking sees the future" in finding.claim for finding in found["cheat"])
    guards = {reason["name"]: reason["passed"] for reason in cheat.verdict["reasons"]}
    assert guards["findings"] is False


def test_a_model_of_one_s_own_is_trained_and_judged(example):
    run = example("own_model")
    assert "channels: 16" in (run.folder / "config.yaml").read_text()
    assert len(run.history) == 2
    assert "<table" in run._repr_html_()


def test_every_example_is_short_and_tested():
    scripts = sorted(path.stem for path in EXAMPLES.glob("*.py"))
    assert scripts == ["own_csv", "own_feature", "own_model"]
    assert all(len((EXAMPLES / f"{name}.py").read_text().splitlines()) < 60 for name in scripts)
