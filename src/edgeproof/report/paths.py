"""How the same recipe fared on blocks that none of its models had seen: every fold, every path, and their spread."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from edgeproof.report.backtest import times_of
from edgeproof.report.chart import bars, line, plot
from edgeproof.report.number import DASH, date_text, get, is_number, show
from edgeproof.report.part import Block, Cell, Figure, Section, Table, Text

__all__ = ["folds_table", "paths_figure", "paths_section", "paths_words", "sharpe_figure", "spread_table"]

MOST_LINES, MOST_FOLDS, POINTS = 24, 60, 500
LEAD = "What each fold's model earned on bars that it had not seen. It stands beside the verdict and never decides."
STILL = "the model never trades, or its returns do not vary"
SPREAD = {"sharpe": ("Sharpe, net", "ratio"), "total_return": ("Return, net", "percent")} | {
    "max_drawdown": ("Maximum drawdown", "percent")
}
HEADS = ("Over the paths", "mean", "sd", "least", "quarter", "median", "three quarters", "most", "below zero")


def paths_section(table: pl.DataFrame, verdict: Mapping[str, Any]) -> list[Section]:
    """The chapter of a run whose split has out-of-sample blocks; none for any other."""
    body = get(verdict, "paths")
    if not body:
        return []
    blocks: list[Block] = [Text(paths_words(body), "strong")]
    if len(table):
        blocks.append(paths_figure(table, body))
    drawn = sharpe_figure(body)
    blocks += [drawn] if drawn is not None else []
    if len(body["paths"]) > 1:
        blocks.append(spread_table(body))
    blocks.append(folds_table(body))
    return [Section("Out-of-sample paths", LEAD, blocks, short="Paths")]


def paths_words(body: Mapping[str, Any]) -> str:
    """Folds and paths in two sentences, from the `paths` of a verdict."""
    paths, folds = body["paths"], len(body["folds"])
    said = (
        f"{folds} {'fold' if folds == 1 else 'folds'}, each trained and given its threshold without its own test bars"
    )
    if len(paths) == 1:
        low, high = (show(paths[0].get(key), "ratio") for key in ("sharpe_low", "sharpe_high"))
        interval = f" (95% interval {low} to {high})" if DASH not in (low, high) else ""
        sharpe, bars_ = show(paths[0].get("sharpe"), "ratio"), show(paths[0].get("bars"), "count")
        return f"{said}. One path over {bars_} bars: net Sharpe {sharpe}{interval}, {_return(paths[0])} after costs."
    spread = get(body, "distribution", "sharpe")
    least, most = (show(get(spread, key), "ratio") for key in ("min", "max"))
    middle, below = show(get(spread, "median"), "ratio"), sum((path.get("sharpe") or 0.0) < 0 for path in paths)
    return f"{said}. {len(paths)} paths: net Sharpe {least} to {most}, median {middle}; {below} below zero."


def _return(path: Mapping[str, Any]) -> str:
    return show(path.get("total_return"), "percent")


def paths_figure(table: pl.DataFrame, body: Mapping[str, Any]) -> Figure:
    """Net equity of every path, and where one model hands over to the next if there is one path."""
    numbers = table["path"].unique(maintain_order=True).to_list()
    traces = []
    for number in numbers[:MOST_LINES]:
        rows = table.filter(pl.col("path") == number)
        when, equity = times_of(rows), rows["equity"].to_numpy()
        width, name = (2.0, "net") if len(numbers) == 1 else (1.0, f"path {number + 1}")
        traces.append(line(when, equity, name=name, color="@net", width=width, legend=False, limit=POINTS))
    marks = _handovers(table) if len(numbers) == 1 else {}
    more = f" {len(numbers) - MOST_LINES} more are in paths.parquet." if len(numbers) > MOST_LINES else ""
    caption = (
        "Equity from 1, after every cost. Each block is an account of its own, flat at its first bar and marked at its "
        f"last; the blocks are put end to end.{' Dotted: the next model takes over.' if marks else more}"
    )
    ends = [float(path["total_return"]) for path in body["paths"] if is_number(path.get("total_return"))]
    lost = sum(end < 0 for end in ends)
    said = f"{lost} of {len(ends)} paths end below their start." if len(ends) > 1 else ""
    y = {"title": "equity, start 1", "tickformat": ",.3~f"}
    return Figure("Paths", plot(traces, x={"type": "date", "nticks": 6}, y=y, **marks), caption, said)


def _handovers(table: pl.DataFrame) -> dict[str, Any]:
    fold, when = table["fold"].to_numpy(), times_of(table)
    stroke = {"color": "@muted", "width": 1, "dash": "dot"}
    at = when[1:][fold[1:] != fold[:-1]].tolist()
    shape = {"type": "line", "y0": 0, "y1": 1, "yref": "paper", "line": stroke}
    return {"shapes": [shape | {"x0": moment, "x1": moment} for moment in at]}


def sharpe_figure(body: Mapping[str, Any]) -> Figure | None:
    """Net Sharpe ratios of the paths in order, of the folds where there is one path; None below two of either."""
    many = len(body["paths"]) > 1
    rows: Sequence[Mapping[str, Any]] = body["paths"] if many else body["folds"]
    values = np.array([row["sharpe"] for row in rows if is_number(row.get("sharpe"))], dtype=np.float64)
    if len(values) < 2:
        return None
    values = np.sort(values) if many else values
    trace = bars(np.arange(1, len(values) + 1), values, name="net Sharpe", color="@net")
    what = "Paths in order of their Sharpe ratio" if many else "Test blocks in order of time"
    warn = (
        "Paths share bars and models: their spread shows how much rests on the choice of training bars, and is no "
        "standard error."
        if many
        else "A block is short: single ratios swing widely by chance alone."
    )
    said = f"{int((values < 0).sum())} of {len(values)} are below zero."
    drawn = plot([trace], x={"title": "path" if many else "block", "dtick": 1}, y={"title": "net Sharpe, annual"})
    return Figure("Sharpe ratios", drawn, f"{what}. {warn}", said, height=240)


def spread_table(body: Mapping[str, Any]) -> Table:
    """Mean, spread and quartiles of the paths' figures."""
    rows = []
    for key, (label, unit) in SPREAD.items():
        spread = get(body, "distribution", key)
        names = ("mean", "sd", "min", "low", "median", "high", "max")
        cells = [Cell(show(get(spread, name), unit)) for name in names]
        below = get(spread, "below_zero") if key != "max_drawdown" else None
        rows.append((Cell(label), *cells, Cell(show(below, "percent"))))
    return Table(HEADS, rows, caption=f"{len(body['paths'])} paths.", even=True)


def folds_table(body: Mapping[str, Any]) -> Table:
    """One row a fold: its spans, and how its model did where it was chosen and where it was not."""
    folds = body["folds"]
    rows = [
        (
            Cell(show(fold["fold"] + 1, "count")),
            Cell(_span(fold["train"])),
            Cell(_span(fold["validation"])),
            Cell(", ".join(_span(stretch) for stretch in fold["test"])),
            Cell(show(fold.get("validation_auc"), "score")),
            Cell(show(fold.get("auc"), "score")),
            Cell(show(fold.get("validation_sharpe"), "ratio")),
            _sharpe(fold),
            Cell(show(fold.get("total_return"), "percent")),
        )
        for fold in folds[:MOST_FOLDS]
    ]
    heads = (
        "Fold",
        "trained on",
        "validation",
        "test",
        "AUC, validation",
        "AUC, test",
        "Sharpe, validation",
        "Sharpe, test",
    )
    left = f" {len(folds) - MOST_FOLDS} more are in verdict.json." if len(folds) > MOST_FOLDS else ""
    caption = (
        "Net of every cost. Validation chose epoch and threshold: its figures flatter. The bundle is "
        f"the last fold's model; the others leave their hashes in its lineage.{left}"
    )
    return Table((*heads, "return, test"), rows, caption=caption, even=True)


def _sharpe(fold: Mapping[str, Any]) -> Cell:
    text = show(fold.get("sharpe"), "ratio")
    return Cell(text, STILL if text == DASH else "")


def _span(stretch: Mapping[str, Any]) -> str:
    return f"{date_text(stretch['start'])} to {date_text(stretch['end'])}"
