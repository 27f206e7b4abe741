"""What every model of the catalog must be able to do, as functions `check(config, folder)` that raise AssertionError.

A config passes if its module has the right shapes, sends a gradient to every parameter, keeps samples apart in
evaluation mode, sees no bar after the decision, can learn one batch by heart, survives saving and loading, gives the
same bytes for the same seed, and ends with the same bytes when its training is broken off and resumed.

A config with `fit_trees` is held to the same, but that there is no gradient to be sent.
"""

# B batch, L window, F features, S symbols, T bars

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from edgeproof.core.config import Config, from_mapping
from edgeproof.core.progress import Progress, silent
from edgeproof.core.rng import Rng
from edgeproof.models.heads import Classifier
from edgeproof.testing.market import tiny_dataset
from edgeproof.train.bundle import Bundle, read_bundle, write_bundle
from edgeproof.train.forecast import predict
from edgeproof.train.loop import Trained, fit
from edgeproof.train.losses import BceConfig
from edgeproof.train.seeding import seeded
from edgeproof.train.settings import TrainConfig

__all__ = [
    "MODEL_CHECKS",
    "check_bundle",
    "check_gradients",
    "check_no_future",
    "check_no_mixing",
    "check_one_batch",
    "check_parts",
    "check_resume",
    "check_same_bytes",
    "check_shapes",
    "check_unknown_symbol",
]

B, L, F, A = 16, 6, 5, 3


def _require(condition: bool, text: str) -> None:
    if not condition:
        raise AssertionError(text)


def _build(config: Config, *, stirred: bool = True) -> nn.Module:
    """The module; `stirred` moves every parameter off its initial value, or grows trees on coin flips."""
    with seeded(Rng(1)):
        module: nn.Module = config.build(F, L, A)  # pyright: ignore[reportAttributeAccessIssue] - every model config builds
        if stirred and _grows(config):
            _grow(config, module, _batch(400))
        with torch.no_grad():
            for parameter in module.parameters() if stirred else ():
                parameter.add_(0.1 * torch.randn_like(parameter))
    return module


def _batch(count: int = B) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    noise = Rng(2).torch()
    x = torch.randn((count, L, F), generator=noise)
    asset = torch.randint(A, (count,), generator=noise)
    y = (torch.arange(count) % 2).float()
    return x, asset, y


def _grows(config: Config) -> bool:
    return hasattr(config, "fit_trees")


def _grow(config: Config, module: Any, batch: tuple[torch.Tensor, torch.Tensor, torch.Tensor]) -> None:
    """Grow the head's trees on a batch of (x, asset, y)."""
    x, asset, y = batch
    z, trees = module.encoder(x, asset).numpy(), config.model_dump()["trees"]
    module.head.take(config.fit_trees(z, y.double().numpy(), np.ones(len(y))), trees)  # pyright: ignore[reportAttributeAccessIssue] - as `_grows` says


def check_shapes(config: Config, folder: Path) -> None:
    """`(x[B, L, F], asset[B])` gives B finite float32 logits, for one sample as well, in both modes."""
    del folder
    module = _build(config)
    for count in (B, 1):
        x, asset, _ = _batch(count)
        said = module.eval()(x, asset)
        _require(said.shape == (count,), f"logits have shape {tuple(said.shape)}, not ({count},)")
        _require(said.dtype == torch.float32, f"logits are {said.dtype}, not float32")
        _require(bool(said.isfinite().all()), "logits are not finite")
    x, asset, _ = _batch()
    _require(module.train()(x, asset).shape == (B,), "the shape differs in training mode")


def check_parts(config: Config, folder: Path) -> None:
    """Encoder and head are separate parts: the head of the encoding is the model."""
    del folder
    module = _build(config).eval()
    if not isinstance(module, Classifier):
        raise AssertionError("build() does not give a models.heads.Classifier")  # noqa: TRY004 - as every check
    x, asset, _ = _batch()
    _require(torch.equal(module.head(module.encoder(x, asset)), module(x, asset)), "head(encoder(x)) is not model(x)")


def check_gradients(config: Config, folder: Path) -> None:
    """Every parameter gets a gradient that is not zero everywhere."""
    del folder
    module = _build(config, stirred=False)
    if _grows(config):
        _require(not list(module.parameters()), "a model of trees has parameters that nobody trains")
        return
    x, asset, _ = _batch(64)
    y = (torch.arange(64) % 3 == 0).float()  # a balanced batch has no gradient for a bias at zero
    with seeded(Rng(3)):
        nn.functional.binary_cross_entropy_with_logits(module.train()(x, asset), y).backward()
    for name, parameter in module.named_parameters():
        gradient = parameter.grad
        _require(gradient is not None and bool((gradient != 0).any()), f"no gradient reaches {name}")


def check_no_mixing(config: Config, folder: Path) -> None:
    """In evaluation mode a sample's logit does not depend on the other samples of its batch."""
    del folder
    module = _build(config).eval()
    x, asset, _ = _batch()
    before = module(x, asset)
    changed = x.clone()
    changed[1:] = 100 * changed[1:] + 7
    _require(torch.equal(module(changed, asset)[0], before[0]), "a sample's logit depends on the rest of its batch")


def check_no_future(config: Config, folder: Path) -> None:
    """Changing every bar after t changes no forecast at or before t."""
    del folder
    dataset = tiny_dataset(Rng(4), features=F, window=L)
    module = _build(config)
    index = np.sort(np.concatenate((dataset.fold.train, dataset.fold.validation)))
    before = predict(module, dataset.x, index, window=L)
    t = dataset.x.shape[1] // 2
    changed = dataset.x.copy()
    changed[:, t + 1 :] = 50 - 3 * changed[:, t + 1 :]
    after = predict(module, changed, index, window=L)
    _require(np.array_equal(before.logit[:, : t + 1], after.logit[:, : t + 1]), "a forecast depends on later bars")
    _require(not np.array_equal(before.logit, after.logit), "no forecast depends on the bars")


def check_unknown_symbol(config: Config, folder: Path) -> None:
    """A symbol that the model never saw (-1) gets a finite logit and leaves known symbols as they are."""
    del folder
    module = _build(config).eval()
    x, asset, _ = _batch()
    mixed = asset.clone()
    mixed[0] = -1
    said = module(x, mixed)
    _require(bool(said.isfinite().all()), "an unknown symbol gives a logit that is not finite")
    _require(torch.equal(said[1:], module(x, asset)[1:]), "an unknown symbol changes the others' logits")


def check_one_batch(config: Config, folder: Path) -> None:
    """Without regularisers the model learns 16 samples by heart: cross-entropy below 0.01 within 1000 steps."""
    del folder
    fields = type(config).model_fields
    off = {"dropout": 0.0, "label_smoothing": 0.0, "min_leaf": 1, "l2": 0.0}
    plain = from_mapping(type(config), config.model_dump() | {key: off[key] for key in off if key in fields})
    module = _build(plain, stirred=False).train()
    x, asset, y = _batch()
    if _grows(config):
        _grow(plain, module, (x, asset, y))
        lowest = float(nn.functional.binary_cross_entropy_with_logits(module(x, asset), y))
        _require(lowest < 0.01, f"one batch is not learned: cross-entropy {lowest:.3f}")
        return
    optimiser = torch.optim.Adam(module.parameters(), lr=1e-2)
    lowest = float("inf")
    with seeded(Rng(5)):
        for _ in range(1000):
            optimiser.zero_grad()
            loss = nn.functional.binary_cross_entropy_with_logits(module(x, asset), y)
            loss.backward()
            optimiser.step()
            lowest = min(lowest, float(loss.detach()))
            if lowest < 0.01:
                return
    raise AssertionError(f"one batch is not learned: cross-entropy {lowest:.3f} after 1000 steps")


def check_bundle(config: Config, folder: Path) -> None:
    """Saved and loaded, the model says the same to the last bit."""
    dataset = tiny_dataset(Rng(6), features=F, window=L)
    module = _build(config)
    names = tuple(f"f{number}" for number in range(F))
    bundle = Bundle(module, config, L, names, dataset.symbols, preprocessor={"mean": np.zeros(F, np.float32)})
    sha = write_bundle(folder / "bundle", bundle)
    again = read_bundle(folder / "bundle")
    _require(again.sha == sha, "the hash changes on the way through the disk")
    _require(again.model_config == config, "the config changes on the way through the disk")
    first = predict(module, dataset.x, dataset.fold.validation, window=L)
    second = predict(again.model, dataset.x, dataset.fold.validation, window=L)
    _require(np.array_equal(first.logit, second.logit), "the loaded model says something else")


class _BrokenOffError(Exception):
    """Stands for a kill after an epoch."""


def _train(config: Config, folder: Path, *, stop_after: int | None = None) -> Trained:
    """Three epochs; with `stop_after`, broken off (raises) when that many are done."""
    settings = from_mapping(TrainConfig, {"epochs": 3, "batch_size": 32, "lr": 3e-3, "min_delta": 0.0})

    def write(line: str) -> None:
        if f" {stop_after}/" in line:
            raise _BrokenOffError

    progress = Progress("epoch", 3, write=silent if stop_after is None else write)
    dataset = tiny_dataset(Rng(7), bars=80, features=F, window=L)
    return fit(dataset, config, BceConfig(), settings, rng=Rng(8), folder=folder, progress=progress)


def _comparable(trained: Trained) -> list[dict[str, Any]]:
    return [row | {"seconds": 0.0} for row in trained.history]


def check_same_bytes(config: Config, folder: Path) -> None:
    """Two trainings of one seed end with equal weights and figures."""
    first, second = (_train(config, folder / name) for name in ("first", "second"))
    _require(first.sha == second.sha, "two trainings of one seed end with different weights")
    _require(_comparable(first) == _comparable(second), "two trainings of one seed have different histories")


def check_resume(config: Config, folder: Path) -> None:
    """Broken off after the first epoch and after the second, a training ends as if it had not been."""
    whole = _train(config, folder / "whole")
    for done in (1, 2):
        try:
            _train(config, folder / "broken", stop_after=done)
        except _BrokenOffError:
            continue
        raise AssertionError("the training was not broken off")
    resumed = _train(config, folder / "broken")
    _require(resumed.sha == whole.sha, "a resumed training ends with other weights")
    _require(_comparable(resumed) == _comparable(whole), "a resumed training has another history")


Check = Callable[[Config, Path], None]
MODEL_CHECKS: dict[str, Check] = {
    "shapes": check_shapes,
    "parts": check_parts,
    "gradients": check_gradients,
    "no_mixing": check_no_mixing,
    "no_future": check_no_future,
    "unknown_symbol": check_unknown_symbol,
    "one_batch": check_one_batch,
    "bundle": check_bundle,
    "same_bytes": check_same_bytes,
    "resume": check_resume,
}
