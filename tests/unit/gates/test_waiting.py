"""A loader that is waited for is measured in the device's own time, and starvation is named with its cause."""

import time

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.utils.data import DataLoader, Dataset

from edgeproof.gates import Known, Waiting, diagnose
from edgeproof.gates.symptoms import STARVED
from edgeproof.gates.told import told


class Clock:
    """A device's time, told by hand."""

    def __init__(self):
        self.now_ms = 0.0

    def event(self):
        return Point(self)


class Point:
    def __init__(self, clock):
        self.clock, self.at_ms = clock, 0.0

    def record(self):
        self.at_ms = self.clock.now_ms

    def synchronize(self):
        pass

    def elapsed_time(self, end_event):
        return end_event.at_ms - self.at_ms


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=20))
def test_waiting_and_working_add_up_to_the_whole(times):
    clock = Clock()

    def loader():
        for waits, _ in times:
            clock.now_ms += waits
            yield waits

    waiting = Waiting(loader(), event=clock.event)
    for (_, works), batch in zip(times, waiting, strict=False):
        del batch
        clock.now_ms += works
    waiting.done()
    row = waiting.row()
    assert row["data_seconds"] == pytest.approx(sum(waits for waits, _ in times) / 1e3)
    assert row["seconds"] == pytest.approx(clock.now_ms / 1e3)
    assert waiting.row() == {}


def test_what_happens_between_epochs_is_not_waiting():
    clock = Clock()
    waiting = Waiting([1, 2], event=clock.event)
    for _ in range(2):
        for _ in waiting:
            clock.now_ms += 10
        clock.now_ms += 500  # validation
    assert waiting.row() == {"seconds": pytest.approx(0.04), "data_seconds": 0.0}


class Slow(Dataset):
    """Samples that take long to prepare, always or only the first time."""

    def __init__(self, seconds, once=False):
        draw = torch.Generator().manual_seed(0)
        self.x = torch.randn(64, 6, generator=draw)
        self.y = (self.x[:, 0] > 0).float()
        self.seconds, self.once, self.seen = seconds, once, set()

    def __len__(self):
        return 64

    def __getitem__(self, place):
        if not (self.once and place in self.seen):
            time.sleep(self.seconds)
        self.seen.add(place)
        return self.x[place], self.y[place]


def history(data, epochs=3):
    """A training in plain PyTorch, its waiting measured."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 1))
    optimiser = torch.optim.Adam(model.parameters(), 0.02)
    batches, rows = Waiting(DataLoader(data, batch_size=16)), []
    for _ in range(epochs):
        losses = []
        for x, y in batches:
            loss = nn.functional.binary_cross_entropy_with_logits(model(x).squeeze(1), y)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
        rows.append({"train_loss": sum(losses) / len(losses), **batches.row()})
    return rows


def test_a_training_that_waits_for_its_loader_is_named_with_the_cause_first():
    rows = history(Slow(0.004))
    (found,) = diagnose(rows, known=Known(workers=0))
    assert (found.check, found.evidence["threshold"]) == ("doctor.starved", STARVED)
    first, *others = found.evidence["causes"]
    assert first["name"] == "nothing makes batches ahead of the training"
    assert "0 workers" in first["because"]
    assert others[0]["name"] == "each sample takes long to prepare"
    assert "1. nothing makes batches ahead of the training (data pipeline; seen)" in told([found])
    assert "num_workers" in found.remedy
    assert diagnose([{"train_loss": row["train_loss"]} for row in rows]) == []


def test_storage_that_is_slow_the_first_time_is_told_from_samples_that_are_always_slow():
    quick = [{"loss": 0.6 - 0.1 * n, "data_time": waits, "step_time": 1.0} for n, waits in enumerate((9.0, 0.9, 0.8))]
    (found,) = diagnose(quick, known=Known(workers=2))
    assert [cause["name"] for cause in found.evidence["causes"]] == [
        "slow storage",
        "too few workers",
        "each sample takes long to prepare",
    ]
    steady = [{"loss": 0.6 - 0.1 * n, "data_time": 9.0, "seconds": 10.0} for n in range(3)]
    assert diagnose(steady)[0].evidence["causes"][0]["name"] == "each sample takes long to prepare"
    assert diagnose([row | {"data_time": 2.9} for row in steady]) == []
