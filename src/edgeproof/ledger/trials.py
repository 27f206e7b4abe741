"""Every trial is counted, for ever: one (config, seed, data) scored on validation data, policy thresholds included.

The count of a market is over all markets that share bars with it. A training whose thresholds were tried counts
through these alone. Nothing here takes a number of trials from its caller.
"""

# T bars, N trials

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgeproof.core.clock import iso
from edgeproof.core.errors import LedgerError, SealError
from edgeproof.core.identity import sha_json
from edgeproof.ledger.fingerprint import Fingerprints, shares_bars
from edgeproof.ledger.markets import known_markets, rows_of
from edgeproof.ledger.returns import read_returns, write_returns
from edgeproof.ledger.seal import seal_date
from edgeproof.ledger.store import Entry, Ledger, Row

__all__ = ["Trial", "TrialTable", "record_training", "record_trials", "trials_of"]

_COMMON = 0.9  # a trial on another span enters if it has at least this share of the bars


@dataclass(frozen=True)
class Trial:
    """One scored (config, seed, data).

    Attributes:
        config: hash of everything that was chosen, the threshold of a threshold trial included.
        seed: of the training.
        data: hash of the data set that was trained and validated on.
        score: figures on validation; not finite ones are stored as null.
        label: for people: `theta 0.512`.
        parent: id of the training that a threshold trial belongs to.
        start_ns: close time of the first validation bar.
        end_ns: close time of the last validation bar.
    """

    config: str
    seed: int
    data: str
    score: Mapping[str, float | None] = field(default_factory=dict)
    label: str = ""
    parent: str | None = None
    start_ns: int = 0
    end_ns: int = 0

    @property
    def id(self) -> str:
        """The same for the same config, seed and data, whatever it scored."""
        return sha_json([self.config, int(self.seed), self.data])

    def to_json(self) -> dict[str, Any]:
        """The trial as the body of a row."""
        return {
            "trial": self.id,
            "config": self.config,
            "seed": int(self.seed),
            "data": self.data,
            "score": {name: _number(value) for name, value in self.score.items()},
            "label": self.label,
            "parent": self.parent,
            "start_ns": int(self.start_ns),
            "end_ns": int(self.end_ns),
        }


@dataclass(frozen=True)
class TrialTable:
    """All counted trials of a market.

    Attributes:
        ids: N trials whose returns stand in `returns`, in the order of the ledger.
        rows: rows of all counted trials, those without returns included.
        returns: f64[T, N] net return per bar, on the bars that all N have in common.
        close_time: i64[T] ns UTC.
        without_returns: counted trials that have no returns on these bars.
        count: N + without_returns.
    """

    ids: tuple[str, ...]
    rows: tuple[Row, ...]
    returns: np.ndarray
    close_time: np.ndarray
    without_returns: int
    count: int


def record_training(ledger: Ledger, market: str, trial: Trial) -> str:
    """Record a training with its validation score; answers the trial's id. The same training again adds nothing.

    Raises:
        LedgerError: the market has no row (open its span first), or the ledger cannot be written.
        SealError: the validation span reaches past the seal.
    """

    def decide(rows: list[Row]) -> list[Entry]:
        known = _known(ledger, rows, market, "training", trial.end_ns)
        return [] if trial.id in known else [("training", {"market": market, **trial.to_json()})]

    ledger.extend(decide)
    return trial.id


def record_trials(
    ledger: Ledger, market: str, trials: Sequence[Trial], returns: np.ndarray | None, close_time: np.ndarray
) -> list[str]:
    """Record trials with their net returns per validation bar; answers their ids. Known ones add nothing.

    Args:
        ledger: the workspace's ledger.
        market: record of the market, `Span.market`.
        trials: N trials.
        returns: f64[T, N], 0 where a trial was flat; None for trials that were pruned or failed.
        close_time: i64[T] ns UTC.

    Raises:
        LedgerError: returns that do not fit, an unknown market, or a ledger that cannot be written.
        SealError: the bars reach past the seal.
    """

    def decide(rows: list[Row]) -> list[Entry]:
        last = max([trial.end_ns for trial in trials] + [int(time) for time in close_time[-1:]], default=0)
        known = _known(ledger, rows, market, "trial", last)
        fresh = {trial.id: n for n, trial in reversed(list(enumerate(trials))) if trial.id not in known}
        places = sorted(fresh.values())
        sha = None
        if returns is not None and places:
            names = [trials[n].id for n in places]
            sha = write_returns(ledger, names, np.asarray(returns)[:, places], close_time)
        return [("trial", {"market": market, **trials[n].to_json(), "returns": sha}) for n in places]

    if returns is not None and np.shape(returns) != (len(close_time), len(trials)):
        raise LedgerError(
            f"returns of shape {np.shape(returns)} for {len(close_time)} bars and {len(trials)} trials; "
            "give one row a bar and one column a trial"
        )
    ledger.extend(decide)
    return [trial.id for trial in trials]


def trials_of(ledger: Ledger, fingerprints: Fingerprints, *, close_time: np.ndarray | None = None) -> TrialTable:
    """All counted trials of the markets that share bars with this one.

    Trials enter the table if they have at least 90% of the bars of `close_time`, with the same interval; the rest is
    counted in `without_returns`.

    Args:
        ledger: the workspace's ledger.
        fingerprints: of the market.
        close_time: i64[T] the validation bars that are judged; None for those of the newest trial.

    Raises:
        LedgerError: the ledger is not sound, or returns of a counted trial are missing or altered.
    """
    counted = _counted(rows_of(ledger, fingerprints))
    files = {sha: read_returns(ledger, sha) for sha in dict.fromkeys(_files(counted))}
    reference = close_time
    if reference is None and files:
        reference = files[_files(counted)[-1]][0]
    times = {} if reference is None else {sha: time for sha, (time, _) in files.items() if _fits(time, reference)}
    common = np.zeros(0, np.int64) if reference is None else np.asarray(reference, np.int64)
    for time in times.values():
        common = np.intersect1d(common, time, assume_unique=True)
    inside = [row for row in counted if row.body.get("returns") in times]
    places = {sha: np.searchsorted(time, common) for sha, time in times.items()}
    returns = np.zeros((len(common), len(inside)))
    for n, row in enumerate(inside):
        sha = row.body["returns"]
        returns[:, n] = _column(ledger, files[sha][1], row)[places[sha]]
    return TrialTable(
        ids=tuple(row.body["trial"] for row in inside),
        rows=tuple(counted),
        returns=returns,
        close_time=common,
        without_returns=len(counted) - len(inside),
        count=len(counted),
    )


def _counted(rows: Sequence[Row]) -> list[Row]:
    """Trials, and the trainings that have none."""
    parents = {row.body["parent"] for row in rows if row.kind == "trial"}
    own = {row.body["trial"] for row in rows if row.kind == "trial"}
    return [
        row
        for row in rows
        if row.kind == "trial" or (row.kind == "training" and row.body["trial"] not in parents | own)
    ]


def _files(rows: Sequence[Row]) -> list[str]:
    return [row.body["returns"] for row in rows if row.body.get("returns")]


def _fits(time: np.ndarray, reference: np.ndarray) -> bool:
    """At least 90% of the reference's bars, and no more than that many others between its first and last."""
    common = len(np.intersect1d(time, reference, assume_unique=True))
    inside = int(np.count_nonzero((time >= reference[0]) & (time <= reference[-1])))
    return common >= _COMMON * len(reference) and common >= _COMMON * inside


def _column(ledger: Ledger, columns: Mapping[str, np.ndarray], row: Row) -> np.ndarray:
    try:
        return columns[row.body["trial"]]
    except KeyError as error:
        path = ledger.returns_path(row.body["returns"])
        raise LedgerError(f"{path}: holds no returns of trial {row.body['trial'][:12]} of row {row.seq}") from error


def _known(ledger: Ledger, rows: Sequence[Row], market: str, kind: str, end_ns: int) -> set[str]:
    """Ids recorded for this market or one that shares bars with it, after checking that `end_ns` lies in the open."""
    known = known_markets(ledger, rows)
    if market not in known:
        raise LedgerError(f"{ledger.path}: market {market[:12]} has no row; open its span in this workspace first")
    seal_ns = seal_date(ledger, rows, known[market])
    if end_ns > seal_ns:
        raise SealError(f"validation bars up to {iso(end_ns)} reach past the seal {iso(seal_ns)}; score open bars only")
    sharing = {name for name, prints in known.items() if shares_bars(prints, known[market])}
    return {row.body["trial"] for row in rows if row.kind == kind and row.body["market"] in sharing}


def _number(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
