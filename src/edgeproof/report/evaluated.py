"""A finished model's figures on other bars, on a terminal: money beside the benchmarks, forecasts, the truth."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from edgeproof.report.number import get, humanise, show

__all__ = ["print_evaluation"]

MONEY = {
    "total_return": "percent",
    "annual_return": "percent",
    "volatility": "percent",
    "sharpe": "ratio",
    "sortino": "ratio",
    "max_drawdown": "percent",
    "profit_factor": "ratio",
    "turnover": "count",
    "costs": "percent",
    "trades": "count",
    "exposure": "percent",
}
MARKS = {"auc": "score", "log_loss": "loss", "brier": "loss", "accuracy": "percent", "base_rate": "percent"}


def print_evaluation(figures: Mapping[str, Any], console: Console) -> None:
    """What matters of `recipe.evaluate.evaluate_bundle`; all of it is in `--json`.

    Args:
        figures: as evaluated.
        console: where to.
    """
    where = f"{figures['span']} bars of {get(figures, 'market', 'symbols')} symbols"
    console.print(Text(f"{show(figures['bars'], 'count')} {where}, {figures['start']} to {figures['end']}\n"))
    columns = {"net": figures["net"], "gross": figures["gross"], **figures["benchmarks"]}
    columns.pop("flat", None)
    console.print(_table({humanise(name): part for name, part in columns.items()}))
    forecast = figures["forecast"]
    said = [f"{humanise(name).lower()} {show(forecast.get(name), kind)}" for name, kind in MARKS.items()]
    spread = f" ({show(forecast.get('auc_low'), 'score')} to {show(forecast.get('auc_high'), 'score')})"
    said[0] += spread
    console.print(Text(f"\nforecasts  {', '.join(said)}; {show(forecast.get('count'), 'count')} of them"))
    if figures["oracle"]:
        console.print(Text(f"truth      {_truth(figures['oracle'])}"))
    console.print(Text("--json has every figure, regime by regime, and the findings", style="dim"))


def _table(columns: Mapping[str, Mapping[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    for name in columns:
        table.add_column(name.lower(), justify="right")
    for name, kind in MONEY.items():
        table.add_row(humanise(name).lower(), *(show(part.get(name), kind) for part in columns.values()))
    return table


def _truth(oracle: Mapping[str, Any]) -> str:
    """How far the model is from what can be known of a known-truth market."""
    best, own = show(oracle.get("auc"), "score"), show(oracle.get("model_auc"), "score")
    text = f"auc {own} of at most {best}"
    trading = oracle.get("trading") or {}
    if trading.get("best_bps") is not None:
        gain = show(trading.get("model_gain_bps"), "bps")
        text += f"; gain {gain} a bar, the best policy's {show(trading['best_bps'], 'bps')}"
    return text
