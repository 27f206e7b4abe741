"""`edgeproof compare` tells which of two runs earned more on the same bars, and refuses what cannot be compared."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from edgeproof.core.rng import Rng
from edgeproof.evaluate.difference import paired_difference
from edgeproof.recipe.compare import compare
from tests.unit.report import runs
from tests.unit.report.folders import moved, put


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    place = tmp_path_factory.mktemp("compared")
    one = runs.run(bars=600)
    noise = 1e-4 * Rng(3).child("noise").numpy().standard_normal(len(one.track))
    other = replace(moved(one, 2e-4), config_yaml="market: m\ntrain:\n  epochs: 30\n")
    other = replace(other, track=other.track.with_columns(pl.col("net_return") + noise))
    late = replace(one, track=one.track.with_columns(pl.col("close_time").dt.offset_by("400h")))
    apart = replace(one, track=one.track.with_columns(pl.col("close_time").dt.offset_by("40000h")))
    named = {"one": one, "other": other, "late": late, "apart": apart}
    put(one, place / "foreign", market="f" * 64)
    put(one, place / "begun")
    (place / "begun" / "verdict.json").unlink()
    return {name: put(run, place / name) for name, run in named.items()} | {
        "foreign": place / "foreign",
        "begun": place / "begun",
    }


def test_a_run_that_earns_more_on_every_bar_is_ahead(edgeproof, folders, tmp_path):
    answer = edgeproof("compare", folders["one"], folders["other"], "--out", tmp_path / "c", "--json")
    assert answer.status == 0
    body = json.loads(answer.out)
    assert body == json.loads((tmp_path / "c" / "comparison.json").read_text())
    row = body["spans"]["sealed"]["differences"][0]
    assert row["annual_low"] < 2e-4 * 8760 < row["annual_high"]
    assert row["p"] < 1e-6
    assert row["log_loss"]["mean"] == 0.0
    assert body["settings"] == [{"key": "train.epochs", "values": [15, 30]}]
    page = (tmp_path / "c" / "report.html").read_text()
    assert "other is ahead" in page
    assert len(page.encode()) <= 2_000_000


def test_the_difference_is_that_of_the_shared_bars_alone(folders, tmp_path):
    span = compare([folders["one"], folders["late"]], out=tmp_path / "c").body["spans"]["validation"]
    early, late = (
        pl.read_parquet(folders[name] / "track.parquet").filter(pl.col("span") == "validation")
        for name in ("one", "late")
    )
    assert span["bars"] == 200
    assert span["left_out"] == {"one": 400, "late": 400}
    difference = late["net_return"].to_numpy()[:200] - early["net_return"].to_numpy()[400:]
    row = span["differences"][0]
    assert row["mean"] == pytest.approx(difference.mean(), rel=1e-12)
    generator = Rng(0).child("compare", "validation").child("returns", 1).numpy()
    assert row["low"] == paired_difference(difference, np.zeros(200), generator).low
    equity = np.prod(1 + early["net_return"].to_numpy()[400:])
    assert span["figures"][0]["total_return"] == pytest.approx(equity - 1, rel=1e-9)


def test_of_several_pairs_p_is_corrected(folders, tmp_path):
    three = [put(moved(runs.run(bars=600), by), tmp_path / f"r{by}") for by in (1e-5, 2e-5)]
    body = compare([folders["one"], folders["other"], *three], out=tmp_path / "c").body
    rows = body["spans"]["validation"]["differences"]
    assert [row["p"] is None for row in rows] == [False, True, True]  # a constant difference has no spread
    assert rows[0]["p_holm"] == min(1.0, 3 * rows[0]["p"])
    page = (tmp_path / "c" / "report.html").read_text()
    assert "1 of 3 differs from one" in page
    assert "Holm" in page


def test_two_equal_runs_do_not_differ(edgeproof, folders, tmp_path):
    again = put(runs.run(bars=600), tmp_path / "again")
    answer = edgeproof("compare", folders["one"], again, "--out", tmp_path / "c")
    assert answer.status == 0
    assert "earned the same on every bar" in answer.out
    assert "the configs are equal" in answer.out


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["one"], "1 runs given"),
        (["one", "one"], "named twice"),
        (["one", "missing"], "no run.json"),
        (["one", "begun"], "not finished"),
        (["one", "foreign"], "compare runs of one market"),
        (["one", "other", "apart"], "traded no bar"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line(edgeproof, folders, tmp_path, names, said):
    places = [folders.get(name, tmp_path / name) for name in names]
    answer = edgeproof("compare", *places, "--out", tmp_path / "c")
    assert answer.status == 2
    assert said in answer.err
    assert answer.err.count("\n") == 1
    assert not (tmp_path / "c").exists()


def test_a_folder_that_holds_something_else_is_left_alone(edgeproof, folders, tmp_path):
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "notes.txt").write_text("mine")
    answer = edgeproof("compare", folders["one"], folders["other"], "--out", tmp_path / "c")
    assert answer.status == 2
    assert "choose another --out" in answer.err
    assert [path.name for path in (tmp_path / "c").iterdir()] == ["notes.txt"]
