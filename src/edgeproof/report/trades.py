"""Every round trip: why it ended, how long it lasted, and the best and the worst of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from edgeproof.report.backtest import the_span
from edgeproof.report.chart import COST_COLOURS, bars, plot
from edgeproof.report.number import clip, date_text, is_number, show
from edgeproof.report.part import Cell, Figure, Grid, Section, Table, Text

__all__ = ["extreme_tables", "holding_figure", "reason_table", "trades_section"]

EXTREMES = 5
MOST_COLUMNS = 60
REASONS = {
    "signal": "The signal changed",
    "target": "Target reached",
    "stop": "Stop reached",
    "time": "Time was up",
    "delisted": "No bar for too long",
    "liquidated": "Margin called",
    "ruin": "Everything lost",
    "end": "Still open at the end",
}


def _kinds(rows: pl.DataFrame) -> list[str]:
    """The kinds of cost that any trade paid."""
    return [kind for kind in COST_COLOURS if kind in rows.columns and (rows[kind] != 0.0).any()]


def _last_span(trades: pl.DataFrame) -> tuple[str, pl.DataFrame]:
    """The trades of the span that the verdict speaks of, with their results in basis points of the equity before."""
    name = "sealed" if "sealed" in trades["span"].to_list() else "validation"
    rows = trades.filter(pl.col("span") == name)
    alive = pl.col("equity") > 0
    shares = [
        pl.when(alive).then(pl.col(kind) / pl.col("equity") * 1e4).otherwise(0.0).alias(f"{kind}_bps")
        for kind in ("gross", *_kinds(rows), "cost", "net")
    ]
    return name, rows.with_columns(shares)


def reason_table(rows: pl.DataFrame) -> Table:
    """How many trades ended by what, and what they brought."""

    def row(label: str, part: pl.DataFrame) -> tuple[Cell, ...]:
        net = part["net_bps"].to_numpy()
        return (
            Cell(label),
            Cell(show(len(part), "count")),
            Cell(show(float((net > 0).mean()), "percent")),
            Cell(show(float(net.mean()), "bps")),
            Cell(show(float(net.sum()) / 1e4, "percent")),
        )

    listed = [row(label, part) for key, label in REASONS.items() if len(part := rows.filter(pl.col("reason") == key))]
    total = [row("All", rows)] if len(listed) > 1 else []
    caption = (
        "Why trades ended. Results are shares of the equity before the entry, after every cost; the sum is summed, "
        "not compounded."
    )
    return Table(("Ended because", "trades", "gained", "mean net", "sum net"), [*listed, *total], caption=caption)


def holding_figure(rows: pl.DataFrame) -> Figure | None:
    """Distribution of the bars that a trade was held; None for fewer than ten trades or one length."""
    held = rows["bars"].to_numpy()
    if len(held) < 10 or held.min() == held.max():
        return None
    top = int(max(np.quantile(held, 0.98), held.min() + 1))
    width = max(1, -(-(top - int(held.min()) + 1) // MOST_COLUMNS))
    edges = np.arange(int(held.min()), top + width + 1, width)
    counts, _ = np.histogram(np.clip(held, None, edges[-1] - 1), bins=edges)
    drawn = plot(
        [bars((edges[:-1] + edges[1:] - 1) / 2, counts, name="trades", color="@net")],
        x={"title": "bars held"},
        y={"title": "trades"},
        hovermode="x",
    )
    words = (
        f"Half of the trades were held {show(float(np.median(held)), 'bars')} or less; the longest "
        f"{show(float(held.max()), 'bars')}."
    )
    return Figure("How long trades were held", drawn, "Bars from fill to exit; the last column holds the tail.", words)


def _trade_row(trade: Mapping[str, Any], kinds: Sequence[str]) -> tuple[Cell, ...]:
    when = f"{date_text(trade['entry_time'], clock=True)} to {date_text(trade['exit_time'], clock=True)}"
    paid = ", ".join(f"{kind} {show(trade[f'{kind}_bps'], 'tenth')}" for kind in kinds)
    label = f"{clip(trade['symbol'], 20)} {trade['side']}, {when}, {trade['reason']}{'; ' + paid if paid else ''}"
    return (Cell(label), *(Cell(show(trade[f"{kind}_bps"], "tenth")) for kind in ("net", "gross", "cost")))


def extreme_tables(rows: pl.DataFrame) -> Grid:
    """The five best and the five worst trades, with each kind of cost that was paid."""
    ordered, kinds = rows.sort("net_bps", descending=True, maintain_order=True), _kinds(rows)
    heads = ("net, bps", "gross", "cost")
    best = [_trade_row(trade, kinds) for trade in ordered.head(EXTREMES).to_dicts()]
    worst = [_trade_row(trade, kinds) for trade in ordered.tail(EXTREMES).reverse().to_dicts()]
    return Grid([Table(("Best", *heads), best), Table(("Worst", *heads), worst)])


def _sum_words(rows: pl.DataFrame, total: Any) -> str:
    """Why the sum of the trades is a gain where the account lost; empty where it did not."""
    added = float(rows["net_bps"].sum()) / 1e4
    if not is_number(total) or not total <= 0 < added:
        return ""
    return (
        f" Summed, not compounded, they gain {show(added, 'percent')}; compounded, as an account earns them, the net "
        f"return is {show(total, 'percent')}."
    )


def trades_section(trades: pl.DataFrame, total: Any = None) -> Section:
    """Counts by exit, holding times, best and worst trades.

    Args:
        trades: one row a round trip, see `recipe.tables.trades_table`; may be empty.
        total: net return of the span that the verdict speaks of, compounded; None where it is not known.
    """
    lead = "Each round trip from its entry to flat or to the other side, with its own gain and its own costs."
    if not len(trades):
        return Section("Trades", lead, (Text("There were no trades.", "note"),))
    name, rows = _last_span(trades)
    words = (
        f"{show(len(rows), 'count')} round trips on {the_span(name)}. Gross, each kind of cost and net of all of them "
        f"add up to those of the account; the whole list is in trades.parquet.{_sum_words(rows, total)}"
    )
    held = holding_figure(rows)
    counted = Grid([reason_table(rows), *([] if held is None else [held])])
    return Section("Trades", lead, [Text(words), counted, extreme_tables(rows)])
