"""The steps of a training that a search hears: epochs of a model, validations of an agent, the best of a population."""

import pytest

from edgeproof.core.container import write_container
from edgeproof.recipe.config import RunConfig, load_run_config
from edgeproof.recipe.scores import rows_on_disk, scorer


def config(*overrides: str) -> RunConfig:
    return load_run_config({"costs": {"commission_bps": 1.0}}, overrides)


def row(update: int, score: float | None, sharpe: float | None = None) -> dict:
    return {"fold": 0, "update": update, "validation_score": score, "validation_sharpe": sharpe}


def test_a_models_epochs_are_steps_and_log_loss_stands_for_money():
    assert scorer(config(), "auc")({"epoch": 3, "auc": 0.6, "log_loss": 0.5}) == (2, 0.6)
    assert scorer(config(), "net_sharpe")({"epoch": 1, "auc": 0.6, "log_loss": 0.5}) == (0, -0.5)
    assert scorer(config(), "auc")({"epoch": 3, "auc": None, "log_loss": 0.5}) is None


def test_an_agents_validations_are_steps_the_last_one_too():
    """21 updates are validated every other one, and at the end."""
    agent = config("agent=ppo", "agent.steps=1", "agent.accounts=2", "agent.total_steps=42")
    heard = scorer(agent, "net_growth")
    assert heard(row(1, None)) is None
    assert heard({"fold": 0, "epoch": 1, "log_loss": 0.5}) is None  # its encoder learns
    assert [heard(row(update, float(update))) for update in (2, 4, 20, 21)] == [(0, 2.0), (1, 4.0), (9, 20.0), (10, 21)]
    assert scorer(agent, "net_sharpe")(row(2, 0.1, 1.5)) == (0, 1.5)
    assert scorer(agent, "net_sharpe")(row(2, 0.0, None)) == (0, 0.0)  # it never trades


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1]])
def test_the_best_member_stands_for_a_population(order):
    heard = scorer(config("agent=ppo", "combine={name: multi_start, seeds: 3}", "agent.mode=standard"), "net_growth")
    scores = [0.5, 1.5, -0.5]
    told = [heard(row(20, scores[place])) for place in order]
    assert told == [None, None, (0, 1.5)]


def test_rows_that_lie_on_disk_are_those_that_are_told(tmp_path):
    history = [{"update": 1, "validation.score": [0.1, 0.2], "kl": [0.0, 0.0]}, {"update": 2, "kl": [0.1, 0.1]}]
    write_container(tmp_path / "fold-00" / "last.safetensors", {}, {"standing": {"history": history}})
    rows = rows_on_disk(tmp_path)
    assert [(one["fold"], one["update"], one.get("validation_score")) for one in rows] == [
        (0, 1, 0.1),
        (0, 2, None),
        (0, 1, 0.2),
        (0, 2, None),
    ]
    assert rows_on_disk(tmp_path / "nothing") == []
