"""`Finding` is the one result of every check: data quality, leakage, splits, verdict guards."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

__all__ = ["LEVELS", "Finding", "Level", "failed", "passed", "worst"]

Level = Literal["info", "warning", "error"]
LEVELS: tuple[Level, ...] = ("info", "warning", "error")


@dataclass(frozen=True)
class Finding:
    """What one check saw.

    Attributes:
        check: name of the check, dotted: `quality.gaps`, `leakage.causal`.
        level: `info` (nothing wrong), `warning` (go on, look), `error` (caps the verdict).
        claim: one sentence: what is the case.
        evidence: JSON-ready figures behind the claim (counts, first examples, thresholds).
        where: symbol, column, row or time that the claim is about; empty for the whole market.
        remedy: one sentence: what to do about it.
    """

    check: str
    level: Level
    claim: str
    evidence: dict[str, Any] = field(default_factory=dict)
    where: str = ""
    remedy: str = ""

    def to_json(self) -> dict[str, Any]:
        """The finding as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> "Finding":
        """The finding that `to_json` wrote."""
        return cls(**body)


def worst(findings: Iterable[Finding]) -> Level:
    """The highest level among the findings, `info` if there are none."""
    rank = max((LEVELS.index(finding.level) for finding in findings), default=0)
    return LEVELS[rank]


def passed(check: str, claim: str, *, measured: Any, threshold: Any, **evidence: Any) -> Finding:
    """A check that saw nothing wrong."""
    return Finding(check, "info", claim, {"measured": measured, "threshold": threshold, **evidence})


def failed(
    check: str,
    level: Level,
    claim: str,
    remedy: str,
    *,
    measured: Any,
    threshold: Any,
    where: str = "",
    **evidence: Any,
) -> Finding:
    """A check that saw something wrong: what, how much, and what to do."""
    return Finding(check, level, claim, {"measured": measured, "threshold": threshold, **evidence}, where, remedy)
