"""The report of one run: verdict first, then the guards, the money, the forecasts, the training and the data."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from edgeproof.core.finding import Finding
from edgeproof.report.agent import account_assets, actions_section, is_agent, learning_section, part_weights
from edgeproof.report.backtest import backtest_section
from edgeproof.report.costs import costs_section
from edgeproof.report.data import data_section
from edgeproof.report.forecast import forecast_section
from edgeproof.report.gates import gates_sections
from edgeproof.report.number import clip, date_text, get, show
from edgeproof.report.oracle import oracle_sections
from edgeproof.report.page import render
from edgeproof.report.part import Cell, Code, Section, Table, Text
from edgeproof.report.paths import paths_section
from edgeproof.report.regimes import regimes_section
from edgeproof.report.settings import kept_rule, settings_line
from edgeproof.report.trades import trades_section
from edgeproof.report.training import training_section
from edgeproof.report.verdict import verdict_sections

__all__ = ["PAGES", "SECTIONS", "RunData", "market_line", "run_page", "setup_section"]

MOST_CONFIG = 40_000


@dataclass(frozen=True)
class RunData:
    """Everything that a run's report is made of; plain data, as it lies in the run's folder.

    Attributes:
        verdict: verdict.json.
        history: one row an epoch: epoch, train_loss, log_loss, accuracy, precision, recall, f1_plus, f1_threshold, auc,
            pr_auc, brier, lr, grad_norm, seconds, best.
        predictions: one row a forecast: close_time, symbol, probability, label, span.
        track: one row a bar: close_time, span, gross, the costs by kind, net (money), equity, net_return,
            gross_return, hold_return, exposure, traded, regime.
        findings: what every check saw.
        config_yaml: the resolved config.
        title: heading of the page.
        trades: one row a round trip, see `recipe.tables.trades_table`; may be empty.
        episodes: an agent's accounts along validation, see `recipe.agent_validation.episodes_rows`; may be empty.
        paths: one row a bar of each out-of-sample path, see `recipe.folds.paths_table`; may be empty.
        thresholds: theta, net_growth and chosen of each threshold tried on validation; may be empty.
        gates: gates.json; None of a run without gates.
    """

    verdict: Mapping[str, Any]
    history: pl.DataFrame
    predictions: pl.DataFrame
    track: pl.DataFrame
    findings: Sequence[Finding]
    config_yaml: str
    title: str
    thresholds: Sequence[Mapping[str, Any]] = field(default=())
    trades: pl.DataFrame = field(default_factory=pl.DataFrame)
    paths: pl.DataFrame = field(default_factory=pl.DataFrame)
    episodes: pl.DataFrame = field(default_factory=pl.DataFrame)
    gates: Mapping[str, Any] | None = None


def setup_section(run: RunData) -> Section:
    """The resolved config and where the time went: what it takes to repeat the run."""
    seconds = get(run.verdict, "seconds") or {}
    spent = [(Cell(clip(name, 60)), Cell(show(value, "seconds"))) for name, value in seconds.items()]
    blocks = [
        Text("The same config on the same bars gives the same figures on the same machine."),
        Code("Resolved config", clip(run.config_yaml, MOST_CONFIG)),
    ]
    table = [Table(("Step", "time"), spent, caption="Where the time went.")] if spent else []
    return Section("Setup", "What it takes to repeat this run.", [*blocks, *table])


def _said(run: RunData) -> list[Section]:
    """What a model forecast, or what an agent did."""
    if is_agent(run.history):
        return actions_section(run.predictions, assets=account_assets(run.config_yaml))
    return [forecast_section(run.predictions, run.verdict, run.thresholds, kept_rule(run.config_yaml))]


def _learned(run: RunData) -> Section:
    """How a model, or an agent, was trained."""
    if is_agent(run.history):
        weights, assets = part_weights(run.config_yaml), account_assets(run.config_yaml)
        return learning_section(run.history, run.episodes, weights, assets=assets)
    return training_section(run.history, run.verdict)


SECTIONS: dict[str, Callable[[RunData], list[Section]]] = {
    "verdict": lambda run: verdict_sections(run.verdict),
    "trading": lambda run: [backtest_section(run.track, run.verdict)],
    "paths": lambda run: paths_section(run.paths, run.verdict),
    "regimes": lambda run: regimes_section(run.track, run.verdict),
    "costs": lambda run: [costs_section(run.track, run.verdict)],
    "trades": lambda run: [trades_section(run.trades, get(run.verdict, "net", "total_return"))],
    "forecasts": _said,
    "truth": lambda run: oracle_sections(run.verdict),
    "recipe": lambda run: gates_sections(run.gates, run.verdict),
    "training": lambda run: [_learned(run)],
    "data": lambda run: [data_section(run.verdict, run.findings, run.track)],
    "setup": lambda run: [setup_section(run)],
}
PAGES: dict[str, tuple[str, ...]] = {
    "verdict": ("verdict", "setup"),
    "backtest": ("trading", "paths", "regimes", "costs", "trades"),
    "training": ("training", "forecasts", "truth", "setup"),
    "data": ("data",),
    "gates": ("recipe",),
}
FOOTER = "Every figure of this page is in verdict.json and the Parquet files beside it."


def market_line(verdict: Mapping[str, Any]) -> str:
    """`8 symbols · 160,000 bars · 2020-01-01 to 2022-04-13`."""
    market = get(verdict, "market") or {}
    symbols = market.get("symbols")
    many = len(symbols) if isinstance(symbols, list | tuple) else symbols
    word = "symbol" if many == 1 else "symbols"
    dates = f"{date_text(market.get('start'))} to {date_text(market.get('end'))}"
    return f"{show(many, 'count')} {word} · {show(market.get('bars'), 'count')} bars · {dates}"


def run_page(run: RunData, sections: Sequence[str] = tuple(SECTIONS), footer: str = FOOTER) -> str:
    """One run as a page.

    Args:
        run: the run's data.
        sections: names from `SECTIONS`, in the order wanted; those of a single page are in `PAGES`.
        footer: where the page's figures lie.
    """
    chapters = [chapter for name in sections for chapter in SECTIONS[name](run)]
    subtitle, details = market_line(run.verdict), settings_line(run.config_yaml)
    return render(clip(run.title, 120), chapters, subtitle=subtitle, details=details, footer=footer)
