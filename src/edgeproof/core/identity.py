"""What makes two things the same: SHA-256 over canonical bytes."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["canonical_json", "sha_array", "sha_bytes", "sha_json", "sha_named"]


def canonical_json(value: Any) -> str:
    """JSON with sorted keys, no spaces and no NaN: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def sha_bytes(data: bytes) -> str:
    """Hex SHA-256 of bytes."""
    return hashlib.sha256(data).hexdigest()


def sha_json(value: Any) -> str:
    """Hex SHA-256 of a JSON-ready value."""
    return sha_bytes(canonical_json(value).encode())


def sha_array(*arrays: np.ndarray) -> str:
    """Hex SHA-256 over dtype, shape and content of arrays, in order."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def sha_named(arrays: Mapping[str, np.ndarray]) -> str:
    """Hex SHA-256 over named arrays, independent of their order."""
    return sha_json({name: sha_array(array) for name, array in arrays.items()})
