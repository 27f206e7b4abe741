"""What a tracked run is called and known by: `supervised_run_mlp_opportunity_20261121T095414Z_1a2b3c4d`."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Card", "flat"]

LONGEST_VALUE = 6000  # MLflow's limit of a parameter


@dataclass(frozen=True)
class Card:
    """Name, tags and parameters of a tracked run.

    Attributes:
        phase: `supervised`, `search`, `reinforcement`.
        kind: type of the experiment: `run`, `study`, `trial`, `campaign`, `sweep`.
        model: name of the model.
        variant: what tells runs of one model apart, such as the label.
        sha: hash of everything that was chosen.
        dataset: version of the data: the market's hash.
        config: the resolved config; its market is a place and no parameter.
        trial_number: within a study.
        study: name of the study.
        parent: name of the run that this one belongs to.
        began_s: seconds since 1970.
    """

    phase: str
    kind: str
    model: str
    variant: str
    sha: str
    dataset: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    trial_number: int | None = None
    study: str | None = None
    parent: str | None = None
    began_s: float = field(default_factory=time.time)

    @property
    def name(self) -> str:
        """`{phase}_{type}_{model}_{variant}_{timestamp}_{hash}`."""
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self.began_s))
        return "_".join((self.phase, self.kind, self.model, self.variant, stamp, self.sha[:8]))

    def tags(self) -> dict[str, str]:
        """The tags that are known."""
        known = {
            "phase": self.phase,
            "experiment_type": self.kind,
            "model_type": self.model,
            "trial_number": self.trial_number,
            "dataset_version": self.dataset or None,
            "study": self.study,
            "parent_run": self.parent,
        }
        return {name: str(value) for name, value in known.items() if value is not None}

    def params(self) -> dict[str, str]:
        """The config by dotted key."""
        left_out = ("market", "tracking", "gates")  # places of this machine, and what changes no result
        return flat({key: value for key, value in self.config.items() if key not in left_out})


def flat(body: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """A nested mapping as text by dotted key: `{"train.lr": "0.0005"}`; lists stay JSON."""
    found: dict[str, str] = {}
    for key, value in body.items():
        if isinstance(value, Mapping) and value:
            found |= flat(value, f"{prefix}{key}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            found[f"{prefix}{key}"] = text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
    return found
