"""Causes of a symptom, ranked by what speaks for each; equals stand in the order of the cheapest look."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from edgeproof.core.finding import Finding

__all__ = ["GROUPS", "LIKELY", "POSSIBLE", "SHOWN", "STRONG", "Cause", "ranked", "symptom"]

GROUPS = ("data pipeline", "loss", "gradient flow", "one batch", "architecture")
POSSIBLE, LIKELY, STRONG, SHOWN = range(4)  # nothing speaks for it or against; one hint; a measured one; seen directly


@dataclass(frozen=True)
class Cause:
    """Why a training may look as it does.

    Attributes:
        group: one of GROUPS.
        name: in a few words.
        weight: POSSIBLE, LIKELY, STRONG or SHOWN.
        because: what was measured that speaks for it; empty where nothing does.
        fix: in one sentence.
        change: settings of an edgeproof run that test the fix, such as `train.lr=0.001`; none: the model, its loss and
            its data have to be looked at (`check_model`).
    """

    group: str
    name: str
    weight: int
    because: str
    fix: str
    change: tuple[str, ...] = ()


def ranked(causes: Iterable[Cause]) -> list[Cause]:
    """Most evidence first; ties as in GROUPS."""
    return sorted(causes, key=lambda cause: (-cause.weight, GROUPS.index(cause.group)))


def symptom(check: str, claim: str, causes: Iterable[Cause], *, measured: Any, threshold: Any) -> Finding:
    """A symptom as a finding; its causes stand in the evidence, its remedy is the fix of the first."""
    order = ranked(causes)
    evidence = {"measured": measured, "threshold": threshold, "causes": [asdict(cause) for cause in order]}
    return Finding(check, "warning", claim, evidence, remedy=order[0].fix if order else "")
