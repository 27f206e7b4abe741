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
    + [("gbm", "cosine", "none", {"loss_metric": "auc"})]
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
SHORT = {  # schedules whose turns lie within these four epochs
    "cosine_restarts": {"name": "cosine_restarts", "first_epochs": 1},
    "step": {"name": "step", "every_epochs": 2},
    "plateau": {"name": "plateau", "patience": 0},
}


def train(folder, case, stop_after: int = EPOCHS):
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
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join([*case[:3], *case[3]]))
def test_resumed_is_exact(tmp_path, case):
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
