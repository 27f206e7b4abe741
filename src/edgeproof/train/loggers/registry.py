"""Bundles as versions of named models at MLflow, found again by alias, and checked byte for byte when they come back.

Through the interface alone: versions made in MLflow's pages lose their run.
"""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeproof.core.errors import BundleError, ConfigError
from edgeproof.core.files import staged_directory
from edgeproof.train.bundle import Bundle, read_bundle
from edgeproof.train.loggers.connect import Connection, failures, quiet, reason

__all__ = ["Version", "alias", "fetch", "find", "register", "versions"]

SCHEME = "models:/"


@dataclass(frozen=True)
class Version:
    """One registered bundle.

    Attributes:
        name: of the model.
        number: of the version, from 1.
        aliases: such as `champion`, `challenger`.
        run_id: the run at MLflow that made it.
        source: where its files lie there.
        tags: its lineage: bundle_sha, trial, market, data, verdict and so on.
    """

    name: str
    number: int
    aliases: tuple[str, ...]
    run_id: str
    source: str
    tags: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """The version as `edgeproof registry list --json` shows it."""
        return {
            "name": self.name,
            "version": self.number,
            "aliases": list(self.aliases),
            "run_id": self.run_id,
            "tags": dict(self.tags),
        }


def register(connection: Connection, run_id: str, name: str, tags: Mapping[str, str]) -> Version:
    """Make the bundle of a run a version of a model; the same bundle again is the same version.

    Args:
        connection: to MLflow.
        run_id: the run whose artifacts hold `bundle`.
        name: of the model, which is made if it is not there.
        tags: lineage; `bundle_sha` among them.

    Raises:
        BundleError: the run has no bundle there.
        ConfigError: MLflow refuses or is not there.
    """
    client = connection.client
    with _told(f"model {name!r}"):
        known = [version for version in _all(client, name) if version.tags.get("bundle_sha") == tags["bundle_sha"]]
        if known:
            return known[0]
        if not client.list_artifacts(run_id, "bundle"):
            raise BundleError(f"run {run_id}: MLflow has no bundle of it; run the same command again with --track")
        if not _has_model(client, name):
            client.create_registered_model(name, tags={"made_by": "edgeproof"})
        source = f"{client.get_run(run_id).info.artifact_uri}/bundle"
        made = client.create_model_version(name, source, run_id=run_id, tags=dict(tags), await_creation_for=0)
        return _version(made)


def versions(connection: Connection, name: str | None = None) -> list[Version]:
    """Registered bundles, of one model or of all, by name and number.

    Raises:
        ConfigError: MLflow is not there.
    """
    with _told("the registry"):
        names = [name] if name else [model.name for model in connection.client.search_registered_models()]
        found = [version for model in names for version in _all(connection.client, model)]
    return sorted(found, key=lambda version: (version.name, version.number))


def alias(connection: Connection, name: str, word: str, number: int | None) -> None:
    """Point an alias at a version, away from the one that had it; None takes it away.

    Raises:
        ConfigError: no such model or version, or MLflow is not there.
    """
    with _told(f"model {name!r}"):
        if number is None:
            connection.client.delete_registered_model_alias(name, word)
        else:
            connection.client.set_registered_model_alias(name, word, str(number))


def find(connection: Connection, address: str) -> Version:
    """The version that `models:/name@alias` or `models:/name/3` means.

    Raises:
        ConfigError: not such an address, or there is none of it.
    """
    body = address.removeprefix(SCHEME)
    by_alias, by_number = body.rpartition("@"), body.rpartition("/")
    if body == address or not (by_alias[0] or (by_number[0] and by_number[2].isdigit())):
        raise ConfigError(f"{address!r}: write {SCHEME}NAME@ALIAS or {SCHEME}NAME/VERSION")
    with _told(address):
        if by_alias[0]:
            number = connection.client.get_model_version_by_alias(by_alias[0], by_alias[2]).version
            return _version(connection.client.get_model_version(by_alias[0], str(number)))
        return _version(connection.client.get_model_version(by_number[0], by_number[2]))


def fetch(connection: Connection, address: str, out: Path | None = None) -> Bundle:
    """The bundle that an address means, the one that was registered and no other.

    Args:
        connection: to MLflow.
        address: `models:/name@alias` or `models:/name/3`.
        out: a new folder for its files; none: they are read and not kept.

    Raises:
        BundleError: truncated, altered, or not the bundle whose hash was registered.
        ConfigError: there is none, or MLflow is not there.
    """
    version = find(connection, address)
    with tempfile.TemporaryDirectory() as place:
        with _told(address):
            from mlflow.artifacts import download_artifacts

            uri = connection.client.tracking_uri
            here = Path(download_artifacts(artifact_uri=version.source, dst_path=place, tracking_uri=uri))
        bundle = read_bundle(here)
        if bundle.sha != version.tags.get("bundle_sha"):
            raise BundleError(f"{address}: not the bundle that was registered under it; register its run again")
        if out is not None:
            with staged_directory(Path(out)) as stage:
                shutil.copytree(here, stage, dirs_exist_ok=True)
    return bundle


@contextmanager
def _told(what: str) -> Iterator[None]:
    """What MLflow raises becomes one line about something."""
    known = failures()
    try:
        with quiet():
            yield
    except known as error:
        raise ConfigError(f"{what}: {reason(error)}; `edgeproof registry list` shows what there is") from error


def _has_model(client: Any, name: str) -> bool:
    return any(model.name == name for model in client.search_registered_models(f"name = '{_quoted(name)}'"))


def _all(client: Any, name: str) -> list[Version]:
    found, token = [], None
    while True:
        page = client.search_model_versions(f"name = '{_quoted(name)}'", page_token=token)
        found += [_version(client.get_model_version(name, entry.version)) for entry in page]
        token = page.token
        if not token:
            return found


def _quoted(name: str) -> str:
    if "'" in name:
        raise ConfigError(f"model {name!r}: a name has no quotation mark")
    return name


def _version(entry: Any) -> Version:
    return Version(
        entry.name, int(entry.version), tuple(sorted(entry.aliases)), entry.run_id or "", entry.source, dict(entry.tags)
    )
