"""What tracking costs: its share of an MLP's epoch, 200 figures in a batch against one by one, and the first opening.

The epoch is that of `mlp_baseline` on windows of 24 x 23 of a made-up table, told to MLflow on SQLite as a run tells
it. CPU seconds of one thread; the share counts everything from the first epoch to the end of the run.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("EDGEPROOF_THREADS", "1")

from edgeproof.core.device import prepare_environment, set_threads

prepare_environment()

from edgeproof.core.rng import Rng
from edgeproof.models.mlp import MlpConfig
from edgeproof.testing.market import tiny_dataset
from edgeproof.train.loggers.card import Card
from edgeproof.train.loggers.settings import MlflowConfig
from edgeproof.train.loggers.tracker import Tracker, open_tracker
from edgeproof.train.loop import fit
from edgeproof.train.losses import BceConfig
from edgeproof.train.settings import TrainConfig
from harness import show

FIGURES = 200


def opened(place: Path, name: str, database: Path) -> Tracker:
    card = Card("supervised", "run", "mlp", "benchmark", "0" * 64)
    tracker = open_tracker(MlflowConfig(uri=f"sqlite:///{database}"), place / name, card, workspace=place)
    assert tracker is not None
    return tracker


def share_of_tracking(tracker: Tracker, folder: Path, epochs: int) -> tuple[float, float]:
    """CPU seconds of tracking over those of the epochs, and those of one epoch."""
    dataset = tiny_dataset(Rng(0), symbols=24, bars=2_000, features=23, window=24)
    settings = TrainConfig(epochs=epochs, patience=None)
    spent = 0.0

    def watch(row):
        nonlocal spent
        began = time.process_time()
        tracker.epoch(row)
        spent += time.process_time() - began

    began = time.process_time()
    fit(dataset, MlpConfig(), BceConfig(), settings, rng=Rng(0), folder=folder, watch=watch)
    whole = time.process_time() - began
    began = time.process_time()
    tracker.end("FINISHED")
    spent += time.process_time() - began
    return spent / (whole - spent), (whole - spent) / epochs


def batched(tracker: Tracker) -> float:
    """CPU seconds of sending 200 figures as a run does."""
    for step in range(FIGURES):
        tracker.outbox.row({"epoch": step + 1, "log_loss": 0.5})
    began = time.process_time()
    tracker.send()
    return time.process_time() - began


def one_by_one(tracker: Tracker) -> float:
    assert tracker.sender is not None
    assert tracker.sender.connection is not None
    client, run_id = tracker.sender.connection.client, str(tracker.sender.run_id)
    began = time.process_time()
    for step in range(FIGURES):
        client.log_metric(run_id, "one", 0.5, step=step)
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    set_threads(1)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        began = time.process_time()
        opened(place, "first", place / "mlflow.db")
        migrated = time.process_time() - began
        began = time.process_time()
        opened(place, "second", place / "mlflow.db")
        again = time.process_time() - began
        show("tracking, a run on a fresh database, beside one on a used one", migrated, again, unit="CPU s", rounds=1)
        shares, sent, single = [], [], []
        for number in range(asked.rounds):
            tracker = opened(place, f"run-{number}", place / "mlflow.db")
            shares.append(share_of_tracking(tracker, place / f"c-{number}", asked.epochs))
            sent.append(batched(opened(place, f"batch-{number}", place / "mlflow.db")))
            single.append(one_by_one(opened(place, f"single-{number}", place / "mlflow.db")))
        share, epoch = sorted(shares)[len(shares) // 2]
        print(f"an epoch takes {epoch:.2f} CPU s", file=sys.stderr)
        middle = [sorted(values)[len(values) // 2] for values in (sent, single)]
        show("tracking, 200 figures in a batch, beside one by one", *middle, unit="CPU s", rounds=asked.rounds)
        show("tracking, share of an MLP's epochs", share, 0.02, unit="share, peer is the limit", rounds=asked.rounds)


if __name__ == "__main__":
    main()
