"""Every switch of a training does what it says: accumulation, precision, found batches, determinism, losses."""

from typing import Literal

import numpy as np
import pytest
import torch
from torch import nn

from edgeproof.core.config import Config, from_mapping
from edgeproof.core.container import read_container
from edgeproof.core.errors import ConfigError, Interrupted, TrainError
from edgeproof.core.progress import Progress
from edgeproof.core.rng import Rng
from edgeproof.models.gru_attention import GruAttentionConfig
from edgeproof.models.heads import BinaryHead, Classifier
from edgeproof.models.mlp import MlpConfig
from edgeproof.testing.market import tiny_dataset
from edgeproof.train import LOSSES
from edgeproof.train.batch import find_batch_size, is_out_of_memory
from edgeproof.train.forecast import predict
from edgeproof.train.keep import LAST
from edgeproof.train.precision import Mixed, resolved
from edgeproof.train.settings import TrainConfig
from tests.unit.train.test_loop import train

SMALL_GRU = GruAttentionConfig(hidden=8, attention=8, dense=4, dropout=0.0)
PLAIN_MLP = MlpConfig(hidden=(8,), batch_norm=False, dropout=0.0)


def weights(folder) -> dict[str, np.ndarray]:
    arrays, _, _ = read_container(folder / LAST)
    return {name: array for name, array in arrays.items() if name.startswith("model.")}


@pytest.mark.parametrize("model", [PLAIN_MLP, SMALL_GRU], ids=["mlp", "gru"])
def test_accumulated_parts_are_the_whole_batch(tmp_path, model):
    """In parts of 16 as in one of 64, sample weights and an uneven last part included, to float tolerance."""
    data = tiny_dataset(Rng(1))
    data.weight[:] = Rng(2).numpy().uniform(0.5, 2.0, data.weight.shape)
    body = {"data": data, "model": model, "epochs": 2, "lr": 3e-3, "optimiser": "sgd", "precision": "fp32"}
    whole = train(tmp_path / "whole", **body)
    parts = train(tmp_path / "parts", accumulate=5, **body)
    for name, array in weights(tmp_path / "whole").items():
        np.testing.assert_allclose(weights(tmp_path / "parts")[name], array, atol=2e-6)
    for mine, other in zip(whole.history, parts.history, strict=True):
        assert mine["train_loss"] == pytest.approx(other["train_loss"], rel=1e-5)
        assert mine["grad_norm"] == pytest.approx(other["grad_norm"], rel=1e-4)


def test_parts_of_less_than_two_samples_are_refused():
    with pytest.raises(ConfigError, match="batch_size 8 in 5 parts leaves less than two samples a part"):
        from_mapping(TrainConfig, {"batch_size": 8, "accumulate": 5})


class _Witness(nn.Module):
    """A linear encoder that writes down what it was run in."""

    def __init__(self, width: int, limit: int) -> None:
        super().__init__()
        self.linear, self.limit = nn.Linear(width, 4), limit
        self.seen: set[tuple[bool, torch.dtype, bool]] = set()
        self.sizes: set[int] = set()

    def forward(self, x_BLF: torch.Tensor, asset_B: torch.Tensor) -> torch.Tensor:
        del asset_B
        if self.training and len(x_BLF) > self.limit:
            raise torch.OutOfMemoryError("out of memory")
        z = self.linear(x_BLF.flatten(1))
        self.seen.add((self.training, z.dtype, torch.are_deterministic_algorithms_enabled()))
        self.sizes |= {len(x_BLF)} if self.training else set()
        return z


class WitnessConfig(Config):
    name: Literal["witness"] = "witness"

    def build(self, n_features: int, window: int, n_assets: int) -> Classifier:
        del n_assets
        return Classifier(_Witness(n_features * window, LIMIT[0]), BinaryHead(4))


LIMIT = [1_000_000]


def witness(trained) -> _Witness:
    return trained.model.encoder


def test_bf16_is_of_the_steps_and_not_of_the_forecasts(tmp_path):
    seen = {
        name: witness(train(tmp_path / name, model=WitnessConfig(), precision=name)).seen for name in ("fp32", "bf16")
    }
    assert seen["fp32"] == {(True, torch.float32, False), (False, torch.float32, False)}
    assert seen["bf16"] == {(True, torch.bfloat16, False), (False, torch.float32, False)}
    assert weights(tmp_path / "bf16")["model.head.linear.weight"].dtype == np.float32


@pytest.mark.parametrize("model", [MlpConfig(hidden=(16,)), SMALL_GRU], ids=["mlp", "gru"])
def test_bf16_learns_as_fp32(tmp_path, model):
    data = tiny_dataset(Rng(3), bars=500)
    body = {"data": data, "model": model, "lr": 1e-2, "epochs": 3}
    plain, mixed = (train(tmp_path / name, precision=name, **body) for name in ("fp32", "bf16"))
    assert plain.history[-1]["auc"] > 0.75
    assert mixed.history[-1]["auc"] == pytest.approx(plain.history[-1]["auc"], abs=0.02)
    assert mixed.sha != plain.sha


@pytest.mark.parametrize("can", [{"avx512_bf16": True}, {"amx_bf16": True}, {"avx512_bf16": False}, {}])
def test_auto_is_bf16_where_the_processor_has_it(monkeypatch, can):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: can)
    device = torch.device("cpu")
    assert resolved("auto", device) == ("bf16" if any(can.values()) else "fp32")
    assert (Mixed("auto", device).kind is torch.bfloat16) == any(can.values())
    assert resolved("auto", torch.device("cuda")) == "fp32"
    assert [resolved(name, device) for name in ("fp32", "bf16")] == ["fp32", "bf16"]


def test_a_training_resumed_in_another_precision_says_so(tmp_path, monkeypatch):
    """`auto` on a machine with bf16 and then on one without."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    assert train(tmp_path, epochs=1).findings == ()
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    (finding,) = train(tmp_path, epochs=1).findings
    assert finding.check == "train.resume"
    assert finding.evidence == {"precision": ["bf16", "fp32"]}


def test_fp16_without_cuda_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"train\.precision=fp16 needs a CUDA device"):
        train(tmp_path, precision="fp16")
    assert not (tmp_path / LAST).exists()


def test_a_step_that_overflows_is_left_out_and_the_next_loss_is_scaled_less():
    """The scaler of float16, here on the CPU: 2^127 times a gradient of 4 overflows, 2^126 times 1 does not."""
    weight = torch.nn.Parameter(torch.tensor([1.0]))
    model, optimiser = nn.ParameterList([weight]), torch.optim.SGD([weight], lr=0.5)
    mixed = Mixed("fp32", torch.device("cpu"))
    mixed.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127)
    mixed.backward((4 * weight).sum())
    assert mixed.step(optimiser, model, limit=None).item() == 0
    assert weight.item() == 1.0
    again = Mixed("fp32", torch.device("cpu"))  # as after a resume
    again.scaler = torch.amp.GradScaler("cpu")
    again.load(mixed.arrays())
    for one in (mixed, again):
        optimiser.zero_grad()
        one.backward(weight.sum())
        assert one.scaler is not None
        assert one.scaler.get_scale() == 2.0**126
        assert one.step(optimiser, model, limit=0.5).item() == pytest.approx(1.0)
    assert weight.item() == pytest.approx(0.5)  # two steps of 0.5 times the clipped gradient of 0.5
    assert again.arrays() == mixed.arrays()


def test_deterministic_holds_in_the_training_and_only_there(tmp_path):
    said = witness(train(tmp_path, model=WitnessConfig(), deterministic=True)).seen
    assert {flag for _, _, flag in said} == {True}
    assert not torch.are_deterministic_algorithms_enabled()


def test_the_largest_batch_that_fits():
    def fits(limit: int):
        def step(size: int) -> None:
            if size > limit:
                raise RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried to allocate")

        return step

    assert find_batch_size(fits(10**9), 100_000, "cpu") == 4096  # 16 steps an epoch are left
    assert find_batch_size(fits(10**9), 10**8, "cpu") == 8192
    assert find_batch_size(fits(1000), 100_000, "cpu") == 512
    assert find_batch_size(fits(0), 100, "cpu") == 2
    assert find_batch_size(fits(1000), 100_000, "cpu", least=6) == 768
    assert find_batch_size(fits(0), 20, "cpu", least=6) == 6

    def broken(size: int) -> None:
        raise RuntimeError(f"shapes do not fit at {size}")

    with pytest.raises(RuntimeError, match="shapes"):
        find_batch_size(broken, 100_000, "cpu")
    assert is_out_of_memory(MemoryError())


def test_a_found_batch_is_frozen_into_the_checkpoint(tmp_path, monkeypatch):
    """Found while 20 samples fit, it is still 16 when the training is taken up on a machine where more would."""
    data = tiny_dataset(Rng(1), bars=400)  # 796 training samples: at most 32 a step
    body = {"data": data, "model": WitnessConfig(), "batch_size": "auto"}

    def stop(line: str) -> None:
        if " 2/" in line:
            raise KeyboardInterrupt

    monkeypatch.setattr(f"{__name__}.LIMIT", [20])
    with pytest.raises(Interrupted):
        train(tmp_path / "a", progress=Progress("epoch", 4, write=stop), **body)
    monkeypatch.setattr(f"{__name__}.LIMIT", [10**9])
    assert max(witness(train(tmp_path / "a", **body)).sizes) == 16
    assert read_container(tmp_path / "a" / LAST)[1]["memory"]["batch_size"] == 16
    assert max(witness(train(tmp_path / "b", **body)).sizes) == 32


def test_finding_a_batch_leaves_the_training_as_it_was(tmp_path):
    """Model, order and dropout are those of a training that was given the size."""
    data = tiny_dataset(Rng(1), bars=400)
    body = {"data": data, "model": MlpConfig(hidden=(8,), embedding=2), "epochs": 2}
    assert train(tmp_path / "a", batch_size="auto", **body).sha == train(tmp_path / "b", batch_size=32, **body).sha


def test_memory_that_runs_out_in_a_training_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(f"{__name__}.LIMIT", [20])
    with pytest.raises(TrainError, match=r"out of memory in a step of 6\d samples; set train\.accumulate=2"):
        train(tmp_path / "a", model=WitnessConfig())
    assert max(witness(train(tmp_path / "b", model=WitnessConfig(), accumulate=4)).sizes) <= 20


@pytest.mark.parametrize("metric", ["log_loss", "f1_plus", "recall", "precision", "auc", "pr_auc"])
def test_the_metric_decides_which_epoch_is_best(tmp_path, metric):
    body = {"lr": 0.3, "scheduler": "none", "epochs": 5, "patience": None, "loss_metric": metric}
    trained = train(tmp_path, **body)
    scores = [row[metric] * (-1 if metric == "log_loss" else 1) for row in trained.history]
    assert trained.best_epoch == 1 + int(np.argmax(scores))
    assert f"_{metric}-" in trained.checkpoint.name


def test_smoothing_draws_forecasts_to_the_middle_and_class_weights_even_them(tmp_path):
    """Where the gradient of the bias is zero: the mean forecast is the share of positives for cross-entropy; with
    weights n / n_class the forecasts of both classes have means that add up to 1 (the mean over even classes is 0.5).
    """
    data = tiny_dataset(Rng(1), bars=600)
    data.y[:] = data.y * (data.x[:, :, 1] > 0.5)
    index = data.fold.train
    y = data.y.reshape(-1)[index]
    p = {}
    for key, name, smoothing in (("bce", "bce", 0.0), ("smooth", "bce", 0.1), ("even", "weighted_bce", 0.0)):
        loss = from_mapping(LOSSES[name], {"label_smoothing": smoothing})
        body = {"data": data, "epochs": 25, "patience": None, "weight_decay": 0.0, "lr": 0.05}
        trained = train(tmp_path / key, loss=loss, **body)
        p[key] = predict(trained.model, data.x, index, window=data.window).probability.reshape(-1)[index]
    assert p["bce"].mean() == pytest.approx(y.mean(), abs=0.01)
    assert p["smooth"].mean() == pytest.approx(0.9 * y.mean() + 0.05, abs=0.01)
    assert p["even"][y == 1].mean() + p["even"][y == 0].mean() == pytest.approx(1, abs=0.03)
