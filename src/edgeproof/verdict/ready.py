"""JSON has no NaN and no infinity: what cannot be said is null."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["json_ready"]


def json_ready(value: Any) -> Any:
    """The value in plain Python types; NaN and infinities become None, arrays become lists."""
    if isinstance(value, Mapping):
        return {str(key): json_ready(inner) for key, inner in value.items()}
    if isinstance(value, np.ndarray):
        return json_ready(value.tolist())
    if isinstance(value, list | tuple):
        return [json_ready(inner) for inner in value]
    if isinstance(value, np.generic):
        return json_ready(value.item())
    return None if isinstance(value, float) and not math.isfinite(value) else value
