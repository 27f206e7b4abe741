"""Runs at MLflow that plain PyTorch programs logged in their own words are diagnosed as edgeproof's own are."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import nn

from edgeproof.train.loggers.connect import quiet
from tests.story.tracking_server import Server, server

__all__ = ["server"]

Log = Callable[[Mapping[str, float], int], object]


@pytest.fixture
def store(migrated, tmp_path) -> str:
    """The address of somebody's own database."""
    shutil.copy(migrated, tmp_path / "theirs.db")
    return f"sqlite:///{tmp_path / 'theirs.db'}"


@contextmanager
def logged(uri: str, params: Mapping[str, Any], *, ends: bool = True) -> Iterator[tuple[str, Log]]:
    """A run as a training script opens it, by MLflow's usual calls."""
    with quiet():
        import mlflow
        from mlflow.tracking import fluent

        mlflow.set_tracking_uri(uri)
        run = mlflow.start_run(run_name="theirs")
        mlflow.log_params(dict(params))
        try:
            yield run.info.run_id, lambda figures, step: mlflow.log_metrics(dict(figures), step=step)
        finally:
            if ends:
                mlflow.end_run()
            else:  # still running: the script has not come to its end
                fluent._active_run_stack.set([])
            mlflow.set_tracking_uri(None)  # pyright: ignore[reportArgumentType] - forgets the address


@dataclass(frozen=True)
class Task:
    """Binary labels told by two of ten inputs, a part of them turned around; rows for training and for validation."""

    x: torch.Tensor
    y: torch.Tensor
    rows: int

    def halves(self) -> tuple[tuple[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]:
        return (self.x[: self.rows], self.y[: self.rows]), (self.x[self.rows :], self.y[self.rows :])


def task(rows: int, wrong: float = 0.0) -> Task:
    draw = torch.Generator().manual_seed(3)
    x = torch.randn(rows + 512, 10, generator=draw)
    y = (x[:, 0] + x[:, 1] > 0) ^ (torch.rand(rows + 512, generator=draw) < wrong)
    return Task(x, y.float(), rows)


def loss_of(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return nn.functional.binary_cross_entropy_with_logits(model(x).squeeze(1), y)


def network(width: int = 32) -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(10, width), nn.ReLU(), nn.Linear(width, 1))


def one_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, x: torch.Tensor, y: torch.Tensor
) -> tuple[float, float]:
    """(loss, gradient norm) of a step of training."""
    loss = loss_of(model, x, y)
    optimiser.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), 1e9)
    optimiser.step()
    return loss.item(), norm.item()


def by_step(uri: str, rate: float) -> str:
    """Losses of steps and of epochs, each counted by itself; a squared error on raw inputs."""
    (x, y), (x_held, y_held) = task(512).halves()
    model = network()
    optimiser = torch.optim.SGD(model.parameters(), rate)
    with logged(uri, {"learning_rate": rate, "batch_size": 64, "optimizer": "SGD"}) as (run_id, log):
        for epoch in range(4):
            for number, (part, target) in enumerate(zip(x.split(64), y.split(64), strict=True)):
                loss = (model(part).squeeze(1) - target).square().mean()
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                log({"training_loss": loss.item()}, 8 * epoch + number)
            log({"validation_loss": (model(x_held).squeeze(1) - y_held).square().mean().item()}, epoch)
    return run_id


def by_epoch(
    uri: str, rate: float, *, epochs: int = 6, ends: bool = True, names: tuple[str, str] = ("Loss/train", "Loss/val")
) -> str:
    """A row an epoch, in TensorBoard's manner of naming."""
    (x, y), (x_held, y_held) = task(512).halves()
    model = network()
    optimiser = torch.optim.Adam(model.parameters(), rate)
    with logged(uri, {"optim.lr": rate, "epochs": epochs}, ends=ends) as (run_id, log):
        for epoch in range(1, epochs + 1):
            steps = [
                one_step(model, optimiser, part, target) for part, target in zip(x.split(64), y.split(64), strict=True)
            ]
            held = loss_of(model, x_held, y_held).item()
            log({names[0]: sum(loss for loss, _ in steps) / len(steps), names[1]: held, "lr": rate}, epoch)
    return run_id


def as_trainers_do(uri: str) -> str:
    """`loss` every ten steps, `eval_loss` every fifty, `train_loss` once at the end; learns 128 samples by heart."""
    (x, y), (x_held, y_held) = task(128, wrong=0.3).halves()
    model = network(256)
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    with logged(uri, {"learning_rate": 3e-3, "per_device_train_batch_size": 128, "weight_decay": 0.0}) as (run_id, log):
        recent: list[float] = []
        for step in range(1, 501):
            loss, norm = one_step(model, optimiser, x, y)
            recent.append(loss)
            if step % 10 == 0:
                log({"loss": sum(recent[-10:]) / 10, "grad_norm": norm, "learning_rate": 3e-3}, step)
            if step % 50 == 0:
                log({"eval_loss": loss_of(model, x_held, y_held).item()}, step)
        log({"train_loss": sum(recent) / len(recent), "train_runtime": 1.0}, 500)
    return run_id


def asked(edgeproof, run_id: str, uri: str, *words: str) -> dict[str, Any]:
    answer = edgeproof("doctor", f"mlflow:{run_id}", "--uri", uri, *words, "--json")
    assert answer.status in (0, 1), answer.err
    body = json.loads(answer.out)
    assert answer.status == any(one["level"] != "info" for one in body["findings"])
    return body


def first(body: Mapping[str, Any], check: str) -> dict[str, Any]:
    (found,) = [finding for finding in body["findings"] if finding["check"] == check]
    return found["evidence"]["causes"][0]


def test_steps_that_explode_are_named_with_their_own_rate_and_program(edgeproof, store):
    body = asked(edgeproof, by_step(store, rate=50.0), store)
    cause = first(body, "doctor.not_finite")
    assert cause["name"] == "learning rate too high"
    assert "learning_rate=0.001 (was 50.0)" in cause["command"]
    assert asked(edgeproof, by_step(store, rate=0.2), store)["findings"] == []  # the fix, tested


def test_a_rate_that_moves_nothing_is_named(edgeproof, store):
    body = asked(edgeproof, by_epoch(store, 1e-9), store, "--prior", "0.693")
    cause = first(body, "doctor.flat")
    assert cause["name"] == "learning rate too low"
    assert "optim.lr=0.001 (was 1e-09)" in cause["command"]


def test_a_model_that_learns_by_heart_is_named_in_a_trainers_words(edgeproof, store):
    body = asked(edgeproof, as_trainers_do(store), store)
    assert body["epochs"] == 10
    assert first(body, "doctor.overfit")["name"] == "room to learn the samples by heart"


def test_a_training_cut_short_is_named_once_it_has_ended(edgeproof, store):
    assert asked(edgeproof, by_epoch(store, 1e-3, epochs=4, ends=False), store)["findings"] == []
    body = asked(edgeproof, by_epoch(store, 1e-3, epochs=4), store)
    assert "epochs=16 (was 4)" in first(body, "doctor.undertrained")["command"]


def test_foreign_names_are_told_by_an_option_and_a_run_without_a_loss_is_refused_in_one_line(edgeproof, store):
    run_id = by_epoch(store, 1e-9, names=("objective", "held_out"))
    refused = edgeproof("doctor", f"mlflow:{run_id}", "--uri", store)
    assert (refused.status, refused.err.count("\n")) == (2, 1)
    assert "(held_out, lr, objective)" in refused.err
    assert "--metric train_loss=NAME" in refused.err
    words = ("--metric", "train_loss=objective", "--metric", "val_loss=held_out")
    assert first(asked(edgeproof, run_id, store, *words), "doctor.flat")
    for word, said in (("train_loss=objektiv", "no metric 'objektiv'"), ("loss_train=", "write train_loss=NAME")):
        refused = edgeproof("doctor", f"mlflow:{run_id}", "--uri", store, "--metric", word)
        assert (refused.status, refused.err.count("\n")) == (2, 1)
        assert said in refused.err


def test_what_is_not_there_is_refused_in_one_line_and_nothing_is_made(edgeproof, store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    before = sorted(tmp_path.iterdir())
    for words, said in (
        (("mlflow:abc",), "no MLflow here"),
        (("mlflow:abc", "--uri", store), "mlflow:abc: not in sqlite:///"),
        (("mlflow:abc", "--uri", f"sqlite:///{tmp_path}/none.db"), "no such database"),
        (("mlflow:abc", "--market", tmp_path, "--uri", store), "without --market"),
        ((tmp_path, "--prior", "0.7"), "belong to a run at MLflow"),
    ):
        answer = edgeproof("doctor", *words)
        assert (answer.status, answer.err.count("\n")) == (2, 1), answer.err
        assert said in answer.err
    assert sorted(tmp_path.iterdir()) == before


def test_the_database_that_mlflow_makes_here_is_found_by_itself(edgeproof, store, tmp_path, monkeypatch):
    run_id = by_epoch(store, 1e-9)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "here").mkdir()
    shutil.copy(tmp_path / "theirs.db", tmp_path / "here" / "mlflow.db")
    monkeypatch.chdir(tmp_path / "here")
    assert "1. learning rate too low" in edgeproof("doctor", f"mlflow:{run_id}").out


@pytest.mark.slow
def test_a_run_on_a_real_server_is_read_while_it_runs(edgeproof, server: Server):
    run_id = by_epoch(server.uri, 1e-9, ends=False)
    assert (
        first(asked(edgeproof, run_id, server.uri, "--prior", "0.693"), "doctor.flat")["name"]
        == "learning rate too low"
    )
    refused = edgeproof("doctor", "mlflow:none", "--uri", server.uri)
    assert (refused.status, refused.err.count("\n")) == (2, 1)
