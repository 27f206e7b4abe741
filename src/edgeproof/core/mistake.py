"""What a refused config says: the key that is meant, with its whole path, and the value in words.

A config may say by what other names its keys are known elsewhere: `also_called: ClassVar = {"ent_coef": "entropy"}`.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from edgeproof.core.catalog import nearest, whole
from edgeproof.core.secret import without_passwords

__all__ = ["KEYS", "named", "stray_key", "value_problem"]

KEYS = "all keys: docs/config.md, or `edgeproof template keys`"
LISTED = 3  # places at most that a key of this name is said to have
LONG = 60  # characters of a value that are shown

Kind = type[BaseModel]


@dataclass(frozen=True)
class _Block:
    """One mapping of a config as it is written.

    Attributes:
        path: of its keys.
        kind: what it is read as.
        body: what is written.
        kinds: of a part, what else its name could choose.
    """

    path: tuple[str, ...]
    kind: Kind
    body: Mapping[str, Any]
    kinds: Mapping[str, Kind]


def named(kind: Kind, body: Any) -> Any:
    """The body, in which a part that is written as a mapping without a name takes the name of the field's default."""
    if not isinstance(body, Mapping):
        return body
    filled = {key: _part_of(kind, key, value)[0] for key, value in body.items()}
    return filled if any(filled[key] is not body[key] for key in body) else body


def _part_of(kind: Kind, key: str, value: Any) -> tuple[Any, Mapping[str, Kind] | None]:
    """A field's value as a part is read, and its catalog; the value as it is and None of any other field."""
    field = kind.model_fields.get(key)
    mark = next((mark for mark in (field.metadata if field else ()) if hasattr(mark, "resolve")), None)
    if field is None or mark is None:
        return value, None
    kinds = whole(mark.catalog, mark.group)
    if isinstance(value, Mapping) and "name" not in value and isinstance(field.default, BaseModel):
        default = field.default
        value = {"name": default.model_dump()["name"], **default.model_dump(mode="json", exclude_unset=True), **value}
    return value, kinds


def _blocks(kind: Kind, body: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[_Block]:
    """The mappings that lie in this one, blocks and parts."""
    for key, field in kind.model_fields.items():
        value, kinds = _part_of(kind, key, body.get(key, {}))
        if isinstance(value, list | tuple) and isinstance(each := next(iter(get_args(field.annotation)), None), type):
            for place, inner in enumerate(value):
                if isinstance(inner, Mapping) and issubclass(each, BaseModel):
                    yield _Block((*path, key, str(place)), each, inner, {})
        if kinds is not None:
            inner = {"name": value} if isinstance(value, str) else value
            chosen = kinds.get(str(inner.get("name"))) if isinstance(inner, Mapping) else None
        else:
            inner, chosen = value, field.annotation
        if isinstance(inner, Mapping) and isinstance(chosen, type) and issubclass(chosen, BaseModel):
            yield _Block((*path, key), chosen, inner, kinds or {})
            yield from _blocks(chosen, inner, (*path, key))


def stray_key(kind: Kind, body: Mapping[str, Any]) -> str | None:
    """What to say of the first key that no field has; None where every key is one."""
    root = _Block((), kind, body, {})
    blocks = [root, *_blocks(kind, body)]
    for block in blocks:
        for key in block.body:
            if key not in block.kind.model_fields:
                return _said(str(key), block, blocks)
    return None


def _said(key: str, block: _Block, blocks: Sequence[_Block]) -> str:
    where, fields = ".".join(block.path), list(block.kind.model_fields)
    others = [name for name, kind in block.kinds.items() if key in kind.model_fields]
    if others:
        own, first = block.body.get("name"), f"{{name: {others[0]}, {key}: {_flow(block.body[key])}}}"
        also = f" ({', '.join(others)} have it)" if len(others) > 1 else ""
        return f"unknown key {key!r} in {where}: {where} is {own}, which has no {key}; set {where}={first}{also}"
    inside = f" in {where}" if where else ""
    own = getattr(block.kind, "also_called", {}).get(key)
    elsewhere = [f"{where}.{own}" if where else own] if own else _places(key, block, blocks)
    if elsewhere and not (own is None and difflib.get_close_matches(key, fields, n=1, cutoff=0.8)):
        return f"unknown key {key!r}{inside}; did you mean {' or '.join(map(repr, elsewhere[:LISTED]))}?"
    return f"unknown key {key!r}{inside}{nearest(key, fields, KEYS)}"


def _places(key: str, block: _Block, blocks: Sequence[_Block]) -> list[str]:
    """Whole paths of keys of this name, or known elsewhere by it, in other blocks."""
    found = []
    for other in blocks:
        own = key if key in other.kind.model_fields else getattr(other.kind, "also_called", {}).get(key)
        if own is not None and own != "name" and other.path != block.path:
            found.append(".".join((*other.path, own)))
    return found


def value_problem(error: ValidationError) -> str:
    """The first problem of a value: where, what, and what was given, if the user wrote it as one value."""
    problem = error.errors()[0]
    place = ".".join(str(step) for step in problem["loc"] if not str(step).startswith("function-"))
    message = problem["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    if problem["type"] == "too_short":
        message = f"needs {problem.get('ctx', {}).get('min_length', 1)} or more of them"
    value = problem["input"]
    if problem["type"] in ("tuple_type", "list_type"):
        message = "write a list" + ("" if isinstance(value, Mapping) else f", such as [{_shown(value)}]")
    if not place or isinstance(value, Mapping | BaseModel):  # of the whole: it says what it got
        return f"{place}: {message}" if place else message
    return f"{place}: {message} (got {_shown(value, repr)})"


def _flow(value: Any) -> str:
    """A value as it is written within a line of YAML."""
    return without_passwords(yaml.safe_dump([value], default_flow_style=True, width=1000).strip()[1:-1])


def _shown(value: Any, write: Any = str) -> str:
    text = without_passwords(write(value))
    return text if len(text) < LONG else text[: LONG - 3] + "..."
