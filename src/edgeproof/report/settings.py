"""What a run was told, read from its resolved config: which threshold is kept, and the page's line of settings."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from edgeproof.report.number import clip, get, is_number, show

__all__ = ["kept_rule", "settings_line", "settings_of"]

CHARGES = ("commission_bps", "half_spread_bps", "slippage_bps")
OTHER = ("commission_per_unit", "impact")


def settings_of(config_yaml: str) -> Mapping[str, Any]:
    """The resolved config as a mapping; empty where the text is none."""
    try:
        body = yaml.safe_load(config_yaml)
    except yaml.YAMLError:
        return {}
    return body if isinstance(body, Mapping) else {}


def kept_rule(config_yaml: str) -> str:
    """`best` or `median`: which of the thresholds the config keeps."""
    return str(get(settings_of(config_yaml), "keep") or "best")


def settings_line(config_yaml: str) -> str:
    """`opportunity 24 bars · bracket · holdout · seed 0 · 4 + 1 bps a side`, as much of it as the config says."""
    body = settings_of(config_yaml)
    said = [_label(body), *(_name(body.get(key)) for key in ("policy", "split"))]
    said += [f"seed {show(body['seed'])}"] if is_number(body.get("seed")) else []
    return " · ".join(text for text in [*said, _costs(get(body, "costs"))] if text)


def _name(part: Any) -> str:
    named = part.get("name") if isinstance(part, Mapping) else part
    return clip(named.replace("_", " "), 40) if isinstance(named, str) else ""


def _label(body: Mapping[str, Any]) -> str:
    """Label and horizon; of several labels each."""
    labels = body.get("label")
    listed = labels if isinstance(labels, Sequence) and not isinstance(labels, str) else [labels]
    return ", ".join(text for label in listed if (text := f"{_name(label)} {_horizon(label)}".strip()))


def _horizon(label: Any) -> str:
    bars = label.get("horizon_bars") if isinstance(label, Mapping) else None
    return show(bars, "bars") if is_number(bars) else ""


def _costs(costs: Any) -> str:
    if not isinstance(costs, Mapping):
        return ""
    sides = [f"{value:g}" for key in CHARGES if is_number(value := costs.get(key)) and value]
    further = [key.replace("_", " ") + f" {value:g}" for key in OTHER if is_number(value := costs.get(key)) and value]
    said = [f"{' + '.join(sides)} bps a side"] if sides else []
    return ", ".join([*said, *further]) or "no costs"
