"""Clean models raise no alarm: none from checks that are sure, few from the one with a p-value.

B rows, F columns, L steps, N symbols.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import binomtest
from torch import Tensor, nn

import edgeproof
from edgeproof.core.rng import Rng
from edgeproof.gates.check import MODEL_CHECKS
from edgeproof.gates.subject import shifted_input, subject_of
from edgeproof.models.mlp import MlpConfig
from edgeproof.testing.market import tiny_dataset
from tests.unit.gates.subjects import (
    BCE,
    CE,
    Convolution,
    Pairs,
    Perceptron,
    Recurrent,
    Transformer,
    adam,
    cut,
    draws,
    images,
    seeded,
    sequences,
    table,
    token_loss,
    tokens,
)

SEEDS = 20
BY_CHANCE = "data.signal"  # the one check with a p-value
MOST_BY_CHANCE = 0.025
DEAR = ("capacity.inputs_matter", "capacity.one_batch", "capacity.many_samples")


@dataclass(frozen=True)
class Clean:
    """A model, its loss, and its data for a seed."""

    build: Callable[[], nn.Module]
    loss: Any
    data: Callable[[int], Any]
    causal: bool = False


def sensors(seed: int) -> Tensor:
    """f32[B, F] twelve sensors that three hidden states drive."""
    noise = draws(seed)
    state, mixing = torch.randn(384, 3, generator=noise), torch.randn(3, 12, generator=noise)
    return state @ mixing / 3**0.5 + 0.1 * torch.randn(384, 12, generator=noise)


def mirrored(seed: int) -> Pairs:
    return cut(sensors(seed), sensors(seed))


def market_windows(seed: int) -> list[tuple[tuple[Tensor, Tensor], Tensor]]:
    """((x_BLF, asset_B), y_B) of a tiny market in random order."""
    data = tiny_dataset(Rng(seed), bars=200)
    bars, window = data.x.shape[1], data.window
    index = Rng(seed).child("order").numpy().permutation(data.fold.train)
    symbol, bar = index // bars, index % bars
    x = torch.from_numpy(np.stack([data.x[s, t - window + 1 : t + 1] for s, t in zip(symbol, bar, strict=True)]))
    y, asset = torch.from_numpy(data.y[symbol, bar]), torch.from_numpy(symbol)
    return list(zip(zip(x.split(64), asset.split(64), strict=True), y.split(64), strict=True))


def autoencoder() -> nn.Module:
    return nn.Sequential(nn.Linear(12, 24), nn.GELU(), nn.Linear(24, 4), nn.Linear(4, 24), nn.GELU(), nn.Linear(24, 12))


CLEAN = {
    "perceptron": Clean(Perceptron, BCE, table),
    "convolution": Clean(Convolution, CE, images),
    "recurrent": Clean(Recurrent, BCE, sequences),
    "transformer": Clean(Transformer, token_loss, tokens, causal=True),
    "autoencoder": Clean(autoencoder, nn.MSELoss(), mirrored),
    "market mlp": Clean(lambda: MlpConfig().build(5, 6, 3), BCE, market_windows),
}


def alarms(clean: Clean, seed: int) -> list[str]:
    """Names of all checks of the model and of its training step that are not content."""

    def step(model: nn.Module, optimiser: torch.optim.Optimizer, inputs: Any, target: Tensor) -> None:
        optimiser.zero_grad()
        clean.loss(model(*inputs) if isinstance(inputs, tuple) else model(inputs), target).backward()
        optimiser.step()

    data = clean.data(seed)
    checked = edgeproof.check_model(seeded(clean.build, seed), clean.loss, data, seed=seed)
    trained = edgeproof.check_training(
        seeded(clean.build, seed), clean.loss, data, optimiser=adam, step=step, seed=seed
    )
    return [f"{finding.check}: {finding.claim}" for finding in (*checked.failures, *trained.failures)]


@pytest.mark.parametrize("name", CLEAN)
def test_no_quick_check_accuses_a_clean_model(name: str) -> None:
    clean, wrong = CLEAN[name], []
    order = {"flow.time_order", "data.target_shifted"} if not clean.causal else set[str]()
    for seed in (1, 2):
        subject = subject_of(seeded(clean.build, seed), clean.loss, clean.data(seed), seed=seed)
        assert (shifted_input(subject.batches) is not None) is clean.causal
        found = [check(subject) for key, check in MODEL_CHECKS.items() if key not in {*DEAR, BY_CHANCE, *order}]
        wrong += [finding.claim for finding in found if finding.level != "info"]
    assert wrong == []


@pytest.mark.study
def test_twenty_seeds_of_six_clean_models_raise_few_alarms() -> None:
    """No alarm from a sure check; at most 2.5% from the one with a p-value, within two-sided 95% of a binomial."""
    found = Counter(
        (name, alarm) for name, clean in CLEAN.items() for seed in range(SEEDS) for alarm in alarms(clean, seed)
    )
    sure = [entry for entry in found if not entry[1].startswith(BY_CHANCE)]
    assert sure == []
    chance = sum(count for (_, alarm), count in found.items() if alarm.startswith(BY_CHANCE))
    looked = SEEDS * sum(name not in ("transformer", "autoencoder") for name in CLEAN)  # one label a sample
    assert binomtest(chance, looked).proportion_ci(0.95).low <= MOST_BY_CHANCE
