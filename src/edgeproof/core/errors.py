"""Every error a user can meet: one line that says what, where, and what to do.

EdgeproofError            exit status 2
├── ConfigError           a config key or value, or an override
├── DataError             bars, markets, features, labels: names file, row or symbol
├── SplitError            a span too short for window, split or purge
├── SealError             an attempt to read or move the sealed span
├── LedgerError           a broken chain, an edited row, a workspace that cannot be written
├── BundleError           a truncated checkpoint, a tampered bundle
├── TrainError            training cannot start or go on (one class, out of memory)
│   └── Diverged          its loss, gradient or output became infinite or NaN
├── OptionError           a combination that is refused, or not available in this version
└── GateStopped           exit status 1: a required check of a run said no, before anything was trained
Interrupted               exit status 3: nothing lost, the same command resumes
"""

from collections.abc import Mapping
from typing import Any

__all__ = [
    "BundleError",
    "ConfigError",
    "DataError",
    "Diverged",
    "EdgeproofError",
    "GateStopped",
    "Interrupted",
    "LedgerError",
    "OptionError",
    "SealError",
    "SplitError",
    "TrainError",
]


class EdgeproofError(Exception):
    """A user's mistake or a refused input; its text is the one line that is shown."""

    exit_status = 2


class ConfigError(EdgeproofError):
    """A config key, value or override that cannot be used."""


class DataError(EdgeproofError):
    """Bars, a market, a feature or a label that cannot be used."""


class SplitError(EdgeproofError):
    """A span that is too short for the window, the split or the purge."""


class SealError(EdgeproofError):
    """An attempt to read or to move the sealed span without an opening."""


class LedgerError(EdgeproofError):
    """The ledger's chain is broken, or its workspace cannot be used."""


class BundleError(EdgeproofError):
    """A checkpoint or bundle that is truncated, altered, or of another version."""


class TrainError(EdgeproofError):
    """A training that cannot start or cannot go on."""


class Diverged(TrainError):  # noqa: N818 - what happened to it
    """A loss, gradient or output that became infinite or NaN; `facts` says at which step, and what came before."""

    def __init__(self, message: str, facts: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.facts = dict(facts or {})


class OptionError(EdgeproofError):
    """An option or combination that this version refuses."""


class GateStopped(EdgeproofError):  # noqa: N818 - what happened to the run
    """A required check said no before anything was trained; `check` names it."""

    exit_status = 1

    def __init__(self, message: str, check: str = "") -> None:
        super().__init__(message)
        self.check = check


class Interrupted(EdgeproofError):  # noqa: N818 - a state, not a mistake: the run can be resumed
    """The run was interrupted; everything finished is on disk and the same command resumes."""

    exit_status = 3
