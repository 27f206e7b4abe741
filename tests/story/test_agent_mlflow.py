"""A population's run at MLflow: every update of every member stands there, sent in batches; its lines tell the pace."""

import json

import pytest

import edgeproof as ep
from edgeproof.ledger.store import Ledger
from edgeproof.recipe.templates import template_body
from edgeproof.train.loggers.connect import connect
from edgeproof.train.loggers.settings import MlflowConfig

UPDATES, MEMBERS = 6, 2
SMALL = [
    "features=[close_location,body_share]",
    "window=4",
    "gates.profile=none",
    "agent.steps=16",
    "agent.accounts=32",
    f"agent.total_steps={UPDATES * 16 * 32}",
    "agent.minibatch=128",
    "agent.net.actor=[8]",
    "agent.net.critic=[8]",
    "environment.episode_bars=64",
    "tracking=mlflow",
    f"combine={{name: multi_start, seeds: {MEMBERS}}}",
]


@pytest.mark.slow
def test_a_population_is_tracked_in_batches_and_says_its_pace(tiny_market, tracking_workspace, monkeypatch):
    from mlflow import MlflowClient

    sent, real, lines = [], MlflowClient.log_batch, []

    def counted(self, run_id, metrics=(), *more, **options):
        sent.append(len(metrics))
        return real(self, run_id, metrics, *more, **options)

    monkeypatch.setattr(MlflowClient, "log_batch", counted)
    out = tracking_workspace / "run"
    run = ep.run(
        template_body("rl_training"), tiny_market, out=out, overrides=SMALL, write=lines.append, workspace=out.parent
    )

    client = connect(MlflowConfig(), out.parent).client
    run_id = json.loads((out / "tracking" / "mlflow.json").read_text())["run_id"]
    stored = client.get_run(run_id)
    assert stored.data.tags["phase"] == "reinforcement"
    assert stored.data.tags["model_type"] == "ppo"
    assert stored.data.params["agent.lr"] == "0.0003"
    assert stored.data.metrics["validation.net.sharpe"] == run.verdict["validation"]["net"]["sharpe"]
    told = {metric.step: metric.value for metric in client.get_metric_history(run_id, "entropy")}
    assert sorted(told) == list(range(1, UPDATES * MEMBERS + 1))  # members one after the other, as trainings in a row
    kept = json.loads((out / "bundle" / "bundle.json").read_text())["lineage"]["combine"]["kept"]
    first = {f"start {place + 1}/{MEMBERS}": place * UPDATES for place in range(MEMBERS)}[kept]
    assert [told[first + epoch] for epoch in run.history["epoch"]] == run.history["entropy"].to_list()
    assert sum(sent) > 10 * len(sent)  # figures are many, calls are few
    assert len(sent) < 12

    updates = [line for line in "".join(lines).splitlines() if "update" in line]
    assert len(updates) == UPDATES
    assert all("steps/s" in line for line in updates)
    assert all(line.endswith("left") for line in updates[:-1])
    labels = [row.body.get("label") for row in Ledger(out.parent).rows("training")]
    assert labels == ["training of ppo", "start 1/2", "start 2/2"]
