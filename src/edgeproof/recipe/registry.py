"""A finished run's bundle in MLflow's registry, under what the ledger knows of it; and back again by its alias."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgeproof.core.errors import ConfigError, DataError, LedgerError
from edgeproof.core.files import read_json
from edgeproof.ledger.store import Ledger
from edgeproof.ledger.workspace import FOLDER, find_workspace
from edgeproof.ledger.workspace import VARIABLE as WORKSPACE
from edgeproof.recipe.folder import RunFolder
from edgeproof.train.bundle import Bundle, read_bundle
from edgeproof.train.loggers.connect import SQLITE, VARIABLE, Connection, connect, tracking_uri
from edgeproof.train.loggers.registry import Version, alias, fetch, register
from edgeproof.train.loggers.scrub import scrub
from edgeproof.train.loggers.settings import MlflowConfig
from edgeproof.train.loggers.tracker import FOLDER as TRACKING

__all__ = ["load_model", "open_registry", "register_run"]

DATABASE = f"{FOLDER}/mlflow.db"


def open_registry(uri: str | None = None, workspace: Path | str | None = None) -> Connection:
    """MLflow at this address, else where MLFLOW_TRACKING_URI says, else in the workspace.

    Without a workspace it is the one of the current folder, else the only one in a folder below. Nothing is created.

    Raises:
        ConfigError: no database there, several below, or it cannot be used.
    """
    place = find_workspace(None if workspace is None else Path(workspace))
    if not _is_there(tracking_uri(uri, place)):
        named = uri or workspace or any(os.environ.get(name) for name in (VARIABLE, WORKSPACE))
        below = [] if named else sorted(Path.cwd().glob(f"*/{DATABASE}"))
        if len(below) != 1:
            raise ConfigError(_nothing_there(uri, place, [path.parent.parent for path in below]))
        place = below[0].parent.parent
    return connect(MlflowConfig(uri=uri), place)


def _is_there(uri: str) -> bool:
    """Whether there is something to read at an address; of a database in a file it can be said without asking it."""
    return not uri.startswith(SQLITE) or Path(uri.removeprefix(SQLITE)).is_file()


def _nothing_there(uri: str | None, place: Path, below: Sequence[Path]) -> str:
    if below:
        return f"models in {', '.join(map(str, below))}: say which by --workspace DIR"
    asked = tracking_uri(uri, place)
    if asked == tracking_uri(None, place) and not os.environ.get(VARIABLE):
        return f"no models in {place / FOLDER}; give --workspace DIR, the folder whose {FOLDER} counts the run's trials"
    return f"no models in {scrub(asked)}: no such database; correct the address, or give --workspace DIR"


def register_run(run: Path | str, name: str, *, aliases: Sequence[str] = (), uri: str | None = None) -> Version:
    """Register the bundle of a tracked run as a version of a model.

    Args:
        run: folder of a finished run.
        name: of the model.
        aliases: such as `challenger`; each is taken away from the version that had it.
        uri: of MLflow; none: where the run was tracked.

    Raises:
        BundleError: training is not finished, or the bundle is altered.
        LedgerError: the workspace's ledger does not know the bundle.
        DataError: the run was not tracked at MLflow.
        ConfigError: MLflow cannot be used.
    """
    folder = RunFolder(Path(run))
    bundle = read_bundle(folder.require_bundle())
    workspace = Path(folder.state()["identity"]["workspace"])
    ledger = Ledger(workspace)
    if not any(row.body["bundle"] == bundle.sha for row in ledger.rows("candidate")):
        raise LedgerError(f"{ledger.path}: does not know bundle {bundle.sha[:12]} of {folder.path}; train it here")
    tracking = folder.config().tracking
    given = tracking.uri if isinstance(tracking, MlflowConfig) and uri is None else uri
    connection = connect(MlflowConfig(uri=given), workspace)
    state = folder.path / TRACKING / "mlflow.json"
    known = read_json(state) if state.is_file() else {}
    if known.get("address") != connection.sha:
        raise DataError(f"{folder.path}: not tracked there; the command that made it, with --track, sends it")
    version = register(connection, known["run_id"], name, _lineage(folder, bundle))
    for word in aliases:
        alias(connection, name, word, version.number)
    return version


def load_model(address: str, *, uri: str | None = None, workspace: Path | str | None = None) -> Bundle:
    """The bundle that `models:/name@alias` means, checked against the hash under which it was registered.

    Raises:
        BundleError: altered, or another one.
        ConfigError: there is none, or MLflow cannot be used.
    """
    return fetch(open_registry(uri, workspace), address)


def _lineage(folder: RunFolder, bundle: Bundle) -> dict[str, str]:
    """Tags of a version: what it is, what it was made from, and what was judged when it was registered."""
    verdict: dict[str, Any] = {}
    if (folder.path / "verdict.json").is_file():
        verdict = read_json(folder.path / "verdict.json")
    lineage = bundle.lineage
    parents = [parent["bundle"] for parent in lineage.get("parents", [])]
    tags = {
        "bundle_sha": bundle.sha,
        "trial": lineage["trial"],
        "market": lineage["market"],
        "market_identity": lineage["identity"],
        "data": lineage["data"],
        "seed": lineage["seed"],
        "model_type": bundle.model_config.model_dump()["name"],
        "parents": " ".join(parents) or None,
        "verdict": verdict.get("verdict"),
        "span": verdict.get("span"),
        "trials": verdict.get("trials"),
    }
    return {key: str(value) for key, value in tags.items() if value is not None}
