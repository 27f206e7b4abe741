"""Broken off after any epoch, a training of every model, schedule, average and optimiser ends with the same bytes."""

import pytest

from edgeproof.core.config import from_mapping
from edgeproof.core.container import read_container
from edgeproof.core.errors import Interrupted
from edgeproof.core.identity import sha_named
from edgeproof.core.progress import Progress
from edgeproof.core.rng import Rng
from edgeproof.models.cnn_lstm import CnnLstmConfig
from edgeproof.models.gbm import GbmConfig
from edgeproof.models.gru_attention import GruAttentionConfig
from edgeproof.models.logistic import LogisticConfig
from edgeproof.models.lstm_attention import LstmAttentionConfig
from edgeproof.models.mlp import MlpConfig
from edgeproof.testing.market import tiny_dataset
from edgeproof.train import AVERAGES, SCHEDULERS
from edgeproof.train.keep import LAST
from edgeproof.train.loop import fit
from edgeproof.train.losses import WeightedBceConfig
from edgeproof.train.settings import TrainConfig

EPOCHS = 4
SMALL = {
    "logistic": LogisticConfig(),
    "gbm": GbmConfig(trees=10, min_leaf=10),
    "mlp": MlpConfig(hidden=(8,), embedding=2),
    "lstm_attention": LstmAttentionConfig(hidden=6, attention=4, heads=2, dense=4),
    "gru_attention": GruAttentionConfig(hidden=6, attention=4, heads=2, dense=4),
    "cnn_lstm": CnnLstmConfig(channels=4, hidden=6),
}
CASES = (
    [(model, "cosine", average, {}) for model in SMALL if model != "gbm" for average in AVERAGES]
    + [("mlp", scheduler, average, {}) for scheduler in SCHEDULERS for average in AVERAGES if scheduler != "cosine"]
    + [("gbm", scheduler, "none", {"loss_metric": "auc"}) for scheduler in SCHEDULERS]
    + [
        ("mlp", "plateau", "swa", body)
        for body in (
            {"optimiser": "sgd"},
            {"optimiser": "adam"},
            {"precision": "bf16"},
            {"accumulate": 3},
            {"batch_size": "auto"},
            {"deterministic": True},
            {"warmup_share": 0.4, "head_bias_from_prior": True},
        )
    ]
)
FURTHER = [  # with CASES every model with every schedule and every average
    (model, scheduler, average, {})
    for model in SMALL
    for scheduler in SCHEDULERS
    for average in AVERAGES
    if model not in ("mlp", "gbm") and scheduler != "cosine"
]
SHORT = {  # schedules whose turns lie within these four epochs
    "cosine_restarts": {"name": "cosine_restarts", "first_epochs": 1},
    "step": {"name": "step", "every_epochs": 2},
    "plateau": {"name": "plateau", "patience": 0},
}


def train(folder, case, stop_after: int = EPOCHS, watch=None):
    """The training, broken off once `stop_after` epochs are done."""
    model, scheduler, average, body = case
    settings = {"epochs": EPOCHS, "batch_size": 64, "lr": 0.01, "patience": None, "loss_metric": "auc"}
    settings |= {"scheduler": SHORT.get(scheduler, scheduler), "average": average}

    def write(line: str) -> None:
        if f" {stop_after}/" in line and stop_after < EPOCHS:
            raise KeyboardInterrupt

    return fit(
        tiny_dataset(Rng(1), bars=60),
        SMALL[model],
        WeightedBceConfig(label_smoothing=0.0 if model == "gbm" else 0.1),
        from_mapping(TrainConfig, settings | body),
        rng=Rng(5),
        folder=folder,
        progress=Progress("epoch", EPOCHS, write=write),
        watch=watch,
    )


def named(case) -> str:
    return "-".join([*case[:3], *case[3]])


@pytest.mark.slow
@pytest.mark.parametrize("case", FURTHER, ids=named)
def test_resumed_is_exact_in_every_combination(tmp_path, case):
    check(tmp_path, case)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_resumed_is_exact(tmp_path, case):
    check(tmp_path, case)


class _GivenUpError(Exception):
    """What a search raises that wants no more of a training."""


@pytest.mark.parametrize("case", [("mlp", "plateau", "ema", {}), ("gbm", "cosine", "none", {})], ids=named)
def test_given_up_by_a_watch_and_taken_up_again_is_exact(tmp_path, case):
    """It is told every epoch once, whatever came between, and the rows that it is told are those of the history."""
    told = []

    def watch(row):
        told.append(dict(row))
        if row["epoch"] in (1, 3):
            raise _GivenUpError

    for _ in range(2):
        with pytest.raises(_GivenUpError):
            train(tmp_path / "broken", case, watch=watch)
    resumed, whole = train(tmp_path / "broken", case, watch=watch), train(tmp_path / "whole", case)
    assert resumed.sha == whole.sha
    assert [row["epoch"] for row in told] == [1, 2, 3, 4]
    assert [row["log_loss"] for row in told] == [row["log_loss"] for row in whole.history]


def check(tmp_path, case):
    """Broken off after each epoch, it ends as one that was not."""
    whole = train(tmp_path / "whole", case)
    for done in range(1, EPOCHS):
        with pytest.raises(Interrupted):
            train(tmp_path / "broken", case, stop_after=done)
    resumed = train(tmp_path / "broken", case)
    assert resumed.sha == whole.sha
    ends = [read_container(tmp_path / name / LAST) for name in ("whole", "broken")]
    assert sha_named(ends[0][0]) == sha_named(ends[1][0])
    histories = [[row | {"seconds": 0.0} for row in end[1]["memory"]["history"]] for end in ends]
    assert histories[0] == histories[1]
