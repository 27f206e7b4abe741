"""The space of a search: keys with a range or a list of choices, from defaults and from what the user writes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import yaml

from edgeproof.core.catalog import nearest
from edgeproof.core.config import Tune
from edgeproof.core.errors import ConfigError
from edgeproof.core.identity import canonical_json
from edgeproof.core.mistake import KEYS
from edgeproof.search.settings import RangeConfig

if TYPE_CHECKING:
    from optuna.trial import Trial

__all__ = ["draw", "fitted", "plain_space", "read_choice", "read_space", "resolve"]

Written = Mapping[str, RangeConfig | Sequence[Any] | None]


def read_space(texts: Sequence[str]) -> dict[str, Any]:
    """What is written on a command line, as it would stand in a file.

    `train.lr=1e-4:1e-2:log`, `model.layers=1:3`, `train.batch_size={256,512}`, `model.hidden={[64],[128,64]}`, and
    `loss.gamma=null`, which leaves the key as it is.

    Raises:
        ConfigError: a text that is none of these.
    """
    return dict(_one(text) for text in texts)


def _one(text: str) -> tuple[str, Any]:
    key, sign, body = text.partition("=")
    if not sign or not key or not body:
        raise ConfigError(f"space {text!r} is not key=low:high, key=low:high:log or key={{a,b,c}}")
    if body == "null":
        return key, None
    if body.startswith("{") and body.endswith("}"):
        return key, _choices(text, body)
    ends = body.split(":")
    if len(ends) not in (2, 3) or (len(ends) == 3 and ends[2] != "log"):
        raise ConfigError(f"space {text!r}: write {key}=low:high, {key}=low:high:log or {key}={{a,b,c}}")
    return key, {"low": _number(text, ends[0]), "high": _number(text, ends[1]), "log": len(ends) == 3}


def _choices(text: str, body: str) -> list[Any]:
    try:
        found = yaml.safe_load(f"[{body[1:-1]}]")
    except yaml.YAMLError as error:
        raise ConfigError(f"space {text!r}: the choices between the braces are not readable") from error
    return [_or_number(value) for value in found]


def _or_number(value: Any) -> Any:
    try:
        return float(value) if isinstance(value, str) else value  # YAML 1.1 reads 1e-3 as text
    except ValueError:
        return value


def _number(text: str, part: str) -> int | float:
    for kind in (int, float):
        try:
            return kind(part)
        except ValueError:
            continue
    raise ConfigError(f"space {text!r}: {part!r} is no number")


def resolve(
    defaults: Mapping[str, Tune], written: Written, known: Mapping[str, Any], *, only: bool = False
) -> dict[str, Tune]:
    """The space: defaults, with what the user writes in their place.

    Args:
        defaults: of the config's fields.
        written: by the user.
        known: every key that may be varied, with its present value: a range of a fractional number is one, too.
        only: without the defaults that the user does not name.

    Raises:
        ConfigError: an unknown key, an empty or impossible range, or nothing to vary.
    """
    for key in written:
        if key not in known:
            raise ConfigError(f"unknown key {key!r} in the space{nearest(key, list(known), KEYS)}")
    given = {key: None if body is None else _tune(key, body, known[key]) for key, body in written.items()}
    found = {key: tune for key, tune in {**({} if only else defaults), **given}.items() if tune is not None}
    if not found:
        raise ConfigError(
            "nothing to vary: the space is empty; give --space key=low:high, such as --space train.lr=1e-4:1e-2:log"
        )
    return dict(sorted(found.items()))


def _tune(key: str, body: RangeConfig | Sequence[Any], value: Any) -> Tune:
    if not isinstance(body, RangeConfig):
        if len({canonical_json(choice) for choice in body}) < 1:
            raise ConfigError(f"space {key}: no choices; write {key}={{a,b,c}}")
        return Tune(choices=tuple(body))
    if body.low >= body.high:
        raise ConfigError(f"space {key}: low {body.low:g} is not below high {body.high:g}")
    if body.log and body.low <= 0:
        raise ConfigError(f"space {key}: a logarithmic range begins above 0, not at {body.low:g}")
    tune = Tune(body.low, body.high, log=body.log)
    return replace(tune, low=float(body.low), high=float(body.high)) if isinstance(value, float) else tune


def fitted(tune: Tune) -> list[Any]:
    """The values at which a space can be wrong: the ends of a range, every choice."""
    return list(tune.choices) if tune.choices else [tune.low, tune.high]


def draw(trial: "Trial", key: str, tune: Tune) -> Any:
    """A value for a trial; Optuna knows choices of plain values only, so lists go as their JSON."""
    if tune.choices:
        return read_choice(tune, trial.suggest_categorical(key, [_as_label(choice) for choice in tune.choices]))
    if isinstance(tune.low, int) and isinstance(tune.high, int):
        return trial.suggest_int(key, tune.low, tune.high, log=tune.log)
    assert tune.low is not None  # noqa: S101 - a range has ends
    assert tune.high is not None  # noqa: S101
    return trial.suggest_float(key, tune.low, tune.high, log=tune.log)


def read_choice(tune: Tune, drawn: Any) -> Any:
    """The value that a drawn one stands for."""
    if not tune.choices:
        return drawn
    return next(
        choice for choice in tune.choices if _as_label(choice) == drawn and type(_as_label(choice)) is type(drawn)
    )


def _as_label(choice: Any) -> Any:
    return choice if choice is None or isinstance(choice, bool | int | float | str) else canonical_json(choice)


def plain_space(space: Mapping[str, Tune]) -> dict[str, dict[str, Any]]:
    """The space as plain data: `low`, `high`, `log`, or `choices`."""
    return {
        key: {"choices": [list(c) if isinstance(c, tuple) else c for c in tune.choices]}
        if tune.choices
        else {"low": tune.low, "high": tune.high, "log": tune.log}
        for key, tune in space.items()
    }
