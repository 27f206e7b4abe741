"""A run at MLflow: it stands there as it is, nothing hangs on it, and its bundle comes back by its alias."""

import json
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgeproof.core.errors import BundleError, ConfigError, LedgerError
from edgeproof.recipe.registry import load_model, open_registry, register_run
from edgeproof.recipe.run import run
from edgeproof.recipe.templates import template_body
from edgeproof.train.bundle import read_bundle
from edgeproof.train.loggers.connect import connect
from edgeproof.train.loggers.registry import alias, fetch, versions
from edgeproof.train.loggers.settings import MlflowConfig
from tests.story.tracking_server import Server, server

__all__ = ["server"]

EPOCHS = 4


def body(**tracking: Any) -> dict[str, Any]:
    config = template_body("logistic_baseline")
    config["train"] |= {"epochs": EPOCHS, "patience": None}
    return config | {"tracking": {"name": "mlflow", **tracking}}


def tracked_run(market: Path, out: Path, config: dict[str, Any] | None = None, **more: Any):
    return run(config or body(), market, out=out, workspace=out.parent, beside=False, write=print, **more)


def client_and_id(folder: Path, uri: str | None = None):
    connection = connect(MlflowConfig(uri=uri), folder.parent)
    return connection.client, json.loads((folder / "tracking" / "mlflow.json").read_text())["run_id"]


def artifacts(client, run_id: str, folder: str | None = None) -> set[str]:
    found = set()
    for entry in client.list_artifacts(run_id, folder):
        found |= artifacts(client, run_id, entry.path) if entry.is_dir else {entry.path}
    return found


def check_what_stands_there(client, run_id: str, made) -> None:
    """Everything that a run says of itself is at MLflow, as the run's own files have it."""
    stored = client.get_run(run_id)
    config = yaml.safe_load((made.folder / "config.yaml").read_text())
    assert stored.data.params["train.epochs"] == str(EPOCHS)
    assert stored.data.params["costs.commission_bps"] == json.dumps(config["costs"]["commission_bps"])
    assert not [name for name in stored.data.params if name.startswith(("market", "tracking"))]
    for key in ("log_loss", "train_loss", "auc", "lr"):
        told = [(metric.step, metric.value) for metric in client.get_metric_history(run_id, key)]
        assert told == list(zip(made.history["epoch"], made.history[key], strict=True))
    net = made.verdict["validation"]["net"]["sharpe"]
    assert stored.data.metrics["validation.net.sharpe"] == net
    tags = stored.data.tags
    assert (tags["phase"], tags["experiment_type"], tags["model_type"]) == ("supervised", "run", "logistic")
    assert tags["dataset_version"] == made.verdict["market"]["hash"]
    assert tags["verdict"] == made.verdict["verdict"]
    assert tags["bundle_sha"] == read_bundle(made.folder).sha
    assert stored.info.run_name.startswith("supervised_run_logistic_forward_return_")
    assert stored.info.status == "FINISHED"
    assert stored.inputs.dataset_inputs[0].dataset.digest == made.verdict["market"]["hash"][:36]
    assert artifacts(client, run_id) >= {
        "bundle/bundle.json",
        "bundle/weights.safetensors",
        "config.json",
        "data/distribution.json",
        "data/scaler.json",
        "environment.json",
        "git.json",
        "model/architecture.json",
        "model/architecture.txt",
        "report.html",
        "validation/confusion.json",
        "validation/pr.json",
        "validation/roc.json",
        "verdict.json",
    }


def test_a_run_stands_at_mlflow_as_it_is_and_nothing_hangs_on_it(
    tiny_market, tracking_workspace, migrated, tmp_path_factory
):
    made = tracked_run(tiny_market, tracking_workspace / "run")
    client, run_id = client_and_id(made.folder)
    check_what_stands_there(client, run_id, made)
    elsewhere = tmp_path_factory.mktemp("plain")
    plain = tracked_run(tiny_market, elsewhere / "run", body() | {"tracking": "none"})
    for name in ("bundle/bundle.json", "bundle/weights.safetensors"):
        assert (made.folder / name).read_bytes() == (plain.folder / name).read_bytes()
    trials = [(tracking_workspace, made), (elsewhere, plain)]
    counted = [(place / ".edgeproof" / "ledger.jsonl").read_text().count("\n") for place, _ in trials]
    assert counted[0] == counted[1]
    assert {**made.verdict, "seconds": 0} == {**plain.verdict, "seconds": 0}

    # the database is lost: the ledger says what it said, and the same command sends everything again
    ledger = (tracking_workspace / ".edgeproof" / "ledger.jsonl").read_bytes()
    shutil.copyfile(migrated, tracking_workspace / ".edgeproof" / "mlflow.db")
    shutil.rmtree(tracking_workspace / ".edgeproof" / "mlartifacts")
    again = tracked_run(tiny_market, made.folder)
    assert (tracking_workspace / ".edgeproof" / "ledger.jsonl").read_bytes() == ledger
    assert {**again.verdict, "seconds": 0} == {**made.verdict, "seconds": 0}
    client, other = client_and_id(made.folder)
    assert other != run_id
    check_what_stands_there(client, other, made)


@pytest.mark.parametrize("words", [("list",), ("alias", "a", "b"), ("get", "models:/a/1", "--out", "got")])
def test_who_only_reads_makes_no_database_and_hears_where_it_was_looked_for(edgeproof, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    said = edgeproof("registry", *words)
    assert (said.status, said.err.count("\n")) == (2, 1)
    assert f"no models in {tmp_path / '.edgeproof'}" in said.err
    assert "--workspace DIR" in said.err
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_is_registered_with_its_lineage_and_comes_back_by_its_alias(
    edgeproof, tiny_market, tracking_workspace, tmp_path, monkeypatch
):
    made = tracked_run(tiny_market, tracking_workspace / "run")
    version = register_run(made.folder, "first", aliases=["challenger"])
    assert register_run(made.folder, "first").number == version.number == 1  # the same bundle is the same version
    bundle = read_bundle(made.folder)
    assert version.tags["bundle_sha"] == bundle.sha
    assert version.tags["trial"] == bundle.lineage["trial"]
    assert version.tags["market"] == made.verdict["market"]["hash"]
    assert version.tags["verdict"] == made.verdict["verdict"]
    assert version.run_id == client_and_id(made.folder)[1]
    words = ("--workspace", tracking_workspace)
    assert edgeproof("registry", "alias", "first", "champion", "--version", 1, *words).status == 0
    said = edgeproof("registry", "list", *words, "--json")
    (tmp_path / "above").mkdir()
    (tmp_path / "above" / "markets").symlink_to(tracking_workspace)
    monkeypatch.chdir(tmp_path / "above")  # the workspace lies one folder below: it is found
    assert edgeproof("registry", "list", "--json").out == said.out
    assert json.loads(said.out)["versions"][0]["aliases"] == ["challenger", "champion"]
    for address in ("models:/first@champion", "models:/first/1"):
        assert load_model(address, workspace=tracking_workspace).sha == bundle.sha
    assert edgeproof("registry", "get", "models:/first@champion", "--out", tmp_path / "got", *words).status == 0
    assert read_bundle(tmp_path / "got").sha == bundle.sha
    assert edgeproof("registry", "alias", "first", "champion", *words).status == 0
    gone = edgeproof("registry", "get", "models:/first@champion", "--out", tmp_path / "none", *words)
    assert (gone.status, gone.err.count("\n")) == (2, 1)

    connection = open_registry(workspace=tracking_workspace)
    with pytest.raises(ConfigError, match="write models:/NAME@ALIAS"):
        fetch(connection, "first")
    kept = Path(version.source) / "weights.safetensors"
    kept.write_bytes(kept.read_bytes()[:-1] + b"x")
    with pytest.raises(BundleError):
        load_model("models:/first/1", workspace=tracking_workspace)
    for name in ("ledger.jsonl", "ledger.head"):
        (tracking_workspace / ".edgeproof" / name).unlink()
    with pytest.raises(LedgerError, match="does not know bundle"):
        register_run(made.folder, "first")


@pytest.mark.parametrize("uri", ["carrier-pigeon://loft", "sqlite:////dev/null/mlflow.db"])
def test_an_address_that_cannot_be_used_ends_before_anything_is_trained(edgeproof, tiny_market, tmp_path, uri):
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(body(uri=uri)))
    words = ("run", config, "--market", tiny_market, "--out", tmp_path / "run", "--workspace", tmp_path)
    answer = edgeproof(*words)
    assert answer.status == 2
    assert answer.err.startswith("error: tracking.uri: ")
    assert answer.err.count("\n") == 1
    assert not (tmp_path / "run").exists()  # so that the corrected command can take the folder
    assert '"training"' not in (tmp_path / ".edgeproof" / "ledger.jsonl").read_text()


SECRETS = {"DEPLOY_TOKEN": "planted-1-token", "DB_PASSWORD": "planted-2-password", "SOME_DSN": "pg://planted-3-dsn"}


def test_no_byte_at_mlflow_holds_a_secret_or_a_home_folder(tiny_market, migrated, tmp_path, monkeypatch):
    """Database and artifacts, byte by byte; a local store's own address is the one thing that names its folder."""
    home = tmp_path / "planted-home"
    hidden = home / ".edgeproof"
    hidden.mkdir(parents=True)
    shutil.copy(migrated, hidden / "mlflow.db")
    shutil.copytree(tiny_market, home / "market")
    monkeypatch.setenv("HOME", str(home))
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    config = home / "config.yaml"
    config.write_text(yaml.safe_dump(body() | {"market": str(home / "market")}))
    made = run(config, out=home / "run", workspace=home, beside=False, write=print)
    register_run(made.folder, "first")
    told = [path for place in (hidden / "mlartifacts", made.folder / "tracking") for path in place.rglob("*")]
    files = [path for path in told if path.is_file()]
    assert len(files) > 25
    for path in files:
        assert b"planted-" not in path.read_bytes(), path
    database = (hidden / "mlflow.db").read_bytes()
    assert not [value for value in SECRETS.values() if value.encode() in database]
    assert database.count(b"planted-") == database.count(b"planted-home")
    assert columns_with(hidden / "mlflow.db", "planted-home") <= {
        "experiments.artifact_location",
        "runs.artifact_uri",
        "model_versions.source",
        "model_versions.storage_location",
    }


def columns_with(database: Path, text: str) -> set[str]:
    """`table.column` of every cell that holds a text."""
    found = set()
    with sqlite3.connect(database) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            rows = connection.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - names of the database itself
            names = [column[0] for column in rows.description]
            for row in rows:
                found |= {f"{table}.{name}" for name, cell in zip(names, row, strict=True) if text in str(cell)}
    connection.close()
    return found


@pytest.mark.slow
def test_a_real_server_has_what_the_run_says_and_gives_the_bundle_back(tiny_market, tmp_path, server: Server):
    made = tracked_run(tiny_market, tmp_path / "run", body(uri=server.uri))
    client, run_id = client_and_id(made.folder, server.uri)
    check_what_stands_there(client, run_id, made)
    version = register_run(made.folder, "first", aliases=["challenger"])
    connection = open_registry(server.uri, tmp_path)
    alias(connection, "first", "champion", version.number)
    assert [entry.aliases for entry in versions(connection)] == [("challenger", "champion")]
    for word in ("champion", "challenger"):
        assert load_model(f"models:/first@{word}", uri=server.uri).sha == read_bundle(made.folder).sha
    assert columns_with(server.folder / "server.db", str(tmp_path)) == set()  # nothing of this machine's folders
    assert columns_with(server.folder / "server.db", os.path.expanduser("~") + "/") == set()  # noqa: PTH111


@pytest.mark.slow
def test_a_real_server_that_stops_in_the_middle_costs_nothing(tiny_market, tmp_path, server: Server, monkeypatch):
    from edgeproof.train.loggers import tracker

    class Stopping(tracker.Tracker):
        """Stops the server after the second epoch, and sends at every one."""

        def epoch(self, row):
            self.outbox.row(row)
            if row["epoch"] == 2:
                server.stop()
            self.send()

    real = tracker.open_tracker
    lines: list[str] = []

    def stopping(*words, **named):
        made = real(*words, **named)
        assert made is not None
        return Stopping(made.outbox, made.sender)

    monkeypatch.setattr("edgeproof.recipe.tracking.open_tracker", stopping)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    config, out = body(uri=server.uri), tmp_path / "run"
    made = run(config, tiny_market, out=out, workspace=tmp_path, beside=False, write=lines.append)
    assert len(made.history) == EPOCHS
    assert len([line for line in lines if line.startswith("warning: MLflow has not taken")]) == 1
    monkeypatch.undo()
    # away at the start of a resumed run too: a warning, no refusal
    again = run(config, tiny_market, out=out, workspace=tmp_path, beside=False, write=lines.append)
    assert {**again.verdict, "seconds": 0} == {**made.verdict, "seconds": 0}
    server.start()
    made = run(config, tiny_market, out=out, workspace=tmp_path, beside=False, write=lines.append)
    client, run_id = client_and_id(out, server.uri)
    check_what_stands_there(client, run_id, made)
    with pytest.raises(ConfigError, match="cannot be used"):
        run(body(uri="http://127.0.0.1:9"), tiny_market, out=tmp_path / "other", workspace=tmp_path, write=print)
    assert not (tmp_path / "other").exists()
