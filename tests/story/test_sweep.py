"""A sweep of the learning rate on a market: every point is counted, a page is drawn, and it goes on where it was."""

import json

import pytest
import yaml

from edgeproof.ledger.store import Ledger
from edgeproof.recipe.templates import template_body


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(template_body("logistic_baseline")))
    return path


def test_a_sweep_finds_the_rate_of_a_planted_signal_and_counts_its_points(edgeproof, tiny_market, config, tmp_path):
    call = ("sweep", config, "--market", tiny_market, "--out", tmp_path / "sweep", "--workspace", tmp_path)
    answer = edgeproof(*call, "--points", 5)
    assert answer.status == 0, answer.err
    assert "Suggested: train.lr=" in answer.out
    body = json.loads((tmp_path / "sweep" / "sweep.json").read_text())
    rates = [point["rate"] for point in body["points"]]
    assert rates == pytest.approx([1e-5, 1e-4, 1e-3, 1e-2, 1e-1])
    values = {point["rate"]: point["value"] for point in body["points"]}
    assert body["best"] == min(values, key=lambda rate: values[rate])
    assert body["suggested"] in rates
    assert values[body["suggested"]] < body["nothing"]
    assert values[1e-5] > body["nothing"] - 0.01  # two epochs of tiny steps learn nothing
    trained = {row.body["trial"] for row in Ledger(tmp_path).rows("training")}
    assert trained == {point["trial"] for point in body["points"]}
    page = (tmp_path / "sweep" / "report.html").read_text()
    assert "train.lr" in page

    assert edgeproof("report", tmp_path / "sweep", "--out", tmp_path / "again.html").status == 0
    assert (tmp_path / "again.html").read_text() == page

    (tmp_path / "sweep" / "points" / "003.json").unlink()  # as if it had been killed there
    again = edgeproof(*call, "--points", 5, "--json")
    assert json.loads(again.out) == body
    assert len(Ledger(tmp_path).rows("training")) == 5

    assert edgeproof(*call, "tracking=jsonl", "--points", 5).status == 0  # tracking is no part of what a sweep is
    lines = [json.loads(line) for line in (tmp_path / "sweep" / "tracking" / "events.jsonl").read_text().splitlines()]
    assert lines[0]["tags"]["experiment_type"] == "sweep"
    assert [line["values"]["lr"] for line in lines if line["kind"] == "metrics" and line["step"]] == pytest.approx(
        rates
    )
    assert lines[-1] == lines[-1] | {"kind": "status", "status": "FINISHED"}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["model=gbm"], ["gbm", "train.lr"]),
        (["--points", "1"], ["--points"]),
        (["--epochs", "0"], ["--epochs"]),
        (["trian.lr=1"], ["unknown key 'trian'"]),
    ],
)
def test_mistakes_end_in_one_line(edgeproof, tiny_market, config, tmp_path, more, words):
    call = ("sweep", config, "--market", tiny_market, "--out", tmp_path / "sweep", "--workspace", tmp_path)
    answer = edgeproof(*call, *more)
    assert answer.status == 2
    (line,) = [line for line in answer.err.splitlines() if line.startswith("error: ")]
    assert all(word in line for word in words)
    assert not (tmp_path / "sweep").exists()
