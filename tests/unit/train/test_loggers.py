"""A tracked run is told in lines, sent in batches, taken up where it stood, and says nothing secret."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.core.errors import ConfigError
from edgeproof.core.rng import Rng
from edgeproof.models.logistic import LogisticConfig
from edgeproof.testing.market import tiny_dataset
from edgeproof.train.loggers.card import Card, flat
from edgeproof.train.loggers.connect import Connection, connect, tracking_uri
from edgeproof.train.loggers.mlflow import MOST_METRICS, Sender, _batches
from edgeproof.train.loggers.outbox import Outbox
from edgeproof.train.loggers.scrub import scrub, scrubber
from edgeproof.train.loggers.settings import JsonlConfig, MlflowConfig, NoTrackingConfig
from edgeproof.train.loggers.tracker import open_tracker, tracked
from edgeproof.train.loop import fit
from edgeproof.train.losses import BceConfig
from edgeproof.train.settings import TrainConfig

CONFIG = {"market": "/somewhere", "seed": 3, "train": {"lr": 5e-4, "patience": None}, "features": ["a", "b"]}


def card(number=None, kind="run"):
    return Card("supervised", kind, "mlp", "opportunity", "1a2b3c4d5e", "d" * 8, CONFIG, trial_number=number)


def told(folder):
    return [json.loads(line) for line in (folder / "tracking" / "events.jsonl").read_text().splitlines()]


# names, parameters and tags


def test_a_run_is_named_by_phase_type_model_variant_time_and_hash():
    assert re.fullmatch(r"supervised_run_mlp_opportunity_\d{8}T\d{6}Z_1a2b3c4d", card().name)
    first = Card("search", "trial", "gbm", "forward_return", "ff" * 32, began_s=1_700_000_000)
    assert first.name == "search_trial_gbm_forward_return_20231114T221320Z_ffffffff"


def test_parameters_are_the_config_by_dotted_key_without_places():
    assert card().params() == {
        "seed": "3",
        "train.lr": "0.0005",
        "train.patience": "null",
        "features": '["a", "b"]',
    }
    assert flat({"a": {}, "b": {"c": {"d": "text"}}}) == {"a": "{}", "b.c.d": "text"}
    assert len(flat({"long": "x" * 10_000})["long"]) == 6000


def test_tags_are_those_that_are_known():
    assert card(7, "trial").tags() == {
        "phase": "supervised",
        "experiment_type": "trial",
        "model_type": "mlp",
        "trial_number": "7",
        "dataset_version": "dddddddd",
    }


# lines


def test_lines_are_told_once_and_survive_their_process(tmp_path):
    for _ in range(2):
        outbox = Outbox(tmp_path / "tracking")
        outbox.begin(card())
        for epoch in (1, 2):
            outbox.row({"epoch": epoch, "log_loss": 0.7 - epoch / 100, "auc": None, "best": True, "lr": float("nan")})
        outbox.tags({"verdict": "edge"})
        outbox.json("a/b.json", {"x": 1})
        outbox.figures({"sharpe": 1.5})
        outbox.end("FINISHED")
    kinds = [line["kind"] for line in told(tmp_path)]
    assert kinds == ["run", "metrics", "metrics", "tags", "file", "metrics", "status"]
    assert told(tmp_path)[1]["values"] == {"log_loss": 0.69}  # what is no number is absent
    outbox = Outbox(tmp_path / "tracking")
    outbox.figures({"sharpe": 1.25})
    outbox.tags({"verdict": "no_edge"})
    assert [line["kind"] for line in told(tmp_path)][len(kinds) :] == ["metrics", "tags"]


def test_half_a_line_is_none_and_the_next_one_is_whole(tmp_path):
    outbox = Outbox(tmp_path / "tracking")
    outbox.begin(card())
    outbox.path.write_bytes(outbox.path.read_bytes() + b'{"kind": "met')
    Outbox(tmp_path / "tracking").row({"epoch": 1, "log_loss": 0.5})
    again = Outbox(tmp_path / "tracking")
    assert [line["kind"] for line in again.lines] == ["run", "metrics"]
    again.row({"epoch": 1, "log_loss": 0.5})
    assert len(Outbox(tmp_path / "tracking").lines) == 2


@given(st.lists(st.one_of(st.integers(1, 400), st.just("tags")), max_size=30))
def test_batches_keep_every_line_in_order_below_the_limit(kinds):
    lines = [
        {"kind": "tags"} if kind == "tags" else {"kind": "metrics", "values": dict.fromkeys(range(kind), 0.0)}
        for kind in kinds
    ]
    batches = list(_batches(lines))
    assert [line for batch in batches for line in batch] == lines
    for batch in batches:
        assert batch[0]["kind"] == "metrics" or len(batch) == 1
        assert sum(len(line.get("values", ())) for line in batch) <= MOST_METRICS


def test_two_hundred_rows_of_figures_are_one_batch():
    lines = [{"kind": "metrics", "values": {"log_loss": 0.5}} for _ in range(200)]
    assert [len(batch) for batch in _batches(lines)] == [200]


# secrets


def test_homes_and_secret_variables_are_taken_out():
    hidden = scrubber({"API_TOKEN": "s3cr3t-value", "LANG": "C.UTF-8", "DB_PASSWORD": "12345"}, home=Path("/home/jane"))
    text = scrub("/home/jane/market and s3cr3t-value in C.UTF-8, 12345", hidden)
    assert text == "~/market and *** in C.UTF-8, 12345"  # a value of five letters stands in too many texts
    assert scrub("postgresql://jane:hunter2@host/db", {}) == "postgresql://jane:***@host/db"


@given(st.text(max_size=60), st.text(alphabet="abcdef0123456789", min_size=6, max_size=20))
def test_no_text_keeps_a_secret(text, secret):
    hidden = scrubber({"MY_SECRET": secret}, home=Path("/home/jane"))
    assert secret not in scrub(text + secret + text, hidden)


def test_no_tag_parameter_or_file_keeps_a_secret(tmp_path, monkeypatch):
    monkeypatch.setenv("SOME_API_KEY", "planted-secret")
    monkeypatch.setenv("HOME", "/home/planted")
    outbox = Outbox(tmp_path / "tracking")
    outbox.begin(Card("a", "b", "c", "d", "e", config={"x": "/home/planted/y", "z": ["planted-secret"]}))
    outbox.tags({"place": "/home/planted"})
    outbox.text("text.txt", "planted-secret at /home/planted/x")
    outbox.json("deep.json", {"a": [{"b": "planted-secret"}]})
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 3
    assert not [path for path in files if b"planted" in path.read_bytes()]
    assert not outbox.clean("a planted-secret")
    assert outbox.clean("nothing")


# where to


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("carrier-pigeon://loft", "carrier-pigeon://loft cannot be used"),
        ("just/a/folder", "is no address"),
        ("http://127.0.0.1:9/", "127.0.0.1:9/ cannot be used"),
        ("sqlite:////dev/null/mlflow.db", "cannot be made"),
    ],
)
def test_an_address_that_cannot_be_used_is_one_line(tmp_path, monkeypatch, uri, said):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(ConfigError) as refused:
        open_tracker(MlflowConfig(uri=uri), tmp_path, card(), workspace=tmp_path)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "tracking").exists()


def test_a_password_has_no_place_in_a_config_and_none_in_a_message(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="MLFLOW_TRACKING_PASSWORD"):
        MlflowConfig(uri="http://jane:hunter2@host:5000")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "carrier-pigeon://jane:hunter2@loft")
    with pytest.raises(ConfigError) as refused:
        connect(MlflowConfig(), tmp_path)
    assert "hunter2" not in str(refused.value)


def test_the_configs_address_comes_before_the_variable_and_the_workspace(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert tracking_uri(None, tmp_path) == f"sqlite:///{tmp_path.resolve()}/.edgeproof/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://host")
    assert tracking_uri(None, tmp_path) == "http://host"
    assert tracking_uri("sqlite:///x.db", tmp_path) == "sqlite:///x.db"


def test_nothing_is_tracked_unless_it_is_asked_for(tmp_path):
    assert open_tracker(NoTrackingConfig(), tmp_path, card(), workspace=tmp_path) is None
    assert not list(tmp_path.iterdir())


# MLflow


def reached(run, workspace) -> Any:
    """A tracker that is there."""
    return open_tracker(MlflowConfig(), run, card(), workspace=workspace)


def train(tracker, folder, epochs, stop=None) -> Any:
    class StopError(Exception):
        pass

    def watch(row):
        tracker.epoch(row)
        if row["epoch"] == stop:
            raise StopError

    settings = TrainConfig(epochs=epochs, batch_size=64, lr=0.03, patience=None)
    dataset, rng = tiny_dataset(Rng(1)), Rng(1)
    if stop:
        with pytest.raises(StopError), tracked(tracker):
            fit(dataset, LogisticConfig(), BceConfig(), settings, rng=rng, folder=folder, watch=watch)
        return None
    with tracked(tracker):
        return fit(dataset, LogisticConfig(), BceConfig(), settings, rng=rng, folder=folder, watch=watch)


def history(tracker, key):
    client = tracker.sender.connection.client
    return [(metric.step, metric.value) for metric in client.get_metric_history(tracker.sender.run_id, key)]


def test_a_training_taken_up_goes_on_in_its_run_and_no_epoch_stands_twice(tracking_workspace):
    run = tracking_workspace / "run"
    first = reached(run, tracking_workspace)
    train(first, run / "checkpoints", 6, stop=3)
    client = first.sender.connection.client
    assert client.get_run(first.sender.run_id).info.status == "FAILED"
    second = reached(run, tracking_workspace)
    assert (second.sender.run_id, second.name) == (first.sender.run_id, first.name)
    assert client.get_run(first.sender.run_id).info.status == "RUNNING"
    trained = train(second, run / "checkpoints", 6)
    assert history(second, "log_loss") == [(row["epoch"], row["log_loss"]) for row in trained.history]
    stored = client.get_run(second.sender.run_id)
    assert stored.info.status == "FINISHED"
    assert stored.info.run_name == first.name
    assert stored.data.params["train.lr"] == "0.0005"
    assert stored.data.tags["model_type"] == "mlp"


def test_lines_sent_and_not_ticked_off_are_sent_again_and_change_nothing(tracking_workspace):
    run = tracking_workspace / "run"
    tracker = reached(run, tracking_workspace)
    train(tracker, run / "checkpoints", 4)
    before = history(tracker, "log_loss")
    state = run / "tracking" / "mlflow.json"
    body = json.loads(state.read_text())
    state.write_text(json.dumps(body | {"sent": 1}))
    again = reached(run, tracking_workspace)
    again.end("FINISHED")
    assert again.findings() == []
    assert history(again, "log_loss") == before
    assert len(before) == 4


def test_a_trial_is_nested_under_its_study(tracking_workspace):
    study = reached(tracking_workspace / "study", tracking_workspace)
    trial = study.child(tracking_workspace / "study" / "trial-0003", card(3, "trial"))
    trial.epoch({"epoch": 1, "log_loss": 0.5})
    trial.figures({"net_sharpe": 1.5})
    trial.end("KILLED")
    stored = study.sender.connection.client.get_run(trial.sender.run_id)
    assert stored.data.tags["mlflow.parentRunId"] == study.sender.run_id
    assert stored.data.tags["parent_run"] == study.name
    assert stored.data.tags["trial_number"] == "3"
    assert stored.data.metrics == {"log_loss": 0.5, "net_sharpe": 1.5}
    assert stored.info.status == "KILLED"
    again = study.child(tracking_workspace / "study" / "trial-0003", card(3, "trial"))
    assert again.sender.run_id == trial.sender.run_id


def test_two_processes_of_one_study_lose_nothing_and_say_nothing_twice(tracking_workspace):
    here, there = (reached(tracking_workspace / "study", tracking_workspace) for _ in range(2))
    here.figures({"a": 1.0})
    there.figures({"b": 2.0})
    here.outbox.tags({"x": "1"})
    there.send()
    here.figures({"c": 3.0})
    here.send()
    there.end("FINISHED")
    stored = here.sender.connection.client.get_run(here.sender.run_id)
    assert here.sender.run_id == there.sender.run_id
    assert stored.data.metrics == {"a": 1.0, "b": 2.0, "c": 3.0}
    assert stored.data.tags["x"] == "1"
    assert stored.info.status == "FINISHED"
    assert len(told(tracking_workspace / "study")) == 6
    assert here.findings() == there.findings() == []


class _Away:
    """A server that has gone: whatever is asked of it fails."""

    def __getattr__(self, name):
        def fail(*words, **named):
            raise ConnectionError("connection refused")

        return fail


def test_a_server_that_goes_away_costs_no_training_and_gets_everything_later(tracking_workspace):
    run = tracking_workspace / "run"
    tracker = reached(run, tracking_workspace)
    here = tracker.sender.connection
    object.__setattr__(tracker.sender, "connection", type(here)(_Away(), here.experiment, here.sha))
    warned = []
    with tracked(tracker, warned.append):
        trained = fit(
            tiny_dataset(Rng(1)), LogisticConfig(), BceConfig(),
            TrainConfig(epochs=3, batch_size=64, patience=None), rng=Rng(1), folder=run / "c", watch=tracker.epoch,
        )  # fmt: skip
    assert len(trained.history) == 3
    assert [finding.level for finding in tracker.findings()] == ["warning"]
    assert len(warned) == 1
    assert "connection refused" in warned[0]
    back = reached(run, tracking_workspace)
    back.end("FINISHED")
    assert back.findings() == []
    assert [step for step, _ in history(back, "log_loss")] == [1, 2, 3]


def test_sending_takes_at_most_a_hundredth_of_the_time(tmp_path):
    now = [0.0]

    class Slow:
        """Every call takes three seconds of a clock of its own."""

        def __getattr__(self, name):
            def work(*words, **named):
                now[0] += 3.0
                sent.append(now[0])

            return work

    sent = []
    outbox = Outbox(tmp_path / "tracking")
    outbox.begin(card())
    slow: Any = Slow()
    sender = Sender(outbox, Connection(slow, "0", "sha"), clock=lambda: now[0], _seen=True)
    (tmp_path / "tracking" / "mlflow.json").write_text(json.dumps({"address": "sha", "run_id": "r", "sent": 1}))
    for epoch in range(1, 2001):
        now[0] += 1.0
        outbox.row({"epoch": epoch, "log_loss": 0.5})
        sender.send_if_due()
    assert 3.0 * len(sent) <= 0.03 * now[0]


def test_a_run_tracked_into_lines_alone_can_be_sent_later(tracking_workspace):
    run = tracking_workspace / "run"
    plain = open_tracker(JsonlConfig(), run, card(), workspace=tracking_workspace)
    train(plain, run / "checkpoints", 2)
    sent = reached(run, tracking_workspace)
    sent.end("FINISHED")
    assert [step for step, _ in history(sent, "log_loss")] == [1, 2]
