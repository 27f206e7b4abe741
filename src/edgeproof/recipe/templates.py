"""Templates: configs that come with the package, as YAML."""

from importlib.resources import files
from typing import Any

import yaml

from edgeproof.core.catalog import nearest
from edgeproof.core.errors import ConfigError

__all__ = ["template_body", "template_of", "template_text", "template_texts"]


def template_texts() -> dict[str, str]:
    """Text of every template by name."""
    folder = files("edgeproof") / "templates"
    entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
    return {
        entry.name.removesuffix(".yaml"): entry.read_text(encoding="utf-8")
        for entry in entries
        if entry.name.endswith(".yaml")
    }


def template_text(name: str) -> str:
    """Text of one template.

    Raises:
        ConfigError: there is none of this name; the nearest is named.
    """
    texts = template_texts()
    if name not in texts:
        raise ConfigError(f"unknown template {name!r}{nearest(name, list(texts))}")
    return texts[name]


def template_of(model: str | None = None, agent: str | None = None) -> dict[str, Any]:
    """The baseline of a model; for one that has none, that of `logistic` with this model in its place.

    Of an agent the template `rl_training`, with this agent in its place.
    """
    if model is None:
        body = template_body("rl_training")
        return body if body["agent"]["name"] == agent else body | {"agent": agent}
    own = f"{model.removesuffix('_attention')}_baseline"
    return template_body(own) if own in template_texts() else template_body("logistic_baseline") | {"model": model}


def template_body(name: str) -> dict[str, Any]:
    """One template as a mapping."""
    return yaml.safe_load(template_text(name))
