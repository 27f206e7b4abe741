"""Every figure of a verdict under its own name, unit and group; what a page leaves out lies in verdict.json.

`FIGURES` names what is shown and `LEFT_OUT` what is not, with the reason; a test holds both to what a run reports.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgeproof.report.number import DASH, get, is_number, show
from edgeproof.report.part import Cell, Grid, Table

__all__ = [
    "FIGURES",
    "GROUPS",
    "LEFT_OUT",
    "Figured",
    "compared_tables",
    "figures_tables",
    "span_words",
    "why_absent",
]

SPAN_NAMES = {"validation": "validation", "sealed": "sealed span"}
STILL = "nothing was traded"
NO_LOSS = "no bar lost"
NO_TRADE_LOST = "no trade lost"
NO_GAIN = "no gain before costs"
SHORT = "fewer than three bars"


@dataclass(frozen=True)
class Figured:
    """How one figure is shown: its label, its unit (a rule of `report.number`), and why it can be absent."""

    label: str
    unit: str
    why: str = ""


FIGURES: dict[str, Figured] = {
    "total_return": Figured("Total return", "percent"),
    "annual_return": Figured("Annual return", "percent", "too large to be annualised"),
    "sharpe": Figured("Sharpe ratio, annual", "ratio"),
    "sortino": Figured("Sortino ratio, annual", "ratio", NO_LOSS),
    "calmar": Figured("Calmar ratio", "ratio", "no drawdown"),
    "consistency": Figured("Months with a gain", "percent", "shorter than a month"),
    "volatility": Figured("Volatility, annual", "percent"),
    "max_drawdown": Figured("Maximum drawdown", "percent"),
    "max_drawdown_bars": Figured("Longest time below a peak", "bars"),
    "var": Figured("Value at risk of a bar, 5%", "fine"),
    "cvar": Figured("Expected shortfall of a bar, 5%", "fine"),
    "tail_ratio": Figured("Tail ratio, 95% to 5%", "ratio"),
    "skew": Figured("Skew", "ratio"),
    "kurtosis": Figured("Excess kurtosis", "ratio"),
    "profit_factor": Figured("Gains over losses of bars", "ratio", NO_LOSS),
    "trades": Figured("Round trips", "count"),
    "trade_win_rate": Figured("Trips that gained", "percent", STILL),
    "trade_payoff": Figured("Mean gain over mean loss", "ratio", NO_TRADE_LOST),
    "trade_profit_factor": Figured("All gains over all losses", "ratio", NO_TRADE_LOST),
    "trade_expectancy": Figured("Mean result of a trip", "share_bps", STILL),
    "exposure": Figured("Mean exposure", "percent"),
    "time_in_market": Figured("Time in the market", "percent"),
    "turnover": Figured("Traded a year, times equity", "times"),
    "costs": Figured("Costs, sum of shares of equity", "percent"),
    "cost_share": Figured("Costs, share of gross gain", "percent", NO_GAIN),
    "cost_bps": Figured("Cost paid a side", "bps", STILL),
    "break_even_bps": Figured("Cost a side that leaves nothing", "bps", NO_GAIN),
    "p_value": Figured("p, the larger of return and timing", "chance", "known once the seal is opened"),
    "sharpe_interval": Figured("Sharpe, 95% interval", "ratio"),
    "sharpe_bound": Figured("Sharpe, upper bound at 95%", "ratio"),
    "timing_sharpe": Figured("Sharpe beyond mere exposure", "ratio"),
    "sharpe_error_hac": Figured("Sharpe, standard error (HAC)", "ratio", SHORT),
    "psr": Figured("PSR, one trial", "chance", SHORT),
    "dsr": Figured("DSR, all trials", "chance", SHORT),
    "dsr_effective": Figured("DSR, effective trials", "chance", SHORT),
    "dsr_sidak": Figured("DSR by Šidák, all trials", "chance", SHORT),
    "minimum_track_bars": Figured("Track that PSR 95% needs", "bars", "no gain on average"),
    "pbo": Figured("PBO, chance of overfitting", "chance"),
    "gross_total_return": Figured("Total return, gross", "percent"),
    "gross_sharpe": Figured("Sharpe ratio, gross", "ratio"),
}
GROUPS: dict[str, tuple[str, ...]] = {
    "Return": ("total_return", "annual_return", "sharpe", "sortino", "calmar", "consistency", "gross_total_return")
    + ("gross_sharpe",),
    "Evidence": ("p_value", "sharpe_interval", "sharpe_bound", "timing_sharpe", "sharpe_error_hac", "psr", "dsr")
    + ("dsr_effective", "dsr_sidak", "minimum_track_bars", "pbo"),
    "Risk": ("volatility", "max_drawdown", "max_drawdown_bars", "var", "cvar", "tail_ratio", "skew", "kurtosis")
    + ("profit_factor",),
    "Trades": ("trades", "trade_win_rate", "trade_payoff", "trade_profit_factor", "trade_expectancy", "exposure")
    + ("time_in_market", "turnover"),
    "Costs": ("costs", "cost_share", "cost_bps", "break_even_bps"),
}
TWO_SIDED = ("Return", "Risk")  # groups that exist before costs, too
LEFT_OUT: dict[str, str] = {
    "flag": "says why others are absent",
    "bars": "stands in the caption",
    "sharpe_low": "in the row of the interval",
    "sharpe_high": "in the row of the interval",
    "interval_block_bars": "a detail of the interval",
    "sharpe_error_normal": "the one that holds under dependence is shown",
    "sharpe_error_independent": "the one that holds under dependence is shown",
    "sharpe_error_autoregressive": "the one that holds under dependence is shown",
    "win_rate": "said beneath the returns of single bars",
    "payoff": "shown for round trips",
    "expectancy": "said beneath the returns of single bars",
    "hold_total_return": "stands in the table of benchmarks",
    "hold_sharpe": "stands in the table of benchmarks",
    "cost_commission": "tabulated by kind",
    "cost_spread": "tabulated by kind",
    "cost_slippage": "tabulated by kind",
    "cost_impact": "tabulated by kind",
    "cost_borrow": "tabulated by kind",
    "cost_funding": "tabulated by kind",
}
FLAGS = {
    "short": "fewer than two bars",
    "not_finite": "a return is not finite",
    "constant": "the returns do not vary",
    "ruin": "everything was lost",
    "flat": STILL,
}


def why_absent(body: Mapping[str, Any] | None, key: str) -> str:
    """Why this figure is absent: what the figures' own flag says, else what its definition needs; empty if unknown."""
    if key == "p_value":
        return FIGURES[key].why if get(body, "flag") is None else FLAGS.get(str(get(body, "flag")), "")
    flag = get(body, "flag")
    if flag is not None:
        return FLAGS.get(str(flag), "")
    if key.startswith("trade_") and get(body, "trades") == 0:
        return STILL
    return FIGURES[key].why


def _cell(body: Mapping[str, Any] | None, key: str) -> Cell:
    text = show(get(body, key), FIGURES[key].unit)
    return Cell(text, why_absent(body, key) if text == DASH else "")


def _rows(keys: Sequence[str], bodies: Sequence[Mapping[str, Any] | None]) -> list[tuple[Cell, ...]]:
    reported = [key for key in keys if any(isinstance(body, Mapping) and key in body for body in bodies)]
    return [(Cell(FIGURES[key].label), *(_cell(body, key) for body in bodies)) for key in reported]


def _whole(verdict: Mapping[str, Any]) -> dict[str, Any]:
    """The net figures and what belongs beside them: the interval in one piece, and PBO where trials were compared."""
    body = dict(get(verdict, "net") or {})
    if "sharpe_low" in body:
        low, high = (show(body.get(key), "ratio") for key in ("sharpe_low", "sharpe_high"))
        body["sharpe_interval"] = f"{low} to {high}" if DASH not in (low, high) else None
    pbo = get(verdict, "selection", "pbo")
    return body | ({} if pbo is None else {"pbo": pbo})


def figures_tables(verdict: Mapping[str, Any]) -> Grid:
    """The figures of the span that the verdict speaks of, in five short tables; return and risk also before costs."""
    net, gross = _whole(verdict), get(verdict, "gross")
    tables = []
    for group, keys in GROUPS.items():
        sides = {"net": net, "gross": gross} if group in TWO_SIDED else {"net": net}
        rows = _rows(keys, list(sides.values()))
        tables += [Table((group, *sides), rows)] if rows else []
    return Grid(tables)


def compared_tables(verdicts: Sequence[Mapping[str, Any]], heads: Sequence[str]) -> Grid:
    """The same five tables after costs with a column for each verdict; return and Sharpe before costs as rows."""
    bodies = [
        _whole(verdict) | {f"gross_{key}": get(verdict, "gross", key) for key in ("total_return", "sharpe")}
        for verdict in verdicts
    ]
    tables = []
    for group, keys in GROUPS.items():
        rows = _rows(keys, bodies)
        tables += [Table((group, *heads), rows, even=True)] if rows else []
    return Grid(tables)


def span_words(verdict: Mapping[str, Any]) -> str:
    """What figures are taken over: the span, its bars, the factor of annual figures; and what net and gross mean."""
    span, bars = SPAN_NAMES.get(str(get(verdict, "span")), "validation"), get(verdict, "net", "bars")
    where = f"On the {span}" if span != "validation" else "On validation"
    size = f", {show(bars, 'count')} bars" if is_number(bars) else ""
    year = get(verdict, "annualisation")
    rule = f"; annual figures take {show(year, 'count')} bars a year" if is_number(year) else ""
    return (
        f"{where}{size}{rule}. Net is after every cost; gross is the same returns without them, both compounded. Of "
        "the evidence p alone decides; PSR, DSR and PBO are the conventions they are."
    )
