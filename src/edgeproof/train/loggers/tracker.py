"""A tracked run: told everything at once, sent on now and then, nested under another where it is one of its trials."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from edgeproof.core.config import Config
from edgeproof.core.errors import ConfigError, Diverged, Interrupted
from edgeproof.core.finding import Finding
from edgeproof.core.progress import silent
from edgeproof.train.loggers.card import Card
from edgeproof.train.loggers.connect import connect
from edgeproof.train.loggers.mlflow import Sender
from edgeproof.train.loggers.outbox import Outbox
from edgeproof.train.loggers.settings import JsonlConfig, MlflowConfig

__all__ = ["FOLDER", "Status", "Tracker", "open_tracker", "tracked"]

FOLDER = "tracking"
TOLD = ("what", "update")  # of what became no number, for who looks at the run there
Status = Literal["FINISHED", "FAILED", "KILLED"]


@dataclass(frozen=True)
class Tracker:
    """One tracked run.

        study = open_tracker(config.tracking, folder, card, workspace=place)
        trial = study.child(folder / "trial-0003", trial_card)
        fit(..., watch=trial.epoch)
        trial.figures({"log_loss": 0.69})
        trial.end("FINISHED")

    Attributes:
        outbox: what it was told: `tags`, `figures`, `text`, `json`.
        sender: to MLflow; None where lines are enough.
    """

    outbox: Outbox
    sender: Sender | None = None

    @property
    def name(self) -> str:
        """The run's name."""
        return self.outbox.first["name"]

    def epoch(self, row: Mapping[str, Any]) -> None:
        """A row of a training's history, as `train.loop.fit` tells it to who watches."""
        self.outbox.row(row)
        if self.sender is not None:
            self.sender.send_if_due()

    def figures(self, values: Mapping[str, Any]) -> None:
        """Figures of the run as a whole."""
        self.outbox.figures(values)

    def child(self, folder: Path, card: Card) -> "Tracker":
        """A run nested under this one, in a folder of its own; opened again after a kill it goes on.

        Args:
            folder: of the child's run; its lines lie in `tracking` below it.
            card: what the child is; its parent is this run.
        """
        outbox = Outbox(Path(folder) / FOLDER)
        outbox.begin(card)
        outbox.tags({"parent_run": self.name})
        outbox.goes_on()
        if self.sender is None:
            return Tracker(outbox)
        sender = Sender(outbox, self.sender.connection, parent=self.sender, clock=self.sender.clock)
        sender.send()
        return Tracker(outbox, sender)

    def send(self) -> None:
        """Send what is left."""
        if self.sender is not None:
            self.sender.send()

    def end(self, status: Status) -> None:
        """The run is over; what it was told is sent."""
        self.outbox.end(status)
        self.send()

    def findings(self) -> list[Finding]:
        """One warning where MLflow does not have everything."""
        return [] if self.sender is None else self.sender.findings()


def open_tracker(config: Config, folder: Path, card: Card, *, workspace: Path) -> Tracker | None:
    """The tracker of a run; None where nothing is tracked.

    A run that was tracked before goes on under the same name, also while its server is away.

    Args:
        config: an entry of TRACKERS.
        folder: of the run.
        card: what the run is, if it is tracked for the first time.
        workspace: where the database lies if no other is named.

    Raises:
        ConfigError: a server or database that cannot be used, of a run that is tracked for the first time.
        DataError: the folder cannot be written.
    """
    if not isinstance(config, JsonlConfig | MlflowConfig):
        return None
    place, problem, connection = Path(folder) / FOLDER, "", None
    outbox = Outbox(place)
    if isinstance(config, MlflowConfig):
        try:
            connection = connect(config, workspace)
        except ConfigError as error:
            if not outbox.lines:
                raise
            problem = str(error)
    outbox.begin(card)
    outbox.goes_on()
    if isinstance(config, JsonlConfig):
        return Tracker(outbox)
    sender = Sender(outbox, connection, problem=problem)
    sender.send()
    return Tracker(outbox, sender)


@contextmanager
def tracked(tracker: Tracker | None, write: Callable[[str], None] = silent) -> Iterator[None]:
    """The run ends with the block: `FINISHED`, `KILLED` from the keyboard, or `FAILED`.

    Args:
        tracker: of the run; None: nothing happens.
        write: told in one line what MLflow did not take.
    """
    status: Status = "FINISHED"
    try:
        yield
    except (KeyboardInterrupt, Interrupted):
        status = "KILLED"
        raise
    except BaseException as error:
        status = "FAILED"
        if isinstance(error, Diverged) and tracker is not None:
            tracker.outbox.tags({f"failed_{name}": error.facts[name] for name in TOLD if name in error.facts})
        raise
    finally:
        if tracker is not None:
            tracker.end(status)
            for finding in tracker.findings():
                write(f"warning: {finding.claim}; {finding.remedy}\n")
