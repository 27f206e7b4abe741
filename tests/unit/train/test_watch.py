"""Who watches a training hears of every epoch once, after it is on disk, and may give the training up."""

import pytest

from edgeproof.core.rng import Rng
from edgeproof.models.logistic import LogisticConfig
from edgeproof.testing.market import tiny_dataset
from edgeproof.train import loop
from edgeproof.train.losses import BceConfig
from edgeproof.train.settings import TrainConfig


class GivenUpError(Exception):
    """What a watcher raises here."""


def train(folder, watch=None, epochs=5):
    settings = TrainConfig(epochs=epochs, batch_size=64, lr=0.03, patience=None)
    return loop.fit(
        tiny_dataset(Rng(1)), LogisticConfig(), BceConfig(), settings, rng=Rng(1), folder=folder, watch=watch
    )


def test_every_epoch_is_told_once_with_its_row(tmp_path):
    heard = []
    trained = train(tmp_path, heard.append)
    assert [row["epoch"] for row in heard] == [1, 2, 3, 4, 5]
    assert [row["log_loss"] for row in heard] == [row["log_loss"] for row in trained.history]


def test_a_training_given_up_is_on_disk_and_goes_on_exactly(tmp_path):
    def give_up(row):
        if row["epoch"] == 2:
            raise GivenUpError

    with pytest.raises(GivenUpError):
        train(tmp_path / "given_up", give_up)
    heard = []
    taken_up = train(tmp_path / "given_up", heard.append)
    assert [row["epoch"] for row in heard] == [3, 4, 5]  # two were on disk
    assert taken_up.sha == train(tmp_path / "whole").sha


def test_watching_changes_nothing(tmp_path):
    assert train(tmp_path / "watched", lambda row: None).sha == train(tmp_path / "alone").sha
