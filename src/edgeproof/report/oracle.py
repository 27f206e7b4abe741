"""Against the truth, where a market was made: the model, the best possible, and what volatility alone would say."""

from collections.abc import Mapping
from typing import Any

from edgeproof.data.synthetic.paths import MOST_BARS
from edgeproof.report.forecast import oracle_figure
from edgeproof.report.number import clip, get, is_number, show
from edgeproof.report.part import Block, Cell, Grid, Section, Table, Text

__all__ = ["oracle_sections", "oracle_table", "trading_table"]

SIDES = {"model": "Model", "": "Best possible", "volatility": "Volatility alone"}
NO_ORACLE = (
    "The best forecast is not known here: nothing was scored, or the label had to be simulated and could not be, "
    f"because its horizon is {MOST_BARS:,} bars or more or because bars or symbols of the market were left out."
)
LOOSE = 1.25  # a position that has drifted this far above 1/S is still one of 1/S


def _key(side: str, name: str) -> str:
    return f"{side}_{name}" if side else name


def _row(oracle: Mapping[str, Any], label: str, name: str, kind: str) -> tuple[Cell, ...]:
    return (Cell(label), *(Cell(show(oracle.get(_key(side, name)), kind)) for side in SIDES))


def _share_row(oracle: Mapping[str, Any]) -> tuple[Cell, ...]:
    cells = []
    for side in SIDES:
        value = oracle.get(f"{side}_share") if side else (1.0 if oracle.get("model_share") is not None else None)
        cells.append(Cell(show(value, "percent"), "" if is_number(value) else "there is nothing to find"))
    return (Cell("Share of what can be found"), *cells)


def _method_words(oracle: Mapping[str, Any]) -> str:
    samples = f"{show(oracle.get('samples'), 'count')} forecasts"
    if oracle.get("method") == "closed form":
        return f"On {samples}, against the true probability of each, which the market states exactly."
    bars, scored = show(oracle.get("bars"), "count"), show(oracle.get("bars_scored"), "count")
    paths = show(oracle.get("paths"), "count")
    return (
        f"Simulated: {paths} futures of each of {bars} of {scored} decision bars, {samples}; "
        f"standard error of the best AUC {show(oracle.get('auc_error'), 'score')}. Half of the futures make the best "
        "forecast, the other half judge it."
    )


def oracle_table(verdict: Mapping[str, Any]) -> Table | None:
    """AUC, share of what can be found, log loss and F1+ of the three; None where the truth is not known."""
    oracle = get(verdict, "oracle")
    if not isinstance(oracle, Mapping) or not is_number(oracle.get("log_loss")):
        return None
    shown = {side: title for side, title in SIDES.items() if is_number(oracle.get(_key(side, "log_loss")))}
    rows = [
        _row(oracle, "AUC", "auc", "score"),
        _share_row(oracle),
        _row(oracle, "Log loss", "log_loss", "loss"),
        _row(oracle, "F1+ at its best threshold", "f1_plus", "score"),
    ]
    keep = [0, *(1 + place for place, side in enumerate(SIDES) if side in shown)]
    columns = ("Against the truth", *shown.values())
    return Table(columns, [[row[place] for place in keep] for row in rows], caption=_method_words(oracle))


def trading_table(verdict: Mapping[str, Any]) -> Table | None:
    """The best policy's gain a bar beside the model's; None where no policy is known to be the best."""
    trading = get(verdict, "oracle", "trading")
    if not isinstance(trading, Mapping) or not is_number(trading.get("best_bps")):
        return None
    rows = [
        ("Best possible, in the long run", "best_bps"),
        ("Best possible, on these bars", "best_here_bps"),
        ("Model, by the stated law of each bar", "model_gain_bps"),
        ("Model, net growth as it happened", "model_growth_bps"),
    ]
    cost, sides = show(trading.get("cost_bps"), "bps"), "long and short" if trading.get("short") else "long only"
    return Table(
        ("Trading after costs", "bps a bar"),
        [(Cell(label), Cell(show(trading.get(key), "ratio"))) for label, key in rows],
        caption=f"Whole positions, {sides}, {cost} a side. Best: dynamic programming over signal and volatility.",
    )


def _trading_words(verdict: Mapping[str, Any]) -> list[Block]:
    trading = get(verdict, "oracle", "trading") or {}
    said: list[Block] = []
    if trading.get("unknown"):
        growth = show(trading.get("model_growth_bps"), "ratio")
        kind, why = clip(get(verdict, "oracle", "kind") or "", 40), clip(trading["unknown"], 400)
        said.append(
            Text(
                f"The model's net growth was {growth} bps a bar. The best possible is not known for kind {kind}: {why}."
            )
        )
    share = trading.get("share")
    if is_number(share) and is_number(trading.get("bound_bps")) and share > LOOSE:
        said.append(
            Text(
                f"The best possible holds at most one equal part of the account in a symbol. This run held up to "
                f"{show(share, 'times')} such parts in one, and may earn more: at most "
                f"{show(trading['bound_bps'], 'ratio')} bps a bar."
            )
        )
    if get(trading, "leak", "level") == "error":
        claim, remedy = clip(get(trading, "leak", "claim") or "", 300), clip(get(trading, "leak", "remedy") or "", 300)
        said.append(Text(f"A leak: the model {claim}; {remedy}.", "strong"))
    return said


def oracle_sections(verdict: Mapping[str, Any]) -> list[Section]:
    """One chapter on a known-truth market, none on a real one."""
    if not isinstance(get(verdict, "oracle"), Mapping):
        return []
    scores = [block for block in (oracle_table(verdict), oracle_figure(verdict)) if block is not None]
    beside = [*scores, *([] if (trading := trading_table(verdict)) is None else [trading])]
    blocks: list[Block] = [] if scores else [Text(NO_ORACLE, "note")]
    blocks += ([Grid(beside)] if beside else []) + _trading_words(verdict)
    lead = "This market was made, so the best that anyone could do is known: how much of it did the model find?"
    return [Section("Against the truth", lead, blocks, short="Truth")]
