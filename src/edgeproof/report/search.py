"""The search behind a candidate by the usual conventions: effective trials, overfitting, degradation, dominance."""

from collections.abc import Mapping
from typing import Any

from edgeproof.report.number import DASH, get, show
from edgeproof.report.part import Cell, Table

__all__ = ["search_table"]

CAPTION = (
    "The search, by the usual conventions: none of them decides. The choice is the best trial of one half of the "
    "validation bars, judged on the other half, over all halves."
)
FEW = "fewer than two trials with returns"


def search_table(verdict: Mapping[str, Any]) -> Table | None:
    """What `verdict.json` says of the counted trials; None where nothing was searched."""
    found = get(verdict, "selection")
    if not isinstance(found, Mapping) or "degradation" not in found:
        return None
    split = "" if found.get("degradation") is not None else FEW
    rows = [
        _row("Trials counted, with returns stored", _pair(found, ("trials",), ("stored",), "count", " of which ")),
        _row("Effective trials: entropy, Nyholt, mean correlation", _effective(found), "no trial traded"),
        _row("Best of so many without an edge, Sharpe", show(found.get("expected_maximum_sharpe"), "ratio")),
        _row("Years a backtest of so many needs", show(found.get("minimum_backtest_years"), "ratio")),
        _row("PBO: at or below the median, below it", _pair(found, ("pbo",), ("pbo_strict",), "chance"), split),
        _row("Logit of the choice's rank, 5% to 95%", _logits(found), split),
        _row("Degradation: slope, R²", _degradation(found), split or "the choice never varies"),
        _row("Choice dominates chance: first, second order", _dominance(found), split or "the choice never varies"),
    ]
    return Table(("The search", ""), rows, caption=CAPTION)


def _row(label: str, text: str, why: str = "") -> tuple[Cell, Cell]:
    return Cell(label), Cell(text, why if text == DASH else "")


def _pair(
    found: Mapping[str, Any], first: tuple[str, ...], second: tuple[str, ...], kind: str, between: str = ", "
) -> str:
    one, other = show(get(found, *first), kind), show(get(found, *second), kind)
    return DASH if one == DASH else f"{one}{between}{other}"


def _effective(found: Mapping[str, Any]) -> str:
    if get(found, "effective") is None:
        return DASH
    return ", ".join(
        show(get(found, "effective", key), "ratio") for key in ("by_entropy", "by_nyholt", "by_correlation")
    )


def _logits(found: Mapping[str, Any]) -> str:
    if get(found, "logits") is None:
        return DASH
    low, median, high = (show(get(found, "logits", key), "ratio") for key in ("low", "median", "high"))
    return f"{low} to {high}, median {median}"


def _degradation(found: Mapping[str, Any]) -> str:
    return _pair(found, ("degradation", "slope"), ("degradation", "r2"), "ratio")


def _dominance(found: Mapping[str, Any]) -> str:
    return _pair(found, ("dominance", "first_order"), ("dominance", "second_order"), "plain")
