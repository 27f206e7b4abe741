"""From a run's lines to MLflow: in batches, in their order, each line at most once; what fails is kept and sent later.

A batch of 200 figures takes SQLite 0.05 s, one by one 2 to 7 s. Lines carry the time at which they were written, so a
batch that was sent and not ticked off when the process died is sent again and changes nothing.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from edgeproof.core.files import read_json, write_json
from edgeproof.core.finding import Finding
from edgeproof.train.loggers.connect import Connection, failures, quiet, reason
from edgeproof.train.loggers.outbox import Outbox

__all__ = ["Sender"]

MOST_METRICS, MOST_PARAMS, MOST_TAGS = 1000, 100, 100  # of a batch, MLflow's limits
LONGEST_TAG = 5000
EVERY_S = 5.0  # at least between two sendings
SHARE = 0.01  # of the time goes into sending


@dataclass
class Sender:
    """Sends an outbox.

    Attributes:
        outbox: what there is to send.
        connection: where to; None where it was not reached, and everything is kept.
        parent: of the run that this one is nested in.
        problem: what MLflow said when it last failed, in one line; empty while all is well.
    """

    outbox: Outbox
    connection: Connection | None
    parent: "Sender | None" = None
    clock: Callable[[], float] = time.monotonic
    problem: str = ""
    _next: float = field(default=0.0, repr=False)
    _seen: bool = field(default=False, repr=False)  # by this process: asking once is enough

    @property
    def run_id(self) -> str | None:
        """The run's id at MLflow; None while MLflow has not heard of it."""
        return self._state()["run_id"]

    @property
    def sent(self) -> int:
        """Lines that MLflow has."""
        return self._state()["sent"]

    def send_if_due(self) -> None:
        """Send if the last sending was long enough ago that sending stays below a hundredth of the time."""
        if self.clock() >= self._next:
            self.send()

    def send(self) -> None:
        """Send what MLflow has not heard; what fails is kept for the next time."""
        if self.connection is None:
            return
        began = self.clock()
        try:
            with quiet(), FileLock(self.outbox.folder / "mlflow.lock", timeout=0):
                self._send(self.connection)
            self.problem = ""
        except Timeout:  # another process of this run sends
            pass
        except failures() as error:
            self.problem = reason(error)
        ended = self.clock()
        self._next = ended + max(EVERY_S, (ended - began) / SHARE)

    def findings(self) -> list[Finding]:
        """One warning where MLflow does not have everything."""
        self.outbox.refresh()
        left = len(self.outbox.lines) - self.sent
        if not left:
            return []
        return [
            Finding(
                check="tracking.kept_back",
                level="warning",
                claim=f"MLflow has not taken {left} of {len(self.outbox.lines)} lines: {self.problem or 'not reached'}",
                evidence={"lines": len(self.outbox.lines), "sent": self.sent},
                where="tracking",
                remedy="they are kept in tracking/events.jsonl of the run; the same command sends them",
            )
        ]

    def _send(self, connection: Connection) -> None:
        self.outbox.refresh()
        state = self._begun(connection)
        for batch in _batches(self.outbox.lines[state["sent"] :]):
            self._one(connection, state["run_id"], batch)
            state["sent"] += len(batch)
            self._write(state)

    def _begun(self, connection: Connection) -> dict[str, Any]:
        """The run at MLflow: the one that this folder has there, or a new one that hears everything."""
        state = self._state()
        if state["run_id"] is not None and (self._seen or _is_there(connection, state["run_id"])):
            self._seen = True
            return state
        line, tags = self.outbox.first, {}
        if self.parent is not None:
            self.parent.send()
            if (above := self.parent.run_id) is None:
                raise ConnectionError(self.parent.problem or "the run above this one is not there")
            tags["mlflow.parentRunId"] = above
        run = connection.client.create_run(
            connection.experiment, start_time=line["time_ms"], tags=tags, run_name=line["name"]
        )
        state = {"address": connection.sha, "run_id": run.info.run_id, "sent": 0}
        self._write(state)
        self._seen = True
        return state

    def _one(self, connection: Connection, run_id: str, batch: Sequence[Mapping[str, Any]]) -> None:
        client, first = connection.client, batch[0]
        if first["kind"] == "run":
            for params in _parted(first["params"], MOST_PARAMS):
                client.log_batch(run_id, params=_params(params))
            _log_tags(connection, run_id, first["tags"])
        elif first["kind"] == "metrics":
            metrics = [metric for line in batch for metric in _metrics(line)]
            for at in range(0, len(metrics), MOST_METRICS):
                client.log_batch(run_id, metrics=metrics[at : at + MOST_METRICS])
        elif first["kind"] == "tags":
            _log_tags(connection, run_id, first["tags"])
        elif first["kind"] in ("file", "source"):
            self._artifact(connection, run_id, first)
        elif first["kind"] == "data":
            _log_data(connection, run_id, first)
        elif first["status"] == "RUNNING":
            client.update_run(run_id, status="RUNNING")
        else:
            client.set_terminated(run_id, status=first["status"], end_time=first["time_ms"])

    def _artifact(self, connection: Connection, run_id: str, line: Mapping[str, Any]) -> None:
        place, below = Path(line["path"]), None
        if line["kind"] == "file":
            local = self.outbox.folder / "files" / place
            below = None if place.parent == Path() else place.parent.as_posix()
            connection.client.log_artifact(run_id, str(local), below)
        else:
            local = self.outbox.folder.parent / line["source"]
            if local.is_dir():
                connection.client.log_artifacts(run_id, str(local), place.as_posix())
            elif local.is_file():
                connection.client.log_artifact(run_id, str(local), None)

    def _state(self) -> dict[str, Any]:
        path = self.outbox.folder / "mlflow.json"
        state = read_json(path) if path.is_file() else {}
        same = self.connection is None or state.get("address") == self.connection.sha
        return state if state and same else {"address": None, "run_id": None, "sent": 0}

    def _write(self, state: Mapping[str, Any]) -> None:
        write_json(self.outbox.folder / "mlflow.json", dict(state))


def _is_there(connection: Connection, run_id: str) -> bool:
    """Whether MLflow still has the run; a lost database hears everything again."""
    from mlflow.exceptions import MlflowException

    try:
        return connection.client.get_run(run_id).info.lifecycle_stage == "active"
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return False
        raise


def _batches(lines: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """Neighbouring rows of figures together, up to MLflow's limit; everything else alone."""
    batch: list[Mapping[str, Any]] = []
    for line in lines:
        figures = line["kind"] == "metrics"
        full = sum(len(old["values"]) for old in batch) + (len(line["values"]) if figures else 0) > MOST_METRICS
        if batch and (full or not figures):
            yield batch
            batch = []
        if figures:
            batch.append(line)
        else:
            yield [line]
    if batch:
        yield batch


def _parted(body: Mapping[str, str], most: int) -> Iterator[dict[str, str]]:
    names = list(body)
    for at in range(0, len(names), most):
        yield {name: body[name] for name in names[at : at + most]}


def _params(body: Mapping[str, str]) -> list[Any]:
    from mlflow.entities import Param

    return [Param(name, value) for name, value in body.items()]


def _log_tags(connection: Connection, run_id: str, body: Mapping[str, str]) -> None:
    from mlflow.entities import RunTag

    for tags in _parted(body, MOST_TAGS):
        connection.client.log_batch(run_id, tags=[RunTag(name, value[:LONGEST_TAG]) for name, value in tags.items()])


def _log_data(connection: Connection, run_id: str, line: Mapping[str, Any]) -> None:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    data = Dataset(line["name"], line["digest"][:36], "edgeproof", "{}", profile=line["profile"])
    connection.client.log_inputs(run_id, [DatasetInput(data, [InputTag("mlflow.data.context", "training")])])


def _metrics(line: Mapping[str, Any]) -> list[Any]:
    from mlflow.entities import Metric

    prefix = "".join(f"{part}_{number:02d}/" for part, number in sorted(line["parts"].items()))
    return [Metric(prefix + key, value, line["time_ms"], line["step"]) for key, value in line["values"].items()]
