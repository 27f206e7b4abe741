"""Pluggable parts live in plain dicts, `{"mlp": MlpConfig}`; packages outside add theirs through entry points.

A part's config has a `name: Literal["mlp"] = "mlp"`; in YAML a part is `mlp` or `{name: mlp, dropout: 0.2}`.
"""

import difflib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from edgeproof.core.errors import ConfigError

__all__ = ["lookup", "nearest", "outside", "singular", "whole"]

FEW = 12  # names that a line can list


@cache
def outside(group: str) -> dict[str, Any]:
    """Parts that installed packages declare under the entry-point group `edgeproof.<group>`."""
    return {point.name: point.load() for point in entry_points(group=f"edgeproof.{group}")}


def whole(own: Mapping[str, Any], group: str) -> dict[str, Any]:
    """Own parts and those of installed packages.

    Raises:
        ConfigError: an outside part takes a name that is taken.
    """
    taken = own.keys() & outside(group).keys()
    if taken:
        raise ConfigError(
            f"entry point {sorted(taken)[0]!r} in edgeproof.{group}: the name is taken; rename it in its package"
        )
    return {**own, **outside(group)}


def singular(group: str) -> str:
    """One of a group: `models` -> `model`, `losses` -> `loss`, `policies` -> `policy`."""
    if group.endswith("ies"):
        return group.removesuffix("ies") + "y"
    return group.removesuffix("es") if group.endswith("sses") else group.removesuffix("s")


def nearest(name: str, known: Mapping[str, Any] | list[str], reference: str = "") -> str:
    """`; did you mean 'x'?`, or the list of known names; where there is a reference, of few names alone."""
    heads = {each.partition("_")[0]: each for each in reversed(list(known))}  # `gruu` is nearer to gru than to gbm
    close = [heads[head] for head in difflib.get_close_matches(name, list(heads), n=1, cutoff=0.8)]
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5) or close
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; {reference}" if reference and len(known) > FEW else f"; known: {', '.join(known)}"


def lookup(own: Mapping[str, Any], group: str, name: str) -> Any:
    """The part of this name.

    Raises:
        ConfigError: there is none; the text names the nearest.
    """
    parts = whole(own, group)
    if name not in parts:
        raise ConfigError(f"unknown {singular(group)} {name!r}{nearest(name, parts)}")
    return parts[name]
