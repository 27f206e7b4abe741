"""How long a training waits for its data: the device's time between the end of a step and the next step's batch.

A share near 0 says that batches are ready when they are asked for; Mohan et al. (2021, "Analyzing and mitigating data
stalls in DNN training", VLDB) measured 10 to 70% in common trainings. On a GPU the time is the device's own, by events:
a program that runs ahead of its device waits without costing anything.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

import torch

__all__ = ["Event", "Mark", "Waiting"]


class Event(Protocol):
    """A point in a device's time, as `torch.cuda.Event(enable_timing=True)` is one."""

    def record(self) -> None:
        """Take the time when the device comes by."""

    def synchronize(self) -> None:
        """Wait until it has."""

    def elapsed_time(self, end_event: Any) -> float:
        """Milliseconds from this point to that one."""
        ...


class Mark:
    """A point in the processor's time."""

    def __init__(self) -> None:
        self.at_s = 0.0

    def record(self) -> None:
        """Take the time."""
        self.at_s = time.perf_counter()

    def synchronize(self) -> None:
        """The processor is always there."""

    def elapsed_time(self, end_event: "Mark") -> float:
        """Milliseconds from this point to that one."""
        return 1e3 * (end_event.at_s - self.at_s)


def _cuda_event() -> Any:
    return torch.cuda.Event(enable_timing=True)


class Waiting:
    """A loader that knows how long it was waited for.

        batches = Waiting(loader)
        for epoch in range(20):
            for inputs, target in batches:
                ...
            rows.append({"train_loss": ..., **batches.row()})
        diagnose(rows)

    Args:
        loader: what batches come from; none: `begin`, `arrived` and `done` are called by hand.
        device: where the model is.
        event: makes points in time; none: what the device has.
    """

    def __init__(
        self,
        loader: Iterable[Any] = (),
        *,
        device: torch.device | str = "cpu",
        event: Callable[[], Event] | None = None,
    ) -> None:
        self.loader = loader
        self.event: Callable[[], Event] = event or (_cuda_event if torch.device(device).type == "cuda" else Mark)
        self.since: Event | None = None  # nothing was done
        self.begun: Event | None = None
        self.waits: list[tuple[Event, Event]] = []
        self.steps: list[tuple[Event, Event]] = []

    def __len__(self) -> int:
        return len(self.loader)  # pyright: ignore[reportArgumentType] - a loader without a length says so itself

    def __iter__(self) -> Iterator[Any]:
        self.begin()
        for batch in self.loader:
            self.arrived()
            yield batch
            self.done()

    def begin(self) -> None:
        """The first batch is waited for, of an epoch or after something else than a step."""
        self.since, self.begun = self._now(), None

    def pause(self) -> None:
        """Something else than steps begins."""
        self.since, self.begun = None, None

    def arrived(self) -> None:
        """A batch is there; its step begins."""
        self.begun = self._now()
        if self.since is not None:
            self.waits.append((self.since, self.begun))

    def done(self) -> None:
        """The step is done; the next batch is waited for."""
        self.since = self._now()
        if self.begun is not None:
            self.steps.append((self.begun, self.since))

    def _now(self) -> Event:
        now = self.event()
        now.record()
        return now

    def row(self) -> dict[str, float]:
        """Since the last row, `seconds` of all steps with what was waited for them, and `data_seconds`, the latter."""
        waits, steps = self.waits, self.steps
        self.waits, self.steps, self.since, self.begun = [], [], None, None
        if not waits or not steps:
            return {}
        steps[-1][1].synchronize()
        waited, worked = (sum(one.elapsed_time(other) for one, other in pairs) / 1e3 for pairs in (waits, steps))
        return {"seconds": waited + worked, "data_seconds": waited}
