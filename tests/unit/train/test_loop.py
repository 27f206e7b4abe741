"""A training learns, keeps its best epochs, stops in time, and refuses what cannot be trained."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edgeproof.core.config import from_mapping
from edgeproof.core.container import read_container
from edgeproof.core.errors import BundleError, ConfigError, Interrupted, TrainError
from edgeproof.core.progress import Progress
from edgeproof.core.rng import Rng
from edgeproof.models.logistic import LogisticConfig
from edgeproof.models.mlp import MlpConfig
from edgeproof.stats import classify
from edgeproof.testing.market import tiny_dataset
from edgeproof.train import OPTIMISERS, SCHEDULERS, keep, loop
from edgeproof.train.forecast import predict
from edgeproof.train.losses import BceConfig, FocalConfig
from edgeproof.train.settings import TrainConfig

COLUMNS = {
    "epoch",
    "train_loss",
    "log_loss",
    "accuracy",
    "precision",
    "recall",
    "f1_plus",
    "f1_threshold",
    "auc",
    "pr_auc",
    "brier",
    "lr",
    "grad_norm",
    "seconds",
    "best",
}


def settings(**body) -> TrainConfig:
    return from_mapping(TrainConfig, {"epochs": 4, "batch_size": 64, "lr": 0.03, "min_delta": 0.0} | body)


def train(folder, *, model=None, loss=None, data=None, seed=1, progress=None, **body):
    data = tiny_dataset(Rng(1)) if data is None else data
    return loop.fit(
        data,
        model or LogisticConfig(),
        loss or BceConfig(),
        settings(**body),
        rng=Rng(seed),
        folder=folder,
        progress=progress,
    )


def test_logistic_finds_a_linear_signal(tmp_path):
    """P(y) = sigmoid(2 x0 of the last bar): the fitted weight is there, the others are small."""
    data = tiny_dataset(Rng(3), bars=2500)
    trained = train(tmp_path, data=data, epochs=12)
    weight = trained.model.head.linear.weight.detach().numpy().reshape(6, 5)  # pyright: ignore
    assert weight[-1, 0] == pytest.approx(2.0, abs=0.25)
    rest = weight.copy()
    rest[-1, 0] = 0
    assert np.abs(rest).max() < 0.25
    assert trained.history[-1]["auc"] > 0.8


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_every_optimiser_and_schedule_trains(tmp_path, optimiser, scheduler):
    trained = train(tmp_path, optimiser=optimiser, scheduler=scheduler, warmup_share=0.1)
    assert trained.history[-1]["log_loss"] < math.log(2) - 0.01


def test_history_has_every_column_and_one_best(tmp_path):
    trained = train(tmp_path, model=MlpConfig(hidden=(8,)))
    assert [set(row) for row in trained.history] == [COLUMNS] * 4
    assert [row["epoch"] for row in trained.history] == [1, 2, 3, 4]
    losses = [row["log_loss"] for row in trained.history]
    assert [row["best"] for row in trained.history] == [loss == min(losses) for loss in losses]
    assert trained.best_epoch == 1 + int(np.argmin(losses))
    assert trained.seconds == pytest.approx(sum(row["seconds"] for row in trained.history))


def test_the_model_returned_is_the_best_epochs(tmp_path):
    data = tiny_dataset(Rng(1))
    trained = train(tmp_path, data=data, lr=0.5, epochs=6, scheduler="none")
    index = data.fold.validation
    said = predict(trained.model, data.x, index, window=data.window)
    p, y = said.probability.reshape(-1)[index], data.y.reshape(-1)[index]
    assert classify.log_loss(p, y) == pytest.approx(min(row["log_loss"] for row in trained.history), abs=1e-12)
    assert not trained.model.training


def test_three_best_checkpoints_and_last_are_kept(tmp_path):
    trained = train(tmp_path, epochs=7, lr=0.5, scheduler="none", loss_metric="auc", patience=None)
    scores = {row["epoch"]: row["auc"] for row in trained.history}
    best = sorted(scores, key=lambda epoch: (-scores[epoch], epoch))[:3]
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names[-1] == "last.safetensors"
    assert len(names) == 4
    assert {int(name[6:10]) for name in names[:-1]} == set(best)
    assert trained.checkpoint.name.startswith(f"epoch-{best[0]:04d}_auc-{scores[best[0]]:.6f}_")
    assert read_container(trained.checkpoint)[1]["figures"]["epoch"] == best[0]


def test_early_stopping_waits_for_patience(tmp_path):
    data = tiny_dataset(Rng(1), lean=0.0)  # coin flips: validation soon rises
    trained = train(tmp_path, data=data, epochs=50, lr=0.1, patience=3, min_delta=1e-4, scheduler="none")
    losses = [row["log_loss"] for row in trained.history]
    assert trained.ended == "patience"
    reference, waited = losses[0], 0
    for number, loss in enumerate(losses[1:], start=2):
        waited, reference = (0, loss) if loss < reference - 1e-4 else (waited + 1, reference)
        assert (waited == 3) == (number == len(losses))


def test_rates_follow_warm_up_and_cosine(tmp_path):
    """213 * 2 samples in batches of 64: 5 steps an epoch, 20 in all, 4 of them rising."""
    trained = train(tmp_path, warmup_share=0.2)
    steps = len(tiny_dataset(Rng(1)).fold.train) // 64 + 1
    total, rising = 4 * steps, round(0.2 * 4 * steps)
    for row in trained.history:
        last = row["epoch"] * steps - 1
        share = (1 + math.cos(math.pi * max(0, last - rising) / (total - rising))) / 2
        assert row["lr"] == pytest.approx(0.03 * min(1, (last + 1) / rising) * share)


def test_sample_weights_count(tmp_path):
    """Weight on the samples of one symbol alone gives the training on that symbol alone, to rounding."""
    data = tiny_dataset(Rng(1))
    weight = np.zeros_like(data.weight)
    weight[1] = 0.3
    only = data.fold.train[data.fold.train // data.x.shape[1] == 1]
    alone = replace(data, fold=replace(data.fold, train=only))
    options = {"epochs": 60, "batch_size": 4096, "scheduler": "none", "weight_decay": 0.0, "patience": None}
    first = train(tmp_path / "a", data=replace(data, weight=weight), **options)
    second = train(tmp_path / "b", data=alone, **options)
    assert first.history[-1]["train_loss"] == pytest.approx(second.history[-1]["train_loss"], rel=1e-5)
    weights = [trained.model.head.linear.weight.detach().numpy() for trained in (first, second)]  # pyright: ignore
    np.testing.assert_allclose(weights[0], weights[1], atol=1e-3)


def test_head_bias_from_prior(tmp_path):
    data = tiny_dataset(Rng(1))
    data = replace(data, y=(data.y * (data.x[:, :, 1] > 0.8)).astype(np.float32))
    share = data.y.reshape(-1)[data.fold.train].mean()
    trained = train(tmp_path, data=data, head_bias_from_prior=True, lr=1e-9, epochs=1)
    assert trained.model.head.linear.bias.item() == pytest.approx(math.log(share / (1 - share)), abs=1e-5)  # pyright: ignore


def test_gradient_norm_is_reported_before_clipping_and_clipping_bites(tmp_path):
    loose = train(tmp_path / "loose", optimiser="sgd", clip_norm=None, epochs=1)
    tight = train(tmp_path / "tight", optimiser="sgd", clip_norm=1e-9, epochs=1, weight_decay=0.0)
    assert loose.history[0]["grad_norm"] > 0.01
    assert tight.history[0]["grad_norm"] > 0.01
    assert np.abs(tight.model.head.linear.weight.detach().numpy()).max() < 1e-8  # pyright: ignore


@pytest.mark.parametrize("count", [3, 5, 129])
def test_no_batch_is_too_small_for_batch_norm(tmp_path, count):
    data = tiny_dataset(Rng(1))
    index = data.fold.train[:count]
    y = data.y.copy()
    y.reshape(-1)[index[:2]] = (0, 1)
    data = replace(data, y=y, fold=replace(data.fold, train=index))
    train(tmp_path, data=data, model=MlpConfig(hidden=(4,)), batch_size=2, epochs=1, lr=1e-4)


def test_one_class_is_refused_and_nothing_is_written(tmp_path):
    data = tiny_dataset(Rng(1))
    for part, text in (("train", "training labels are all 1"), ("validation", "validation labels are all 1")):
        y = data.y.copy()
        y.reshape(-1)[getattr(data.fold, part)] = 1
        with pytest.raises(TrainError, match=text):
            train(tmp_path / part, data=replace(data, y=y))
        assert not (tmp_path / part).exists()
    with pytest.raises(TrainError, match="have no weight"):
        train(tmp_path / "weight", data=replace(data, weight=np.zeros_like(data.weight)))


def test_a_training_that_explodes_names_epoch_and_remedy(tmp_path):
    data = tiny_dataset(Rng(1))
    with pytest.raises(TrainError, match=r"non-finite in epoch 1 .*lower train\.lr"):
        train(tmp_path, data=replace(data, x=data.x * np.float32(1e37)), clip_norm=None, lr=10.0)


def test_progress_has_a_line_an_epoch_with_time_left(tmp_path):
    lines: list[str] = []
    train(tmp_path, progress=Progress("epoch", 4, write=lines.append))
    assert len(lines) == 4
    assert "epoch 2/4  loss 0." in lines[1]
    assert "auc 0." in lines[1]
    assert "left" in lines[1]


def test_keyboard_interrupt_says_where_it_goes_on(tmp_path):
    def write(line: str) -> None:
        if " 2/" in line:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="stopped after epoch 2"):
        train(tmp_path, progress=Progress("epoch", 4, write=write))
    assert train(tmp_path).sha == train(tmp_path / "whole").sha


def test_a_finished_training_is_not_trained_again(tmp_path):
    first = train(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    again = train(tmp_path)
    assert again.history == first.history
    assert again.sha == first.sha
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("change", "says"),
    [({"lr": 0.1}, "train"), ({"seed": 2}, "seed"), ({"loss": FocalConfig()}, "loss"), ({"data": "other"}, "data")],
)
def test_another_training_in_the_folder_is_refused(tmp_path, change, says):
    train(tmp_path)
    changes: dict[str, Any] = {"data": tiny_dataset(Rng(5))} if "data" in change else change
    with pytest.raises(TrainError, match=f"another {says}; choose another folder"):
        train(tmp_path, **changes)


def test_a_truncated_checkpoint_is_refused_in_one_line(tmp_path):
    train(tmp_path)
    last = tmp_path / keep.LAST
    last.write_bytes(last.read_bytes()[:-100])
    with pytest.raises(BundleError, match="truncated"):
        train(tmp_path)


def test_other_conditions_of_a_resumed_training_are_a_finding(tmp_path, monkeypatch):
    train(tmp_path)
    monkeypatch.setattr(loop, "_machine", lambda *_: {"torch": "9.9", "threads": 64})
    (finding,) = train(tmp_path).findings
    assert (finding.check, finding.level) == ("train.resume", "warning")
    assert finding.evidence["torch"][1] == "9.9"


def test_a_kill_at_any_write_leaves_a_training_that_ends_the_same(tmp_path, monkeypatch):
    """Stop before and after every single write of a training of three epochs, then go on."""
    options = {"model": MlpConfig(hidden=(8,), embedding=2), "epochs": 3}
    whole = train(tmp_path / "whole", **options)
    write = keep.write_container

    def stop_at(number: int, done: bool):
        count = iter(range(100))

        def stopping(*arguments):
            mine = next(count) == number
            if mine and not done:
                raise MemoryError
            write(*arguments)
            if mine:
                raise MemoryError

        return stopping

    stops = 0
    for number in range(6):
        for done in (False, True):
            folder = tmp_path / f"{number}{done}"
            monkeypatch.setattr(keep, "write_container", stop_at(number, done))
            try:
                train(folder, **options)
            except MemoryError:
                stops += 1
            monkeypatch.setattr(keep, "write_container", write)
            resumed = train(folder, **options)
            assert resumed.sha == whole.sha
            assert len(list(folder.iterdir())) == 4
    assert stops == 12


def test_settings_refuse_typos_and_impossible_values():
    for body, says in (
        ({"epoch": 3}, "did you mean 'epochs'"),
        ({"batch_size": 1}, "batch_size"),
        ({"optimiser": "adamv"}, "unknown optimiser 'adamv'; did you mean"),
        ({"scheduler": {"name": "cosine", "floor": 0.1}}, "did you mean 'floor_share'"),
        ({"loss_metric": "loss"}, "loss_metric"),
    ):
        with pytest.raises(ConfigError, match=says):
            from_mapping(TrainConfig, body)
