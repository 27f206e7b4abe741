"""Named arrays and a JSON header in one safetensors file that knows its own hash; no pickle is ever read.

The header carries `sha256` over header and arrays, so a truncated or altered file is refused.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from edgeproof.core.errors import BundleError
from edgeproof.core.files import write_bytes
from edgeproof.core.identity import canonical_json, sha_json, sha_named

__all__ = ["read_container", "write_container"]

FORMAT = "edgeproof-container-1"


def write_container(path: Path, arrays: Mapping[str, np.ndarray], header: dict[str, Any]) -> str:
    """Write arrays and header atomically; returns the content hash. Equal content gives equal bytes."""
    whole = {name: np.ascontiguousarray(array) for name, array in sorted(arrays.items())}
    sha = _content_sha(whole, header)
    # one entry: the library writes several in an order of its own
    note = canonical_json({"format": FORMAT, "header": header, "sha256": sha})
    write_bytes(path, save(whole, metadata={"edgeproof": note}))
    return sha


def read_container(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any], str]:
    """Arrays, header and content hash of a container.

    Raises:
        BundleError: missing, truncated, altered, or written by something else.
    """
    path = Path(path)
    if not path.is_file():
        raise BundleError(f"{path}: no such file; check the path, or train again")
    try:
        with safe_open(path, framework="numpy") as stream:
            note = (stream.metadata() or {}).get("edgeproof", "{}")
            arrays = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 - not a dict
        body = json.loads(note)
        format_, header, sha = body.get("format"), body.get("header"), body.get("sha256")
    except (SafetensorError, AttributeError, ValueError, OSError) as error:
        raise BundleError(f"{path}: truncated or not a container ({error}); restore it or train again") from error
    if format_ != FORMAT:
        raise BundleError(f"{path}: not written by this version of edgeproof (format {format_!r})")
    if not isinstance(header, dict) or _content_sha(arrays, header) != sha:
        raise BundleError(f"{path}: content does not match its hash (altered after it was written); restore or retrain")
    return arrays, header, sha


def _content_sha(arrays: Mapping[str, np.ndarray], header: dict[str, Any]) -> str:
    return sha_json({"header": header, "arrays": sha_named(arrays)})
