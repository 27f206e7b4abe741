"""Every key of a run's config as a page, read from the configs themselves: key, default, meaning."""

from typing import Any

from pydantic_core import PydanticUndefined

from edgeproof.backtest.policies import POLICIES
from edgeproof.core.config import Config
from edgeproof.core.describe import claim, meanings
from edgeproof.labels import LABELS
from edgeproof.models import MODELS
from edgeproof.recipe.config import RunConfig
from edgeproof.regimes import REGIMES
from edgeproof.rl import AGENTS
from edgeproof.rl.curriculum import CURRICULA, StageConfig
from edgeproof.rl.encoders import ENCODERS
from edgeproof.rl.reward import REWARDS
from edgeproof.samples.augment import AUGMENTATIONS
from edgeproof.samples.split import SPLITS
from edgeproof.simulator.costs import CostsConfig
from edgeproof.train import AVERAGES, LOSSES, OPTIMISERS, SCHEDULERS

__all__ = ["reference"]

PARTS: dict[str, dict[str, type[Config]]] = {
    "label": LABELS,
    "augment.kinds": AUGMENTATIONS,
    "split": SPLITS,
    "model": MODELS,
    "loss": LOSSES,
    "train.optimiser": OPTIMISERS,
    "train.scheduler": SCHEDULERS,
    "train.average": AVERAGES,
    "policy": POLICIES,
    "agent": AGENTS,
    "agent.encoder": ENCODERS,
    "agent.curriculum": CURRICULA,
    "agent.curriculum.stages": {"[{...}, ...]": StageConfig},
    "environment.reward": REWARDS,
    "regimes": REGIMES,
}
IN_A_RUN = {"environment.gross": "; `1.0` with `assets` above 1"}  # defaults that other keys decide
HEAD = """# Every key of a config

A config is YAML; `key=value` on the command line overrides it, with dots for what lies inside (`train.lr=1e-3`). A part
that comes in several kinds is chosen by its name (`policy=top_k`) and has keys of its own (`policy.k=3`). Keys that are
not given take the defaults below; `edgeproof template copy` writes a config to start from, `edgeproof template schema`
the JSON schema with which editors complete keys and mark mistakes. This page is made by `edgeproof template keys`, and
a test holds it to the code.
"""


def reference() -> str:
    """The page, in Markdown: the root's keys, then each block and each kind of part."""
    root = RunConfig(costs=CostsConfig())
    lines = [HEAD, "## The run", "", *_table(root, "")]
    for name, value in root:
        if isinstance(value, Config) and name not in PARTS:
            lines += ["", f"## `{name}`", "", claim(type(value)), "", *_table(value, f"{name}.")]
    for name, kinds in PARTS.items():
        for kind, config in kinds.items():
            lines += ["", f"## `{name}={kind}`", "", claim(config), "", *_table(config, f"{name}.")]
    return "\n".join(lines) + "\n"


def _table(config: Config | type[Config], prefix: str) -> list[str]:
    rows = _rows(config, prefix)
    return ["| key | default | meaning |", "|---|---|---|", *rows] if rows else ["No further keys."]


def _rows(config: Config | type[Config], prefix: str) -> list[str]:
    """Rows of the keys that hold plain values."""
    kind = config if isinstance(config, type) else type(config)
    said, rows = meanings(kind), []
    for name, field in kind.model_fields.items():
        value = getattr(config, name) if isinstance(config, Config) else field.get_default(call_default_factory=True)
        if name == "name" or (isinstance(value, Config) and prefix and f"{prefix}{name}" in PARTS):
            continue
        if isinstance(value, Config) and prefix and "name" not in type(value).model_fields:
            rows += _rows(value, f"{prefix}{name}.")
            continue
        default = f"`{value.model_dump().get('name', '...')}`" if isinstance(value, Config) else f"`{_plain(value)}`"
        default += IN_A_RUN.get(f"{prefix}{name}", "")
        rows.append(f"| `{prefix}{name}` | {default} | {said.get(name, '').replace('|', '/')} |")
    return rows


def _plain(value: Any) -> str:
    if value is PydanticUndefined:
        return "must be given"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
