"""Averages of weights: by hand, against torch's own, and in a training: begun in time, scored, kept, returned."""

import numpy as np
import pytest
import torch
from torch import nn

from edgeproof.core.container import read_container
from edgeproof.core.rng import Rng
from edgeproof.models.logistic import LogisticConfig
from edgeproof.models.mlp import MlpConfig
from edgeproof.testing.market import tiny_dataset
from edgeproof.train.average import Averaged, EmaConfig, SwaConfig, recompute_batch_norm
from edgeproof.train.forecast import predict
from edgeproof.train.keep import LAST, below
from edgeproof.train.seeding import seeded
from tests.unit.train.test_loop import train


class _One(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.zeros(1))


def put(module: _One, value: float) -> _One:
    with torch.no_grad():
        module.w.fill_(value)
    return module


def test_ema_by_hand():
    """From 0 over weights 1, 2, 3 with decay 0.15: shares kept are 1/10, then 0.15 (2/11 is more), then 0.15."""
    live = _One()
    mean = EmaConfig(decay=0.15).build(live, epochs=1)
    expected, keeps = 0.0, (0.1, 0.15, 0.15)
    for value, keep in zip((1.0, 2.0, 3.0), keeps, strict=True):
        mean.after_step(put(live, value))
        expected = keep * expected + (1 - keep) * value
        assert mean.model.get_parameter("w").item() == pytest.approx(expected)


def test_swa_is_the_plain_mean_of_late_epochs():
    live = _One()
    mean = SwaConfig(start_share=0.5).build(live, epochs=6)
    assert [mean.counts(epoch) for epoch in range(6)] == [False] * 3 + [True] * 3
    for epoch, value in enumerate((9.0, 9.0, 9.0, 1.0, 2.0, 6.0)):
        mean.after_step(put(live, value))  # an average over epochs takes nothing from steps
        mean.after_epoch(live, epoch)
    assert mean.model.get_parameter("w").item() == pytest.approx(3.0)


def test_swa_is_torchs():
    with seeded(Rng(1)):
        live = MlpConfig(hidden=(4,)).build(2, 3, 2)
    ours, theirs = Averaged(live), torch.optim.swa_utils.AveragedModel(live)
    for epoch in range(4):
        with torch.no_grad(), seeded(Rng(2).child(epoch)):
            for parameter in live.parameters():
                parameter.add_(torch.randn_like(parameter))
        ours.after_epoch(live, epoch)
        theirs.update_parameters(live)
    for mine, other in zip(ours.model.parameters(), theirs.module.parameters(), strict=True):
        torch.testing.assert_close(mine, other)


def test_batch_norm_of_an_average_is_that_of_its_own_activations():
    """Mean and variance behind the first linear layer, over all samples, in plain NumPy."""
    noise = Rng(3).torch()
    with seeded(Rng(4)):
        model = MlpConfig(hidden=(4,), embedding=2, dropout=0.5).build(n_features=2, window=3, n_assets=3)
    x, asset = 2 + torch.randn(300, 3, 2, generator=noise), torch.arange(300) % 3
    recompute_batch_norm(model, [(x, asset)])
    w = {name: value.double().numpy() for name, value in model.state_dict().items()}
    inner = np.concatenate((x.double().numpy().reshape(300, 6), w["encoder.embedding.weight"][asset.numpy()]), axis=1)
    inner = inner @ w["encoder.layers.0.weight"].T + w["encoder.layers.0.bias"]
    np.testing.assert_allclose(w["encoder.layers.1.running_mean"], inner.mean(0), rtol=1e-5)
    np.testing.assert_allclose(w["encoder.layers.1.running_var"], inner.var(0, ddof=1), rtol=1e-5)
    assert not any(module.training for module in model.modules())
    assert model.encoder.layers[1].momentum == 0.1  # pyright: ignore


def test_swa_trains_at_its_own_rate_and_returns_the_mean(tmp_path):
    """Without momentum or noise of batches, the average of the weights after the last two of four epochs."""
    body = {"scheduler": "none", "patience": None, "loss_metric": "auc", "min_delta": 0.0}
    swa = {"name": "swa", "start_share": 0.5, "lr": 0.02}
    live = []
    for epochs in (3, 4):  # the live weights after epochs 3 and 4
        start = {"name": "swa", "start_share": 2 / epochs, "lr": 0.02}
        train(tmp_path / str(epochs), epochs=epochs, average=start, **body)
        arrays, _, _ = read_container(tmp_path / str(epochs) / LAST)
        live.append(arrays["model.head.linear.weight"])
    trained = train(tmp_path / "swa", epochs=4, average=swa, **body)
    assert [row["lr"] for row in trained.history] == [0.03, 0.03, 0.02, 0.02]
    arrays, _, _ = read_container(tmp_path / "swa" / LAST)
    np.testing.assert_allclose(arrays["average.head.linear.weight"], (live[0] + live[1]) / 2, rtol=1e-6)
    np.testing.assert_array_equal(arrays["model.head.linear.weight"], live[1])


@pytest.mark.parametrize("average", ["swa", "ema"])
def test_the_average_is_what_is_scored_kept_and_returned(tmp_path, average):
    data = tiny_dataset(Rng(1))
    options = {"data": data, "model": MlpConfig(hidden=(8,)), "patience": None}
    trained = train(tmp_path, average=average, **options)
    arrays, header, _ = read_container(tmp_path / LAST)
    last = header["memory"]["history"][-1]
    model = trained.model
    model.load_state_dict(
        {
            name: torch.from_numpy(array).reshape(model.state_dict()[name].shape)
            for name, array in below("average.", arrays).items()
        }
    )
    index = data.fold.validation
    p = predict(model, data.x, index, window=data.window).probability.reshape(-1)[index]
    y = data.y.reshape(-1)[index]
    assert -np.log(np.where(y == 1, p, 1 - p)).mean() == pytest.approx(last["log_loss"], rel=1e-6)
    plain = train(tmp_path / "plain", **options)
    assert plain.history[-1]["log_loss"] != last["log_loss"]


def test_an_average_calms_a_restless_training(tmp_path):
    """At a high constant rate on noisy labels the last weights wander; their average is nearer to the best."""
    data = tiny_dataset(Rng(5), bars=300, lean=1.0)
    body = {"data": data, "model": LogisticConfig(), "lr": 0.1, "batch_size": 16, "scheduler": "none", "patience": None}
    last = {
        name: train(tmp_path / name, average=name, epochs=6, **body).history[-1]["log_loss"]
        for name in ("none", "ema", "swa")
    }
    assert last["ema"] < last["none"] - 0.01
    assert last["swa"] < last["none"] - 0.01


def test_early_stopping_waits_for_the_average(tmp_path):
    data = tiny_dataset(Rng(1), lean=0.0)
    body = {"data": data, "epochs": 12, "lr": 0.1, "patience": 2, "scheduler": "none", "min_delta": 1e9}
    assert len(train(tmp_path / "plain", **body).history) == 3
    assert len(train(tmp_path / "swa", average="swa", **body).history) == 11  # 9 epochs before it begins, 2 of waiting
