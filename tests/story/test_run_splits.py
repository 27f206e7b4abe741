"""A run over many folds: walk-forward and combinatorial from end to end, and killed between its folds."""

import json
import signal
from pathlib import Path
from typing import Any

import polars as pl
import yaml

import edgeproof as ep
from edgeproof.recipe.evaluate import evaluate_bundle
from edgeproof.recipe.run import judge_again
from edgeproof.recipe.templates import template_body
from edgeproof.train.bundle import read_bundle
from tests.story.calls import command, kill_when, says

WALK = {"name": "walk_forward", "train": "30d", "validation": "8d", "test": "12d", "step": "12d"}
CPCV = {"name": "cpcv", "n_groups": 4, "k_test": 2}


def body(split: dict[str, Any], epochs: int = 3) -> dict[str, Any]:
    settings = template_body("logistic_baseline") | {"split": split}
    settings["train"] |= {"epochs": epochs, "patience": None}
    return settings


def quiet(_: str) -> None:
    pass


def test_walk_forward_from_bars_to_the_page(tiny_market, tmp_path):
    run = ep.run(body(WALK), tiny_market, out=tmp_path / "run", workspace=tmp_path, write=quiet)
    paths = run.verdict["paths"]
    folds, last = paths["folds"], paths["folds"][-1]
    assert len(folds) == 3
    assert [fold["test"][0]["bars"] for fold in folds] == [288, 288, 288]
    assert [fold["validation"]["bars"] for fold in folds] == [192, 192, 192]
    assert last["test"][0]["end"] == "2020-03-21 00:00"  # the seal: four fifths of 100 days
    assert len(paths["paths"]) == 1
    assert len(run.paths) == 3 * 288
    assert run.paths["fold"].unique().to_list() == [0, 1, 2]
    # what is judged is validation of the last fold; its test and the other folds stand beside it
    assert run.verdict["span"] == "validation"
    assert run.verdict["verdict"] == "inconclusive"
    assert run.verdict["validation"]["start"] == last["validation"]["start"]
    assert run.verdict["validation"]["end"] == last["validation"]["end"]
    assert run.verdict["validation"]["net"]["bars"] == 192
    assert run.verdict["trials"] == 3 * 20
    bundle = read_bundle(run.folder / "bundle")
    assert bundle.lineage["paths"] == paths
    assert bundle.lineage["trial"] == last["trial"]
    assert bundle.thresholds["theta"] == last["theta"]
    assert sorted(path.name for path in (run.folder / "checkpoints").iterdir()) == ["fold-00", "fold-01", "fold-02"]
    page = run.report().read_text()
    assert "Out-of-sample paths" in page
    assert "Test, " in page  # on the timeline
    # a planted edge is there in blocks that no model has seen
    assert sum(fold["auc"] for fold in folds) / 3 > 0.52
    again = judge_again(run.folder).verdict
    assert again["paths"] == paths
    assert again["trials"] == 60
    opened = judge_again(run.folder, open_sealed=True).verdict
    assert opened["span"] == "sealed"
    assert opened["sealed"]["start"] == "2020-03-21 01:00"
    assert opened["paths"] == paths
    found = evaluate_bundle(run.folder / "bundle", tiny_market, workspace=tmp_path)
    assert found["start"] == last["validation"]["start"]  # what was trained on is left out


def test_combinatorial_paths_from_bars_to_the_page(tiny_market, tmp_path):
    run = ep.run(body(CPCV), tiny_market, out=tmp_path / "run", workspace=tmp_path, write=quiet)
    paths = run.verdict["paths"]
    assert len(paths["folds"]) == 6
    assert len(paths["paths"]) == 3
    assert run.verdict["trials"] == 6 * 20
    assert paths["distribution"]["sharpe"]["count"] == 3
    ordered = sorted(path["sharpe"] for path in paths["paths"])
    spread = paths["distribution"]["sharpe"]
    assert [spread["min"], spread["median"], spread["max"]] == ordered
    # every path covers every tested bar once, each part by a model that was not trained on it
    bars = run.paths.group_by("path").agg(pl.col("close_time").sort(), pl.col("fold").unique().sort()).sort("path")
    assert bars["close_time"][0].to_list() == bars["close_time"][1].to_list() == bars["close_time"][2].to_list()
    assert bars["close_time"][0].is_unique().all()
    assert bars["fold"].to_list() == [[0, 1, 2], [1, 3, 4], [2, 4, 5]]
    assert "3 paths: net Sharpe" in run.report().read_text()


def test_killed_within_a_fold_and_resumed_equals_undisturbed(tiny_market, tmp_path):
    settings, config = body(WALK, epochs=12), tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(settings))
    undisturbed = ep.run(settings, tiny_market, out=tmp_path / "a" / "run", workspace=tmp_path / "a", write=quiet)
    log, out = tmp_path / "log", tmp_path / "b" / "run"
    out.parent.mkdir()
    status = kill_when(command("run", config, tiny_market, out), says(log, "fold 2/3 epoch 2"), log)
    assert status == -signal.SIGKILL, "the run ended before it could be killed"
    assert not (out / "bundle").exists()
    first, second = (out / "checkpoints" / f"fold-0{number}" / "last.safetensors" for number in (0, 1))
    before = first.stat().st_mtime_ns
    assert second.exists()
    said: list[str] = []
    resumed = ep.run(settings, tiny_market, out=out, workspace=out.parent, write=said.append)
    assert first.stat().st_mtime_ns == before, "a finished fold was trained again"
    assert not any(text.startswith("  fold 1/3") for text in said)
    assert any(text.startswith("  fold 2/3 epoch 12") for text in said)
    assert facts(resumed) == facts(undisturbed)


def facts(run: ep.Run) -> tuple[dict[str, Any], list[bytes], str]:
    """Everything but the time it took."""
    verdict = {name: value for name, value in run.verdict.items() if name != "seconds"}
    files = [run.folder / "bundle" / "weights.safetensors", run.folder / "bundle" / "bundle.json"]
    return json.loads(json.dumps(verdict)), [Path(file).read_bytes() for file in files], run.paths.write_json()
