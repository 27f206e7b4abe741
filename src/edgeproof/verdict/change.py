"""What would change the answer: bars that are missing, costs at which nothing is left, guards that failed."""

from collections.abc import Mapping, Sequence
from typing import Any

from edgeproof.stats.blocks import alpha
from edgeproof.verdict.evidence import Evidence
from edgeproof.verdict.guards import Guard
from edgeproof.verdict.limit import bars_needed

__all__ = ["hangs_on", "what_would_change", "would_change"]

_ABLATED = {
    "one_bar_late": "with every decision one bar late",
    "costs_twice": "with costs twice as high",
    "without_five_best": "without the five best trades",
}
_WEAKER = 1.86 / 2.76  # power 50% instead of 80%, in standard errors
MOST_YEARS = 10  # of bars that are written as a count


def what_would_change(evidence: Evidence, net: Mapping[str, Any]) -> dict[str, Any]:
    """Figures: bars_needed (for the net Sharpe that was measured), sealed_bars, cost_bps, break_even_bps.

    Args:
        evidence: what was judged.
        net: net figures of the span that is shown.
    """
    sharpe = net.get("sharpe")
    return {
        "bars_needed": None if sharpe is None else bars_needed(float(sharpe), evidence.bars_per_year),
        "sealed_bars": evidence.sealed_bars,
        "cost_bps": net.get("cost_bps"),
        "break_even_bps": net.get("break_even_bps"),
    }


def would_change(
    evidence: Evidence, answer: str, guards: Sequence[Guard], change: Mapping[str, Any], *, limit: float | None
) -> list[str]:
    """The same in sentences, most important first.

    Args:
        evidence: what was judged.
        answer: of the verdict.
        guards: all of them.
        change: of `what_would_change`.
        limit: detection limit.
    """
    if not evidence.judged.in_market.any():
        return ["The model never trades: no threshold gained on validation after costs, so there is nothing to prove."]
    failed = {guard.name: guard.text for guard in guards if guard.passed is False}
    said = _opening(evidence, answer, limit)
    said += [text for name, text in failed.items() if name not in ("p_net", "p_timing")]
    if answer != "edge":
        said += _length(evidence, change, opened=evidence.sealed is not None)
    said.append(_costs(change, evidence.judged.figures["net"].get("total_return")))
    return said


def hangs_on(answer: str, ablations: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """How much of an edge is left under each ablation, in one sentence; empty where there is no edge to lose.

    Args:
        answer: of the verdict.
        ablations: net figures by ablation.
    """
    left = {
        words: ablations[name]["sharpe"]
        for name, words in _ABLATED.items()
        if name in ablations and ablations[name].get("sharpe") is not None
    }
    if answer != "edge" or not left:
        return []
    said = ", ".join(f"{sharpe:.2f} {words}" for words, sharpe in left.items())
    return [f"The net Sharpe ratio would have been {said}."]


def _opening(evidence: Evidence, answer: str, limit: float | None) -> list[str]:
    following = evidence.openings + 1
    if evidence.sealed is None:
        if limit is None:
            return ["No bar is sealed: nothing can be proved on this market."]
        if not evidence.candidate_before_opening:
            return ["New bars: on these, a model that was trained after the first opening can prove nothing."]
        if following > 1:
            return [
                f"Opening the seal for this model: opening {following} of these bars, at level {alpha(following):.4g}; "
                f"it would find only ratios well above the {limit:.2f} that a first opening would."
            ]
        return [
            f"Opening the seal, once and on record, at level {alpha(following):.4g}: a net annual Sharpe ratio of "
            f"{limit:.2f} or more would be found in at least 80 of 100 cases."
        ] + _too_short(evidence)
    if answer == "edge":
        return []
    return [
        f"New bars. On these, a further candidate is opening {following} and has to reach p <= {alpha(following):.4g}, "
        "and it can be an edge only if it was in the ledger before the first opening."
    ]


def _too_short(evidence: Evidence) -> list[str]:
    wanted = evidence.smallest_sharpe
    needed = None if wanted is None else bars_needed(wanted, evidence.bars_per_year)
    if needed is None or evidence.sealed_bars >= needed * _WEAKER**2:
        return []
    return [
        f"The span is too short for the smallest interesting Sharpe ratio {wanted:g}: it would be missed in more than "
        f"half of all cases with {evidence.sealed_bars:,} sealed bars; "
        f"{_many(needed, evidence).removesuffix(' sealed bars')} are needed."
    ]


def _length(evidence: Evidence, change: Mapping[str, Any], *, opened: bool) -> list[str]:
    needed, bars = change["bars_needed"], evidence.sealed_bars
    if needed is None:
        return ["The net Sharpe ratio is not above zero: no number of further bars like these would show an edge."]
    if needed <= bars and opened:
        return []
    where = "measured here" if opened else "measured on validation (where the model was chosen, so it is too high)"
    return [
        f"If the net Sharpe ratio {where} were the true one, {_many(needed, evidence)} would show it in 80 of 100 "
        f"cases; there are {bars:,}."
    ]


def _many(needed: int, evidence: Evidence) -> str:
    """Sealed bars as a count, beyond `MOST_YEARS` as years: a count of millions tells nobody how long that is."""
    years = needed / evidence.bars_per_year
    return f"more than {int(years):,} years of bars" if years > MOST_YEARS else f"{needed:,} sealed bars"


def _costs(change: Mapping[str, Any], total: float | None) -> str:
    """What costs leave: sums of returns say it, and an account compounds them, so the two may differ in sign.

    Args:
        change: of `what_would_change`.
        total: net return, compounded.
    """
    paid, most = change["cost_bps"], change["break_even_bps"]
    if most is None:
        return "It loses before costs: lower costs would not help."
    spent = "nothing" if not paid else f"{paid:.2f} bps"
    if total is not None and total <= 0 and most > (paid or 0.0):
        return (
            f"Costs: {spent} a side was paid. Summed, not compounded, the net returns are above zero, and would be up "
            f"to {most:.2f} bps a side; compounded, as an account earns them, they come to {total:.1%}."
        )
    return (
        f"Costs: {spent} a side was paid; summed, not compounded, at {most:.2f} bps a side nothing would be left of "
        "the gross gain."
    )
