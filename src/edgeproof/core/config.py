"""Configs are frozen pydantic models: a typo cannot pass, and a field is its own search space.

class MlpConfig(Config):
    name: Literal["mlp"] = "mlp"
    dropout: Annotated[float, Tune(0.2, 0.5)] = 0.3
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    SerializeAsAny,
    ValidationError,
    model_validator,
)
from pydantic_core import core_schema

from edgeproof.core.catalog import lookup, singular, whole
from edgeproof.core.describe import claim, meanings
from edgeproof.core.errors import ConfigError
from edgeproof.core.mistake import named, stray_key, value_problem

__all__ = ["Config", "Part", "Tune", "apply_overrides", "dump_yaml", "from_mapping", "part", "read_yaml", "space"]

ConfigType = TypeVar("ConfigType", bound="Config")


@dataclass(frozen=True)
class Tune:
    """The default search space of a field: a range (`log` for orders of magnitude) or a list of choices."""

    low: float | None = None
    high: float | None = None
    log: bool = False
    choices: tuple[Any, ...] = ()


def _describe(schema: dict[str, Any], kind: type) -> None:
    """What editors show: the docstring's words on the config and on each of its fields."""
    schema["description"], said = claim(kind), meanings(kind)
    for name, field in schema.get("properties", {}).items():
        if name in said:
            field["description"] = said[name]


class Config(BaseModel):
    """Base of every config: frozen, unknown keys refused, nothing coerced from text but what YAML gives."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False, json_schema_extra=_describe
    )

    @model_validator(mode="before")
    @classmethod
    def _parts_have_names(cls, body: Any) -> Any:
        """A part of which only some keys are given is the field's default with these keys."""
        return named(cls, body)


Part = SerializeAsAny[Config]


@dataclass(frozen=True)
class _OneOf:
    """A field's mark: it holds one entry of a catalog, written as its name or as a mapping with its name."""

    catalog: Mapping[str, type[Config]]
    group: str

    def resolve(self, value: Any) -> Any:
        if isinstance(value, Config):
            return value
        body = {"name": value} if isinstance(value, str) else value
        if not isinstance(body, Mapping) or "name" not in body:
            kind = singular(self.group)
            raise ConfigError(f"{kind}: write a name, or a mapping with a name, such as {next(iter(self.catalog))!r}")
        return from_mapping(lookup(self.catalog, self.group, str(body["name"])), body, source=singular(self.group))

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_before_validator_function(self.resolve, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        del schema
        kinds = whole(self.catalog, self.group)
        mappings = [dict(handler(kind.__pydantic_core_schema__)) for kind in kinds.values()]
        return {"anyOf": [{"enum": list(kinds)}, *mappings]}


def part(catalog: Mapping[str, type[Config]], group: str) -> Any:
    """Mark a field that holds one entry of a catalog.

    The field is declared as `model: Annotated[Part, part(MODELS, "models")]`.
    """
    return _OneOf(catalog, group)


class _Once(yaml.SafeLoader):
    """YAML in which no mapping has a key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        lines: dict[str, int] = {}
        for key, _ in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in lines and name != "<<":
                where = f"lines {lines[name]} and {line}" if lines[name] != line else f"line {line}"
                raise ConfigError(f"key {name!r} is written twice, in {where}; leave one out")
            lines[name] = line
        return super().construct_mapping(node, deep)


def read_yaml(path: Path, like: str = "logistic_baseline") -> dict[str, Any]:
    """The mapping in a YAML file.

    Args:
        path: the file.
        like: template that is named where there is no such file.

    Raises:
        ConfigError: the file is missing, is not YAML, has a key twice, or holds no mapping.
    """
    try:
        body = yaml.load(Path(path).read_text(encoding="utf-8"), Loader=_Once)  # noqa: S506 - a SafeLoader
    except FileNotFoundError as error:
        raise ConfigError(
            f"{path}: no such config; `edgeproof template copy {like} --out {path}` writes one"
        ) from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    except (IsADirectoryError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{path}: not readable as YAML ({reason})") from error
    if not isinstance(body, dict):
        raise ConfigError(f"{path}: a config is a mapping of keys to values; this file holds {type(body).__name__}")
    return body


def apply_overrides(body: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """The mapping with dotted overrides such as `train.lr=1e-3` or `model=mlp`; of one key the last one holds.

    A whole part comes before its fields, wherever it stands: `model.dropout=0.1 model=mlp` has dropout 0.1. A part
    written short (`model: mlp`) is opened when one of its fields is overridden (`model.dropout=0.1`).

    Raises:
        ConfigError: an override without `=`, or below a value that is no mapping.
    """
    result = _deep_copy(body)
    for override in sorted(overrides, key=lambda text: text.partition("=")[0].count(".")):
        key, sign, text = override.partition("=")
        if not sign or not key:
            raise ConfigError(f"override {override!r} is not key=value; write for example train.lr=1e-3")
        *parents, last = key.split(".")
        place: dict[str, Any] = result
        for parent in parents:
            inner: Any = place.get(parent)
            if inner is None:
                inner = {}
            elif isinstance(inner, str):
                inner = {"name": inner}
            if not isinstance(inner, dict):
                raise ConfigError(f"override {override!r}: {parent!r} holds {inner!r}, which has no keys")
            place[parent] = inner
            place = inner
        place[last] = _scalar(text)
    return result


def _deep_copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _deep_copy(inner) for key, inner in value.items()}
    return [_deep_copy(inner) for inner in value] if isinstance(value, list | tuple) else value


def _scalar(text: str) -> Any:
    try:
        value = yaml.load(text, Loader=_Once)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise ConfigError(f"override value {text!r} is not YAML") from error
    if isinstance(value, str):  # YAML 1.1 reads 1e-3 as text
        try:
            return float(value)
        except ValueError:
            return value
    return value


def from_mapping(kind: type[ConfigType], body: Mapping[str, Any], source: str = "config") -> ConfigType:
    """A validated config.

    Raises:
        ConfigError: the first problem found: unknown key with the nearest known one, or a wrong value.
    """
    try:
        return kind.model_validate(_numbers(body))
    except (ConfigError, ValidationError) as error:
        if (stray := stray_key(kind, body)) is not None:
            raise ConfigError(f"{source}: {stray}") from None
        if isinstance(error, ConfigError):  # of a part of a catalog
            raise ConfigError(f"{source}: {error}") from error
        raise ConfigError(f"{source}: {value_problem(error)}") from None  # it shows values as they are


def _numbers(value: Any) -> Any:
    """YAML 1.1 leaves `1e-3` as text: turn such text into numbers where it is all a number."""
    if isinstance(value, Mapping):
        return {key: _numbers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_numbers(inner) for inner in value]
    return _scalar(value) if isinstance(value, str) and value[:1] in "+-.0123456789" and "e" in value.lower() else value


def dump_yaml(config: Config) -> str:
    """The whole config, defaults included, as YAML in the order of its declaration."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def space(config: Config, prefix: str = "") -> dict[str, Tune]:
    """Every field that declares a `Tune`, by dotted key; a part's `tunes` come before those of fields outside it."""
    found: dict[str, Tune] = {}
    parts = [value for name in type(config).model_fields if isinstance(value := getattr(config, name), Config)]
    for name, field in type(config).model_fields.items():
        value, key = getattr(config, name), f"{prefix}{name}"
        for mark in field.metadata:
            if isinstance(mark, Tune):
                found[key] = mark
        if isinstance(value, Config):
            found.update(space(value, f"{key}."))
    over = {f"{prefix}{key}": tune for inner in parts for key, tune in getattr(inner, "tunes", {}).items()}
    found |= {key: tune for key, tune in over.items() if key in found}
    return {
        key: tune for key, tune in found.items() if tune is not None
    }  # a part's None: the field means nothing to it
