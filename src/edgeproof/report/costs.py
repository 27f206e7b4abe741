"""What trading cost, by kind, beside what it gained: how much dearer it could have been."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from edgeproof.report.backtest import share_of_equity, spans_of, the_span, times_of
from edgeproof.report.chart import COST_COLOURS, area, plot
from edgeproof.report.number import DASH, clip, get, is_number, show
from edgeproof.report.part import Block, Cell, Figure, Grid, Section, Table, Text

__all__ = ["charge_words", "cost_figure", "cost_table", "costs_section"]

CHARGES = {
    "commission_bps": ("commission", "bps a side"),
    "maker_bps": ("where a target fills", "bps"),
    "commission_per_unit": ("commission", "a unit"),
    "commission_minimum": ("commission of at least", "an order"),
    "half_spread_bps": ("half spread", "bps a side"),
    "slippage_bps": ("slippage", "bps a side"),
    "impact": ("square-root impact with a coefficient of", ""),
    "borrow_bps_per_bar": ("borrow", "bps a bar"),
    "interest_bps_per_bar": ("interest", "bps a bar"),
}


def charge_words(costs: Mapping[str, Any] | None) -> str:
    """What was charged, and the fee schedule that it is from; empty where the verdict does not say."""
    if not costs:
        return ""
    said = [
        f"{name} {show(costs[key])} {unit}".strip()
        for key, (name, unit) in CHARGES.items()
        if is_number(costs.get(key)) and costs[key] != 0
    ]
    charged = f"Charged: {', '.join(said)}." if said else "Nothing was charged: no market trades for nothing."
    if not costs.get("preset"):
        return charged
    changed = [clip(name, 40) for name in costs.get("changed") or ()]
    note = f"; {clip(costs['note'])}" if costs.get("note") else ""
    return (
        f"{charged} Fees of the preset {clip(costs['preset'], 40)} ({clip(costs.get('source'))}, read "
        f"{clip(costs.get('date'), 20)}{note}){', but for ' + ', '.join(changed) if changed else ''}; fees change, so "
        "look them up again."
    )


def _last_span(track: pl.DataFrame) -> tuple[str, pl.DataFrame] | None:
    spans = spans_of(track)
    return spans[-1] if spans else None


def _paid(rows: pl.DataFrame) -> dict[str, np.ndarray]:
    """Costs of each bar as shares of the equity, of the kinds that were charged."""
    shares = {kind: share_of_equity(rows, kind) for kind in COST_COLOURS}
    return {kind: share for kind, share in shares.items() if share.any()}


def cost_table(track: pl.DataFrame) -> Table | None:
    """Each kind of cost in three measures; None where none was paid."""
    last = _last_span(track)
    paid = {} if last is None else {kind: float(share.sum()) for kind, share in _paid(last[1]).items()}
    if last is None or not paid:
        return None
    name, rows = last
    gained = float(share_of_equity(rows, "gross").sum())
    traded = float(rows["traded"].sum()) if "traded" in rows.columns else 0.0
    loss = "no gain before costs"

    def row(label: str, cost: float) -> tuple[Cell, ...]:
        side = Cell(show(cost / traded * 1e4, "bps")) if traded > 0 else Cell(DASH, "nothing was traded")
        share = Cell(show(cost / gained, "percent")) if gained > 0 else Cell(DASH, loss)
        return Cell(label), Cell(show(cost, "percent")), side, share

    listed = [row(kind.capitalize(), cost) for kind, cost in paid.items()]
    total = [row("All costs", sum(paid.values()))] if len(paid) > 1 else []
    caption = (
        f"Costs on {the_span(name)}: added up as shares of the equity at the time, per traded notional, and of the "
        "gain before costs."
    )
    return Table(("Kind", "of equity", "a side", "of gross gain"), [*listed, *total], caption=caption)


def _margin_words(verdict: Mapping[str, Any]) -> str:
    """Costs paid and borne: by sums of returns, which an account compounds, so the two may differ in sign."""
    net = get(verdict, "net") or {}
    paid, even, total = net.get("cost_bps"), net.get("break_even_bps"), net.get("total_return")
    if not is_number(paid):
        return ""
    if not is_number(even):
        return f"It paid {show(paid, 'bps')} a side and gained nothing before costs: no cost is low enough."
    said = f"It paid {show(paid, 'bps')} a side; summed, not compounded,"
    if even < paid:
        return f"{said} something would be left below {show(even, 'bps')}."
    if is_number(total) and total <= 0 < even - paid:
        return (
            f"{said} the net returns are above zero, and would be up to {show(even, 'bps')}; compounded, as an account "
            f"earns them, they come to {show(total, 'percent')}."
        )
    times = f", {show(even / paid, 'times')} times that" if paid > 0 else ""
    return f"{said} nothing would be left at {show(even, 'bps')}{times}."


def cost_figure(track: pl.DataFrame) -> Figure | None:
    """Costs paid since the span began, by kind, each as a share of the equity at the time; None where none was paid."""
    last = _last_span(track)
    paid = {} if last is None else {kind: np.cumsum(share) for kind, share in _paid(last[1]).items()}
    if last is None or not paid:
        return None
    name, rows = last
    when = times_of(rows)
    layers = [area(when, sums, name=kind, color=COST_COLOURS[kind]) for kind, sums in paid.items()]
    drawn = plot(layers, x={"type": "date", "nticks": 6}, y={"title": "paid so far", "tickformat": ".2~%"})
    parts = ", ".join(f"{kind} {show(float(sums[-1]), 'percent')}" for kind, sums in paid.items())
    total = show(float(sum(sums[-1] for sums in paid.values())), "percent")
    words = f"Costs add up to {total} of the equity on {the_span(name)}: {parts}."
    caption = "Costs by kind, one on top of the other; each is taken as a share of the equity when it was paid."
    return Figure("Costs", drawn, caption, words)


def costs_section(track: pl.DataFrame, verdict: Mapping[str, Any]) -> Section:
    """What was charged, what was paid of it, and what would leave nothing.

    Args:
        track: one row a bar, see `report.run.RunData`.
        verdict: the run's verdict, with `costs` and the net figures.
    """
    words = [charge_words(get(verdict, "costs")), _margin_words(verdict)]
    said: list[Block] = [Text(text, tone) for text, tone in zip(words, ("body", "strong"), strict=True) if text]
    shown = [block for block in (cost_table(track), cost_figure(track)) if block is not None]
    none = Text("No costs were paid: nothing was traded, or trading was free.", "note")
    lead = "What was charged, by kind, and how much of it the result would bear."
    return Section("Costs", lead, [*said, Grid(shown) if shown else none])
