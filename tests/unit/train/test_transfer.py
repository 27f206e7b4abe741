"""An encoder out of a bundle: taken over whole, refused where it does not fit, frozen without a difference."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch import nn

from edgeproof.core.catalog import whole
from edgeproof.core.config import Config, from_mapping
from edgeproof.core.container import read_container
from edgeproof.core.errors import ConfigError, Interrupted, OptionError, TrainError
from edgeproof.core.identity import sha_named
from edgeproof.core.progress import Progress
from edgeproof.core.rng import Rng
from edgeproof.models import MODELS
from edgeproof.models.cnn_lstm import CnnLstmConfig
from edgeproof.models.ensemble import EnsembleConfig
from edgeproof.models.gbm import GbmConfig
from edgeproof.models.gru_attention import GruAttentionConfig
from edgeproof.models.heads import BinaryHead, Classifier
from edgeproof.models.logistic import LogisticConfig
from edgeproof.models.lstm_attention import LstmAttentionConfig
from edgeproof.models.mlp import MlpConfig
from edgeproof.samples.dataset import Copies, Dataset
from edgeproof.testing.market import tiny_dataset
from edgeproof.train.bundle import Bundle, read_bundle, write_bundle
from edgeproof.train.epoch import part_of
from edgeproof.train.forecast import logits, predict
from edgeproof.train.keep import LAST, arrays_of
from edgeproof.train.loop import fit
from edgeproof.train.losses import BceConfig
from edgeproof.train.seeding import seeded
from edgeproof.train.settings import TrainConfig
from edgeproof.train.transfer import TransferConfig, encoded, take_encoder

F, L = 5, 6
NAMES = tuple(f"f{number}" for number in range(F))
SMALL: dict[str, Config] = {
    "mlp": MlpConfig(hidden=(12, 6), embedding=2),
    "lstm_attention": LstmAttentionConfig(hidden=6, attention=4, heads=2, dense=4),
    "gru_attention": GruAttentionConfig(hidden=6, attention=4, heads=2, dense=4),
    "cnn_lstm": CnnLstmConfig(channels=4, hidden=6),
}
SYMBOLS = ("S2", "NEW", "S0")


def parent_of(config: Config, symbols=("S0", "S1", "S2")) -> Bundle:
    """A bundle whose weights and batch-norm statistics are all off their start."""
    with seeded(Rng(3)):
        model: nn.Module = config.build(F, L, len(symbols))  # pyright: ignore[reportAttributeAccessIssue]
        with torch.no_grad():
            for tensor in model.state_dict().values():
                if tensor.is_floating_point():
                    tensor.add_(0.3 * torch.rand_like(tensor))
    return Bundle(model.eval(), config, L, NAMES, symbols, preprocessor={}, sha="a" * 64)


def start_of(config: Config, *, frozen: bool = False, **changed: Any):
    known: dict[str, Any] = {"features": NAMES, "window": L, "symbols": SYMBOLS} | changed
    return take_encoder(parent_of(config), config, frozen=frozen, **known)


def settings(**body: Any) -> TrainConfig:
    known = {"precision": "fp32", "epochs": 3, "batch_size": 32, "lr": 0.01, "min_delta": 0.0, "patience": None}
    return from_mapping(TrainConfig, known | body)


def train(folder: Path, config: Config, start=None, *, stop_after: int = 99, data=None, **body: Any):
    data = replace(tiny_dataset(Rng(1), bars=80), symbols=SYMBOLS) if data is None else data
    asked = settings(**body)

    def write(line: str) -> None:
        if f" {stop_after}/" in line:
            raise KeyboardInterrupt

    progress = Progress("epoch", asked.epochs, write=write)
    return fit(data, config, BceConfig(), asked, rng=Rng(5), folder=folder, progress=progress, start=start)


def test_every_model_with_an_encoder_is_here():
    assert set(SMALL) == set(MODELS) - {"logistic", "gbm", "ensemble"}


@pytest.mark.parametrize("name", SMALL)
def test_symbols_keep_their_vectors_and_a_new_one_begins_at_their_mean(name):
    config = SMALL[name]
    parent, start = parent_of(config), start_of(config)
    assert start.unknown == ("NEW",)
    if name == "cnn_lstm":
        assert not any("embedding" in key for key in start.arrays)
        return
    before = parent.model.encoder.embedding.weight.detach().numpy()  # pyright: ignore
    np.testing.assert_array_equal(start.arrays["embedding.weight"][[0, 2]], before[[2, 0]])
    np.testing.assert_allclose(start.arrays["embedding.weight"][1], before.mean(axis=0), atol=1e-6)


@pytest.mark.parametrize("name", SMALL)
def test_precomputed_equals_online(name):
    """Head of the encodings = model, in training as in evaluation mode, to 1e-5."""
    config = SMALL[name]
    model, data = parent_of(config).model.train(), tiny_dataset(Rng(2))
    x, T = torch.from_numpy(data.x), data.x.shape[1]
    parts = [part_of(data, index, torch.device("cpu"), "all") for index in (data.fold.train, data.fold.validation)]
    once = encoded(model, x, *parts, window=L, drawn=None)
    assert once.table.shape[:2] == (1, len(data.fold.train) + len(data.fold.validation))
    for part, moved in zip(parts, (once.train, once.validation), strict=True):
        online = logits(model, x, part.index, part.index // T, L)
        np.testing.assert_allclose(model.head(once.table[0, moved.index]).detach(), online, atol=1e-5)  # pyright: ignore
    assert model.training


class _Still(nn.Module):
    """An encoder that runs in every step, in evaluation mode, and is not trained."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.inner = encoder.requires_grad_(requires_grad=False)

    def train(self, mode: bool = True) -> "_Still":
        self.training = mode
        self.inner.eval()
        return self

    def forward(self, x: torch.Tensor, asset: torch.Tensor) -> torch.Tensor:
        return self.inner(x, asset)


class OnlineConfig(Config):
    name: Literal["online"] = "online"
    of: str

    def build(self, n_features: int, window: int, n_assets: int) -> nn.Module:
        whole_model: Any = SMALL[self.of].build(n_features, window, n_assets)  # pyright: ignore
        encoder = whole_model.encoder
        start = start_of(SMALL[self.of])
        with torch.no_grad():
            for key, tensor in encoder.state_dict().items():
                tensor.copy_(torch.from_numpy(start.arrays[key]).reshape(tensor.shape))
        return Classifier(_Still(encoder), whole_model.head)


def augmented(data: Dataset) -> Dataset:
    """Half of an epoch's samples are read from a copy, which has no window for every fifth of them."""
    S, T, _ = data.x.shape
    own = np.arange(S * T, dtype=np.int32).reshape(1, S, T).copy()
    own[:, :, ::5] = -1
    return replace(data, copies=Copies(np.stack((data.x, data.x + np.float32(0.3))), own, 0.5))


@pytest.mark.parametrize("copies", [False, True])
@pytest.mark.parametrize("name", SMALL)
def test_a_training_on_precomputed_encodings_is_the_online_one(name, copies, tmp_path):
    data = replace(tiny_dataset(Rng(1), bars=80), symbols=SYMBOLS)
    data = augmented(data) if copies else data
    quick = train(tmp_path / "quick", SMALL[name], start_of(SMALL[name], frozen=True), data=data)
    online = train(tmp_path / "online", OnlineConfig(of=name), data=data)
    head = {key: value for key, value in arrays_of(quick.model).items() if key.startswith("head.")}
    for key, value in head.items():
        np.testing.assert_allclose(value, arrays_of(online.model)[key], atol=1e-5)
    for one, other in zip(quick.history, online.history, strict=True):
        assert one["train_loss"] == pytest.approx(other["train_loss"], abs=1e-5)
        assert one["log_loss"] == pytest.approx(other["log_loss"], abs=1e-5)


@pytest.mark.parametrize("name", SMALL)
def test_a_frozen_encoder_ends_as_it_began_and_a_free_one_does_not(name, tmp_path):
    for frozen in (True, False):
        start = start_of(SMALL[name], frozen=frozen)
        trained = train(tmp_path / str(frozen), SMALL[name], start)
        after = arrays_of(trained.model.encoder)  # pyright: ignore[reportArgumentType]
        same = all(np.array_equal(after[key], np.atleast_1d(value)) for key, value in start.arrays.items())
        assert same == frozen
        kept, _, _ = read_container(trained.checkpoint)
        assert sha_named(kept) == trained.sha


def test_a_free_training_begins_at_the_parents_weights(tmp_path):
    start = start_of(SMALL["mlp"])
    trained = train(tmp_path, MlpConfig(hidden=(12, 6), embedding=2, dropout=0.0), start, lr=1e-9, epochs=1)
    after = arrays_of(trained.model.encoder)  # pyright: ignore[reportArgumentType]
    for key, value in start.arrays.items():
        if "running" not in key and "num_batches" not in key:
            np.testing.assert_allclose(after[key], np.atleast_1d(value), atol=1e-6)


CASES = [
    (name, frozen, average, body)
    for name in ("mlp", "gru_attention")
    for frozen in (True, False)
    for average, body in (
        ("none", {}),
        ("ema", {"head_bias_from_prior": True}),
        ("swa", {"batch_size": "auto"}),
    )
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{'frozen' if case[1] else 'free'}-{case[2]}")
def test_resumed_is_exact(tmp_path, case):
    name, frozen, average, body = case
    body = {"average": average, "scheduler": "plateau", "epochs": 4} | body
    start = start_of(SMALL[name], frozen=frozen)
    undisturbed = train(tmp_path / "whole", SMALL[name], start, **body)
    for done in (1, 3):
        with pytest.raises(Interrupted):
            train(tmp_path / "broken", SMALL[name], start, stop_after=done, **body)
    resumed = train(tmp_path / "broken", SMALL[name], start, **body)
    assert resumed.sha == undisturbed.sha
    ends = [read_container(tmp_path / place / LAST)[0] for place in ("whole", "broken")]
    assert sha_named(ends[0]) == sha_named(ends[1])


def test_a_bundle_of_a_frozen_training_forecasts_like_any_other(tmp_path):
    config, data = SMALL["gru_attention"], replace(tiny_dataset(Rng(1), bars=80), symbols=SYMBOLS)
    trained = train(tmp_path / "run", config, start_of(config, frozen=True), data=data)
    write_bundle(tmp_path / "bundle", Bundle(trained.model, config, L, NAMES, SYMBOLS, preprocessor={}))
    again = read_bundle(tmp_path / "bundle")
    index = data.fold.validation
    said = [predict(model, data.x, index, window=L).logit for model in (trained.model, again.model)]
    np.testing.assert_array_equal(said[0], said[1])


def test_another_parent_in_the_folder_is_refused(tmp_path):
    config = SMALL["mlp"]
    start = start_of(config)
    train(tmp_path, config, start)
    for other in (None, replace(start, sha="b" * 64), replace(start, frozen=True)):
        with pytest.raises(TrainError, match="holds a training with another start"):
            train(tmp_path, config, other)


@pytest.mark.parametrize(
    ("model", "changed", "says"),
    [
        (GruAttentionConfig(), {}, "its model is mlp, not gru_attention; set model=mlp"),
        (MlpConfig(hidden=(12, 8), embedding=2), {}, r"its model has hidden \[12, 6\], and this one has \[12, 8\]"),
        (MlpConfig(hidden=(12, 6), embedding=2, activation="tanh"), {}, "has activation relu, and this one has tanh"),
        (SMALL["mlp"], {"features": ("f0", "f1", "g", "f3", "f4")}, "its feature 3 is f2, not g"),
        (SMALL["mlp"], {"features": NAMES[:4]}, "it has 5 features, not 4"),
        (SMALL["mlp"], {"window": 12}, "its window is 6 bars, not 12; set window=6"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(model, changed, says):
    known: dict[str, Any] = {"features": NAMES, "window": L, "symbols": SYMBOLS} | changed
    with pytest.raises(OptionError, match=says) as refused:
        take_encoder(parent_of(SMALL["mlp"]), model, frozen=False, **known)
    assert "\n" not in str(refused.value)


def test_an_ensemble_is_no_parent():
    """It has no encoder of its own, and `model=ensemble` is no way out."""
    parent = replace(parent_of(SMALL["mlp"]), model_config=EnsembleConfig(of=SMALL["mlp"], members=2))
    with pytest.raises(OptionError, match="its model is an ensemble, whose members have an encoder each"):
        take_encoder(parent, SMALL["mlp"], features=NAMES, window=L, symbols=SYMBOLS, frozen=False)


@pytest.mark.parametrize("config", [LogisticConfig(), GbmConfig()])
def test_models_without_an_encoder_that_learns_are_refused(config):
    with pytest.raises(OptionError, match="has no encoder that learns"):
        take_encoder(parent_of(config), config, features=NAMES, window=L, symbols=SYMBOLS, frozen=True)


class OwnTableConfig(Config):
    name: Literal["own_table"] = "own_table"

    def build(self, n_features: int, window: int, n_assets: int) -> nn.Module:
        del window
        return Classifier(nn.Bilinear(n_features, n_assets, 4), BinaryHead(4))


def test_an_encoder_with_a_symbol_table_of_its_own_needs_the_same_number_of_symbols():
    with pytest.raises(OptionError, match=r"depends on the number of symbols in a way of its own \(3 there, 4 here\)"):
        start_of(OwnTableConfig(), symbols=("S0", "S1", "S2", "S3"))


def test_dropout_may_differ_from_the_parents(tmp_path):
    config = MlpConfig(hidden=(12, 6), embedding=2, dropout=0.1)
    start = take_encoder(parent_of(SMALL["mlp"]), config, features=NAMES, window=L, symbols=SYMBOLS, frozen=False)
    assert train(tmp_path, config, start).sha


def test_frozen_without_a_bundle_is_refused():
    with pytest.raises(ConfigError, match="frozen without a bundle leaves nothing to freeze"):
        from_mapping(TransferConfig, {"frozen": True})
    assert "transfer" not in whole(MODELS, "models")
