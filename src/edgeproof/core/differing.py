"""Where two mappings differ first, in words."""

from collections.abc import Mapping
from typing import Any

from edgeproof.core.secret import without_passwords

__all__ = ["first_difference"]

LONG = 60  # characters of a value that are shown
ABSENT = object()


def first_difference(there: Any, asked: Any, key: str = "") -> str | None:
    """`train.lr is 0.001 there, 0.01 here`, of the first key whose value differs; None where none does."""
    if isinstance(there, Mapping) and isinstance(asked, Mapping):
        for name in dict.fromkeys([*there, *asked]):
            inner = f"{key}.{name}" if key else str(name)
            found = first_difference(there.get(name, ABSENT), asked.get(name, ABSENT), inner)
            if found is not None:
                return found
        return None
    return None if there == asked else f"{key} is {_shown(there)} there, {_shown(asked)} here"


def _shown(value: Any) -> str:
    value = value["name"] if isinstance(value, Mapping) and "name" in value else value
    text = "not set" if value is ABSENT else "null" if value is None else without_passwords(str(value))
    return text if len(text) < LONG else text[: LONG - 3] + "..."
