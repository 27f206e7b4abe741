"""Two markets, one machine: the planted edge beside pure noise, under the same config, thresholds and trials."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from edgeproof.report.backtest import drawdown_figure, equity_figure
from edgeproof.report.beside import beside_table
from edgeproof.report.chart import share_scale
from edgeproof.report.data import findings_block, timeline
from edgeproof.report.figures import compared_tables, span_words
from edgeproof.report.forecast import calibration_figure, oracle_figure, threshold_figure
from edgeproof.report.number import DASH, clip, get, show
from edgeproof.report.page import render
from edgeproof.report.part import Block, Cell, Code, Columns, Figure, Section, Table, Text
from edgeproof.report.run import MOST_CONFIG, RunData, market_line
from edgeproof.report.settings import kept_rule
from edgeproof.report.training import loss_figure
from edgeproof.report.verdict import ANSWERS, banner, guards

__all__ = ["ABSURD", "demo_page", "outcome_words"]

LINE_POINTS = 700
ABSURD = (
    "The planted Sharpe ratio looks absurd because the market was made that way: its edge was written into the bars "
    "so that there is something to find. No real market offers this."
)


def outcome_words(planted_verdict: Mapping[str, Any], noise_verdict: Mapping[str, Any]) -> str:
    """What the demo did and what came out of it, for somebody who meets it for the first time."""
    planted, noise = get(planted_verdict, "verdict"), get(noise_verdict, "verdict")
    if planted == "edge" and noise != "edge":
        return (
            "One market was made with an edge in it, the other is pure noise. The same machine went over both and "
            "found the one and refused the other."
        )
    if noise == "edge":
        return (
            "One market was made with an edge in it, the other is pure noise, and here the noise was called an edge. "
            "That happens to at most one noise market in twenty; other seeds show how rarely."
        )
    return (
        "One market was made with an edge in it, the other is pure noise. With these seeds the planted edge was not "
        "proven; a proof is expected in most markets of this strength, not in all."
    )


def _same_words(first: RunData, second: RunData) -> str:
    before, after = first.config_yaml.splitlines(), second.config_yaml.splitlines()
    rows = list(difflib.unified_diff(before, after, lineterm="", n=0))[2:]
    keys = dict.fromkeys(clip(row[1:].split(":")[0].strip(), 30) for row in rows if row[:1] in ("+", "-"))
    if not keys:
        return "Both runs used the same config, letter by letter."
    return f"The two configs differ only in: {clip(', '.join(keys))}."


def _settings(runs: Sequence[RunData]) -> Table:
    def row(label: str, kind: str, *path: str) -> tuple[Cell, ...]:
        return (Cell(label), *(Cell(show(get(run.verdict, *path), kind)) for run in runs))

    tried = [Cell(show(len(run.thresholds) or None, "count"), "" if run.thresholds else "not kept") for run in runs]
    rows = [
        row("Trials counted", "count", "trials"),
        (Cell("Thresholds tried"), *tried),
        row("Openings of the seal", "count", "openings"),
        row("Detection limit, net Sharpe", "ratio", "detection_limit"),
        row("Symbols", "count", "market", "symbols"),
        row("Bars, all symbols", "count", "market", "bars"),
        row("Best possible AUC on true probabilities", "score", "oracle", "auc"),
        row("AUC of the model on them", "score", "oracle", "model_auc"),
    ]
    kept = [line for line in rows if any(cell.text != DASH for cell in line[1:])]
    return Table(
        ("", *(run.title for run in runs)), kept, caption="What is the same, and the one thing that is not.", even=True
    )


def _pair(runs: Sequence[RunData], stacks: Sequence[Sequence[Block | None]]) -> Columns:
    heads = [clip(run.title, 60) for run in runs]
    return Columns(heads, [[block for block in stack if block is not None] for stack in stacks])


def _answers(runs: Sequence[RunData]) -> Section:
    banners = [[banner(run.verdict, _title(run))] for run in runs]
    return Section("Two answers", "", (_pair(runs, banners), Text(ABSURD, "strong")), short="Answers")


def _title(run: RunData) -> str:
    return ANSWERS.get(str(get(run.verdict, "verdict")), ANSWERS["inconclusive"])


def _one_scale(figures: Sequence[Figure | None]) -> list[Figure | None]:
    plots = iter(share_scale([figure.plot for figure in figures if figure is not None]))
    return [None if figure is None else replace(figure, plot=next(plots)) for figure in figures]


def _money(runs: Sequence[RunData]) -> Section:
    rows = [
        _one_scale([draw(run.track, LINE_POINTS) if len(run.track) else None for run in runs])
        for draw in (equity_figure, drawdown_figure)
    ]
    stacks = [[*figures, beside_table(run.verdict)] for figures, run in zip(zip(*rows, strict=True), runs, strict=True)]
    lead = "The same policy, the same costs, and the same scale in both columns."
    verdicts = [run.verdict for run in runs]
    tables = compared_tables(verdicts, [clip(run.title, 40) for run in runs])
    words = Text(f"{span_words(verdicts[0])} All figures below are net unless they say gross.")
    return Section("Trading", lead, (_pair(runs, stacks), words, tables))


def _forecasts(runs: Sequence[RunData]) -> Section:
    stacks = [
        [
            oracle_figure(run.verdict),
            calibration_figure(run.predictions),
            threshold_figure(run.thresholds, kept_rule(run.config_yaml)),
            loss_figure(run.history),
        ]
        for run in runs
    ]
    lead = "On noise there is nothing to know: the best possible score is that of a coin."
    return Section("Forecasts and training", lead, (_pair(runs, stacks),), short="Forecasts")


def _market(run: RunData) -> str:
    return market_line(run.verdict) + ("" if run.findings else " · the checks found nothing to report")


def _data(runs: Sequence[RunData]) -> Section:
    stacks = [
        [timeline(run.verdict, run.track), Text(_market(run), "note"), findings_block(run.findings)] for run in runs
    ]
    return Section("Data and findings", "Both markets are synthetic and seeded.", (_pair(runs, stacks),), short="Data")


def demo_page(planted: RunData, noise: RunData) -> str:
    """Both runs side by side: verdicts, what is the same, guards, money, forecasts, data."""
    runs = (planted, noise)
    verdicts = [run.verdict for run in runs]
    lead = "One test decides; a guard can only take an edge away, never give one."
    heads = [clip(run.title, 60) for run in runs]
    sections = [
        _answers(runs),
        Section("Same machine", "", (Text(_same_words(planted, noise)), _settings(runs)), short="Settings"),
        Section("Guards", lead, (guards(verdicts, heads),)),
        _money(runs),
        _forecasts(runs),
        _data(runs),
        Section("Setup", "", (Code("Config of the planted run", clip(planted.config_yaml, MOST_CONFIG)),)),
    ]
    subtitle = outcome_words(planted.verdict, noise.verdict)
    footer = "Every figure of this page is in demo.json beside it."
    return render("The same machine, two markets", sections, subtitle=subtitle, footer=footer)
