"""The model beside what needs no model: holding, simple rules, its own trades at random times, and mere size."""

from collections.abc import Mapping
from typing import Any

from edgeproof.report.figures import FIGURES
from edgeproof.report.number import chance_words, get, is_number, show
from edgeproof.report.part import Cell, Table

__all__ = ["beside_table", "random_words"]

RULES = {
    "buy_and_hold": "Buy and hold",
    "momentum": "Momentum, side of the last day",
    "persistence": "Persistence, side of the last bar",
}
READ = (
    "What needs no model, under the model's costs. Holding is mere exposure: a model has to beat it by timing. An AUC "
    "that trailing volatility reaches alone is knowledge of size, not of direction."
)


def _contender(label: str, body: Mapping[str, Any] | None, auc: Any = None, prefix: str = "") -> tuple[Cell, ...]:
    def cell(key: str) -> Cell:
        value = get(body, prefix + key)
        return Cell(show(value, FIGURES[key].unit) if is_number(value) else "")

    score = Cell(show(auc, "score") if is_number(auc) else "")
    return (Cell(label), cell("total_return"), cell("sharpe"), cell("max_drawdown"), score)


def beside_table(verdict: Mapping[str, Any]) -> Table | None:
    """The model beside what needs no model; None where no benchmark is reported."""
    span = str(get(verdict, "span"))
    net, known = get(verdict, "net"), get(verdict, span, "benchmarks") or {}
    rows = [_contender("This model", net, get(verdict, span, "auc"))]
    rows += [_contender(label, known[name]) for name, label in RULES.items() if isinstance(known.get(name), Mapping)]
    if is_number(get(known, "random_entries", "total_return")):
        rows.append(_contender("Its own trades at random times, median", known["random_entries"]))
    if is_number(get(net, "hold_total_return")):
        rows.append(_contender("Its mean position held, no costs", net, prefix="hold_"))
    size = get(verdict, span, "volatility_auc")
    if is_number(size):
        rows.append(_contender("Trailing volatility alone", None, size))
    if len(rows) == 1:
        return None
    caption = " ".join(part for part in (READ, random_words(verdict)) if part)
    return Table(("Beside it", "return", "Sharpe", "drawdown", "AUC"), rows, caption=caption)


def random_words(verdict: Mapping[str, Any]) -> str:
    """How to read the p-value of random entries; empty where there were none."""
    drawn = get(verdict, str(get(verdict, "span")), "benchmarks", "random_entries")
    if not is_number(get(drawn, "p_value")):
        return ""
    low, high = show(get(drawn, "total_return_low"), "percent"), show(get(drawn, "total_return_high"), "percent")
    return (
        f"Its own trades were moved to random times in {show(get(drawn, 'draws'), 'count')} draws, with the same "
        f"number, length, sides and turnover; nine in ten draws return {low} to {high}, and the share that does at "
        f"least as well as the model, p, is {chance_words(get(drawn, 'p_value'))}. A small p says that the moments "
        "were well chosen; it does not decide."
    )
