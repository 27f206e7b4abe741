"""A bundle is one trained model on disk: weights and preprocessor in a container, the rest in JSON, hashed together.

bundle.json carries the container's hash and its own, so that a truncated or altered bundle is refused in one line.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from edgeproof.core.catalog import lookup
from edgeproof.core.config import Config, from_mapping
from edgeproof.core.container import read_container, write_container
from edgeproof.core.errors import BundleError, ConfigError, DataError
from edgeproof.core.files import read_json, staged_directory, write_json
from edgeproof.core.identity import sha_json, sha_named
from edgeproof.models import MODELS
from edgeproof.models.actor import ACTORS
from edgeproof.models.ensemble import COMBINED
from edgeproof.train.keep import arrays_of, below, load_arrays

__all__ = ["Bundle", "read_bundle", "write_bundle"]

WEIGHTS, BODY = "weights.safetensors", "bundle.json"
FORMAT = "edgeproof-bundle-1"


@dataclass(frozen=True)
class Bundle:
    """A trained model and what it needs to be used again.

    Attributes:
        model: in evaluation mode.
        model_config: what built it.
        window: L.
        features: F names, in the order of the table's last axis.
        symbols: names by asset id; others are unknown (-1).
        preprocessor: arrays of the preprocessor, as its `to_arrays` gave them.
        config: the run's resolved config.
        thresholds: chosen on validation, such as {"theta": 0.512}.
        lineage: where it comes from: market, data, seed, trial, parents.
        figures: validation figures of the weights.
        sha: content hash of the bundle; empty until it was written.
    """

    model: nn.Module
    model_config: Config
    window: int
    features: tuple[str, ...]
    symbols: tuple[str, ...]
    preprocessor: Mapping[str, np.ndarray]
    config: dict[str, Any] = field(default_factory=dict)
    thresholds: dict[str, Any] = field(default_factory=dict)
    lineage: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    sha: str = ""

    def assets(self, symbols: tuple[str, ...]) -> np.ndarray:
        """i64[S] asset ids of a market's symbols, -1 where the model never saw the symbol."""
        known = {name: number for number, name in enumerate(self.symbols)}
        return np.array([known.get(name, -1) for name in symbols], dtype=np.int64)


def write_bundle(folder: Path, bundle: Bundle) -> str:
    """Write a bundle; returns its hash. Writing the same bundle again changes nothing.

    Raises:
        DataError: the folder holds something else, or cannot be written.
    """
    folder = Path(folder)
    arrays = {f"model.{name}": array for name, array in arrays_of(bundle.model).items()}
    arrays |= {f"preprocessor.{name}": np.atleast_1d(array) for name, array in bundle.preprocessor.items()}
    body = {
        "format": FORMAT,
        "model": bundle.model_config.model_dump(mode="json"),
        "window": bundle.window,
        "features": list(bundle.features),
        "symbols": list(bundle.symbols),
        "config": bundle.config,
        "thresholds": bundle.thresholds,
        "lineage": bundle.lineage,
        "figures": bundle.figures,
        "weights_sha256": sha_named(arrays),
    }
    sha = sha_json(body)
    if (folder / BODY).is_file() and read_bundle(folder).sha == sha:
        return sha
    with staged_directory(folder) as stage:
        write_container(stage / WEIGHTS, arrays, {"format": FORMAT})
        write_json(stage / BODY, body | {"sha256": sha})
    return sha


def read_bundle(folder: Path) -> Bundle:
    """Read a bundle, given its folder or the folder of the run that holds it.

    Raises:
        BundleError: missing, truncated, altered, of another version, or of a model that is not installed.
    """
    folder = Path(folder)
    if not (folder / BODY).is_file() and (folder / "bundle" / BODY).is_file():
        folder = folder / "bundle"
    body = _read_body(folder / BODY)
    arrays, _, _ = read_container(folder / WEIGHTS)
    if sha_named(arrays) != body["weights_sha256"]:
        raise BundleError(f"{folder / WEIGHTS}: not the weights that {BODY} names; restore both from one copy")
    try:
        config = from_mapping(
            lookup({**MODELS, **COMBINED, **ACTORS}, "models", body["model"]["name"]),
            body["model"],
            source=str(folder / BODY),
        )
    except ConfigError as error:
        raise BundleError(f"{error}; install the package that this model comes from") from error
    model: nn.Module = config.build(len(body["features"]), body["window"], len(body["symbols"]))  # pyright: ignore[reportAttributeAccessIssue] - every model config builds
    load_arrays(model, below("model.", arrays), folder / WEIGHTS)
    return Bundle(
        model=model.eval(),
        model_config=config,
        window=body["window"],
        features=tuple(body["features"]),
        symbols=tuple(body["symbols"]),
        preprocessor=below("preprocessor.", arrays),
        config=body["config"],
        thresholds=body["thresholds"],
        lineage=body["lineage"],
        figures=body["figures"],
        sha=body["sha256"],
    )


def _read_body(path: Path) -> dict[str, Any]:
    if not path.is_file():
        run = next((place for place in (path.parent, path.parent.parent) if (place / "run.json").is_file()), None)
        if run is not None:
            raise BundleError(
                f"{run}: the training of this run has not finished, so it has no bundle yet; run its command again "
                f"with --out {run} to take it up, or see how far it came: edgeproof doctor {run}"
            )
        raise BundleError(f"{path}: no bundle here; give the folder RUN/bundle that `edgeproof run` wrote")
    try:
        body = read_json(path)
    except DataError as error:
        raise BundleError(f"{path}: truncated or altered (not JSON); restore it or train again") from error
    if not isinstance(body, dict) or body.get("format") != FORMAT:
        raise BundleError(f"{path}: not a bundle of this version ({FORMAT}); train again, or use that version")
    if sha_json({key: value for key, value in body.items() if key != "sha256"}) != body.get("sha256"):
        raise BundleError(f"{path}: content does not match its hash (altered after it was written); restore it")
    return body
