"""The doctor on tables of epochs and on trainings with a planted fault: each symptom, its first cause, and silence."""

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.core.config import Config, from_mapping
from edgeproof.core.errors import Diverged, OptionError
from edgeproof.core.files import read_json
from edgeproof.core.rng import Rng
from edgeproof.gates import Known, diagnose, diagnose_seeds
from edgeproof.gates.cause import GROUPS, Cause, ranked
from edgeproof.models.logistic import LogisticConfig
from edgeproof.models.mlp import MlpConfig
from edgeproof.testing.market import tiny_dataset
from edgeproof.train import loop
from edgeproof.train.losses import BceConfig
from edgeproof.train.settings import TrainConfig

PRIOR = math.log(2)


def rows(train, validation=None, **columns):
    table = {"train_loss": train, **({"val_loss": validation} if validation else {}), **columns}
    return [dict(zip(table, values, strict=True)) for values in zip(*table.values(), strict=True)]


def named(found):
    return {finding.check: finding.evidence["causes"][0]["name"] for finding in found}


def train(folder, data=None, model=None, **body):
    settings = from_mapping(TrainConfig, {"epochs": 3, "batch_size": 64, "lr": 0.03, "patience": None} | body)
    data = tiny_dataset(Rng(1)) if data is None else data
    seed = body.pop("seed", 1)
    return loop.fit(data, model or LogisticConfig(), BceConfig(), settings, rng=Rng(seed), folder=folder)


def test_a_healthy_table_says_nothing():
    assert diagnose(rows([0.69, 0.6, 0.55, 0.53], [0.68, 0.61, 0.57, 0.565]), prior=PRIOR) == []
    assert diagnose(rows([0.69, 0.6, 0.55, 0.53])) == []
    assert diagnose([]) == []


@pytest.mark.parametrize(
    ("table", "known", "check", "cause"),
    [
        (rows([0.7, math.nan]), Known(), "doctor.not_finite", "learning rate too high"),
        (rows([0.7, 9.0, 40.0]), Known(lr=1.0), "doctor.explodes", "learning rate too high"),
        (
            rows([0.70, 0.70], grad_norm=[0.0, 0.0]),
            Known(prior=PRIOR),
            "doctor.flat",
            "no gradient reaches the weights",
        ),
        (rows([0.70, 0.70]), Known(prior=PRIOR, lr=1e-8, moved=1e-6), "doctor.flat", "learning rate too low"),
        (
            rows([0.70, 0.70]),
            Known(prior=PRIOR, lr=1e-2, moved=0.4),
            "doctor.flat",
            "inputs that say nothing about their labels",
        ),
        (rows([0.70, 0.70]), Known(prior=PRIOR, weight_decay=3.0), "doctor.flat", "too much regularisation"),
        (
            rows([0.68, 0.4, 0.2, 0.1], [0.66, 0.65, 0.8, 1.0]),
            Known(prior=PRIOR),
            "doctor.overfit",
            "room to learn the samples by heart",
        ),
        (
            rows([0.68, 0.4, 0.2], [0.70, 0.75, 0.9], auc=[0.49, 0.5, 0.51]),
            Known(prior=PRIOR, validation_samples=1000),
            "doctor.overfit",
            "labels that the inputs do not tell",
        ),
        (
            rows([0.69, 0.66, 0.63], [0.69, 0.66, 0.63]),
            Known(prior=PRIOR, ended="epochs"),
            "doctor.undertrained",
            "too few epochs",
        ),
        (
            rows([0.69, 0.6]),
            Known(prior=PRIOR, dead={"relu": (0.9, 0.9)}),
            "doctor.dead_units",
            "units that are silent from the start",
        ),
    ],
)
def test_a_table_with_a_symptom(table, known, check, cause):
    assert named(diagnose(table, known=known)) == {check: cause}


def test_a_leap_of_the_first_steps_is_named_and_noise_is_not():
    fell = [3.16, 3.62, 4.32, 4.7, 5.26, 4.57, 3.96, 3.77, 3.56, 3.44, 3.46, 3.38, 3.29, 3.22, *[3.2] * 26]
    table = rows([3.76, 3.22, 3.0], [3.28, 3.19, 2.9])
    assert named(diagnose(table, known=Known(lr=0.1, steps=tuple(fell)))) == {"doctor.leaps": "learning rate too high"}
    noise = np.random.default_rng(0).exponential(1.0, 200) + 2.0
    assert diagnose(table, known=Known(steps=tuple(noise))) == []
    assert diagnose(table, known=Known(steps=tuple(sorted(fell, reverse=True)))) == []


def test_the_gap_is_the_one_of_the_recipe():
    (found,) = diagnose(rows([0.6, 0.3931472], [0.68, 0.7931472]), prior=PRIOR)
    assert found.evidence["measured"] == pytest.approx((0.7931472 - 0.3931472) / (PRIOR - 0.3931472), rel=1e-6)


def test_a_running_training_is_not_called_undertrained():
    table = rows([0.69, 0.66, 0.63], [0.69, 0.66, 0.63])
    assert diagnose(table, known=Known(prior=PRIOR)) == []
    assert diagnose(table, known=Known(prior=PRIOR, ended="patience")) == []


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(GROUPS)), max_size=12))
def test_more_evidence_comes_first_and_ties_keep_the_order_of_looking(pairs):
    order = ranked(Cause(group, "x", weight, "", "") for weight, group in pairs)
    keys = [(-cause.weight, GROUPS.index(cause.group)) for cause in order]
    assert keys == sorted(keys)
    assert len(order) == len(pairs)


def test_inputs_that_are_not_numbers_are_named_before_the_rate(tmp_path):
    data = tiny_dataset(Rng(1))
    x = data.x.copy()
    x[..., 0] = np.nan
    with pytest.raises(Diverged):
        train(tmp_path, replace(data, x=x))
    found = diagnose([], known=_failed(tmp_path))
    assert named(found) == {"doctor.not_finite": "inputs are NaN or infinite"}


class LoudConfig(Config):
    """A logistic regression whose first weights are enormous."""

    name: Literal["loud"] = "loud"

    def build(self, n_features: int, window: int, n_assets: int) -> torch.nn.Module:
        model = MlpConfig(hidden=(8,), batch_norm=False, dropout=0).build(n_features, window, n_assets)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(1e30)
        return model


def test_a_start_that_overflows_is_named_as_the_start(tmp_path):
    with pytest.raises(Diverged):
        train(tmp_path, model=LoudConfig())
    assert named(diagnose([], known=_failed(tmp_path))) == {"doctor.not_finite": "initial weights too large"}


def _failed(folder):
    failed = read_json(folder / "failed.json")
    return Known(prior=PRIOR, lr=0.03, clip_norm=1.0, failed=failed, inputs=failed["facts"]["inputs"])


def test_a_resumed_training_that_goes_past_the_point_forgets_its_failure(tmp_path):
    with pytest.raises(Diverged):
        train(tmp_path, model=LoudConfig())
    train(tmp_path)
    assert not (tmp_path / "failed.json").exists()


@dataclass(frozen=True)
class Seeds:
    lr: float
    batch_size: int = 64


def tables(folder, how: Seeds):
    found = []
    for seed in range(3):
        settings = from_mapping(
            TrainConfig,
            {"epochs": 5, "batch_size": how.batch_size, "lr": how.lr, "patience": None, "scheduler": "none"},
        )
        model = MlpConfig(hidden=(16,), dropout=0.0)
        done = loop.fit(
            tiny_dataset(Rng(1)), model, BceConfig(), settings, rng=Rng(seed), folder=folder / f"{how.lr}-{seed}"
        )
        found.append(done.history)
    return found


def test_seeds_that_end_apart_are_named_with_the_rate_first(tmp_path):
    (found,) = diagnose_seeds(tables(tmp_path, Seeds(lr=3.0)), prior=PRIOR, known=Known(lr=3.0, clip_norm=1.0))
    assert found.evidence["causes"][0]["name"] == "learning rate too high"
    assert diagnose_seeds(tables(tmp_path, Seeds(lr=0.02)), prior=PRIOR) == []


def test_tables_that_cannot_be_read_are_refused():
    with pytest.raises(OptionError, match="no training loss among accuracy"):
        diagnose([{"accuracy": 1.0}])
    with pytest.raises(OptionError, match="two trainings"):
        diagnose_seeds([rows([0.7], [0.7])], prior=PRIOR)
