"""The JSON schema of a run's config: what editors need to complete keys, show their meaning and mark mistakes."""

from typing import Any

from edgeproof.recipe.config import RunConfig

__all__ = ["config_schema"]


def config_schema() -> dict[str, Any]:
    """JSON schema (draft 2020-12) of a config file, the parts of installed packages included.

    What depends on two keys together is checked when a config is loaded, not here.
    """
    body = RunConfig.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **body, "title": "A run of edgeproof"}
