"""How good the forecasts are, apart from what is traded on them: calibration, ranking, and the threshold chosen."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from edgeproof.core.clock import DAY_NS
from edgeproof.report.backtest import times_of
from edgeproof.report.chart import oracle_bar, reliability, threshold_curve
from edgeproof.report.number import DASH, get, humanise, is_number, show
from edgeproof.report.part import Block, Cell, Figure, Grid, Section, Table, Text
from edgeproof.report.training import always_the_base_rate

__all__ = [
    "calibration_bins",
    "calibration_figure",
    "forecast_section",
    "forecast_table",
    "oracle_figure",
    "threshold_figure",
]

BINS = 12
MIN_COUNT = 30
DAY_MS = DAY_NS // 1_000_000
SCORES: dict[str, tuple[str, str]] = {
    "auc": ("AUC", "score"),
    "soft_auc": ("AUC against the true probabilities", "score"),
    "volatility_auc": ("AUC of trailing volatility alone", "score"),
    "auc_over_volatility": ("AUC beyond trailing volatility", "score"),
    "auc_within_volatility": ("AUC within deciles of trailing volatility", "score"),
    "log_loss": ("Log loss", "loss"),
    "brier": ("Brier score", "loss"),
    "f1_plus": ("F1+ at its best threshold", "score"),
    "always_positive_f1": ("F1+ of always answering yes", "score"),
    "accuracy": ("Accuracy", "percent"),
    "precision": ("Precision", "percent"),
    "recall": ("Recall", "percent"),
    "pr_auc": ("PR-AUC", "score"),
    "base_rate": ("Share of labels that are 1", "percent"),
    "count": ("Forecasts with a known label", "count"),
}


def calibration_bins(day: np.ndarray, forecast: np.ndarray, label: np.ndarray) -> dict[str, np.ndarray]:
    """Mean forecast, observed share and its 95% half width in bins of equal width; thin bins are left out.

    The half width takes whole days as the unit, all symbols of a day together, since forecasts of one day are not
    independent: var = D/(D-1) sum_d (k_d - share n_d)^2 / N^2 (cluster-robust variance of a ratio, Cochran 1977, 6.3).

    Args:
        day: i64[N] day of each forecast.
        forecast: f64[N] probabilities.
        label: f64[N] of 0 and 1.
    """
    low, high = np.quantile(forecast, [0.002, 0.998])
    width = max(float(high - low), 1e-9)
    which = np.clip(((forecast - low) / width * BINS).astype(np.int64), 0, BINS - 1)
    days, number = np.unique(day, return_inverse=True)
    flat, size = number * BINS + which, len(days) * BINS
    n = np.bincount(flat, minlength=size).reshape(len(days), BINS)
    k = np.bincount(flat, weights=label, minlength=size).reshape(len(days), BINS)
    total = n.sum(axis=0)
    keep = total >= MIN_COUNT
    safe = np.maximum(total, 1)
    share = k.sum(axis=0) / safe
    residual = ((k - share * n) ** 2).sum(axis=0)
    active = np.maximum((n > 0).sum(axis=0), 2)
    half = 1.96 * np.sqrt(active / (active - 1) * residual) / safe
    mean = np.bincount(which, weights=forecast, minlength=BINS) / safe
    return {"forecast": mean[keep], "observed": share[keep], "half_width": half[keep], "count": total[keep]}


def _labelled(predictions: pl.DataFrame) -> tuple[str, pl.DataFrame]:
    spans = set(predictions["span"].unique().to_list()) if "span" in predictions.columns else set()
    name = "sealed" if "sealed" in spans else "validation"
    rows = predictions.filter(pl.col("span") == name) if name in spans else predictions
    return name, rows.drop_nulls(["probability", "label"]).filter(pl.col("probability").is_finite())


def _slope_words(forecast: np.ndarray, label: np.ndarray) -> str:
    """The calibration slope: how much more often the label was 1 for one more point of forecast (Cox 1958)."""
    spread = float(np.var(forecast))
    if spread <= 0:
        return "All forecasts are the same."
    slope = float(np.mean((forecast - forecast.mean()) * label)) / spread
    return f"One more point of forecast was worth {show(slope, 'ratio')} points of outcome (honest 1, worthless 0)."


def calibration_figure(predictions: pl.DataFrame) -> Figure | None:
    """Reliability diagram of the sealed span if it was opened, else of validation; None without enough forecasts."""
    if not len(predictions):
        return None
    name, rows = _labelled(predictions)
    if len(rows) < 2 * MIN_COUNT:
        return None
    day, forecast = times_of(rows) // DAY_MS, rows["probability"].to_numpy()
    label = rows["label"].cast(pl.Float64).to_numpy()
    bins = calibration_bins(day, forecast, label)
    if not len(bins["count"]):
        return None
    inside = np.abs(bins["observed"] - bins["forecast"]) <= bins["half_width"]
    where = "sealed span" if name == "sealed" else "validation"
    words = (
        f"{int(inside.sum())} of {len(inside)} bins agree with the diagonal within their 95% interval. "
        f"{_slope_words(forecast, label)}"
    )
    caption = (
        f"Among forecasts of about p, the share that came true ({where}, {len(rows):,} forecasts). On the dashed line "
        "a forecast means what it says. Intervals take whole days as the unit, all symbols together."
    )
    return Figure("Calibration", reliability(bins), caption, words, height=340)


def oracle_figure(verdict: Mapping[str, Any]) -> Figure | None:
    """The model's AUC beside the best that is possible on this market; None where the truth is not known."""
    model, best, share = (get(verdict, "oracle", key) for key in ("model_auc", "auc", "auc_share"))
    if not (is_number(model) and is_number(best)):
        return None
    got = f": {show(share, 'percent')} of what there is to find" if is_number(share) and best > 0.502 else ""
    nothing = " There is nothing to find: this label is a coin flip here." if best <= 0.502 else ""
    words = f"The model reaches {show(model, 'score')}, the best possible is {show(best, 'score')}{got}.{nothing}"
    caption = (
        "This market was made, so its true probabilities are known. Both are scored against them; the AUC against "
        "what then happened stands in the figures and varies by chance."
    )
    return Figure("Against the best possible", oracle_bar(model, best), caption, words, height=190)


def _threshold_words(theta: Sequence[float], growth: Sequence[float], chosen: float | None, keep: str) -> str:
    if chosen is None:
        return "None of them gained, so the model never trades."
    gained, kept = sum(value > 0 for value in growth), growth[theta.index(chosen)]
    verb = "gains" if gained == 1 else "gain"
    said = f"{gained} of {len(theta)} {'threshold' if len(theta) == 1 else 'thresholds'} {verb} after costs."
    if keep == "median":
        return f"{said} {_middle_words(theta, growth, chosen)}"
    edge = ", the last one tried" if len(theta) > 1 and chosen == max(theta) else ""
    return f"{said} The best, {show(chosen, 'score')}{edge}, gains {show(kept, 'percent')} and was chosen."


def _middle_words(theta: Sequence[float], growth: Sequence[float], chosen: float) -> str:
    """The threshold that `keep: median` took, whatever it brought, beside the best of them."""
    kept, best = growth[theta.index(chosen)], max(growth)
    middle = f"The middle one, {show(chosen, 'score')}, was kept (keep: median) and gained {show(kept, 'percent')}"
    if kept == best:
        return f"{middle}; none gained more."
    return f"{middle}; the best, {show(theta[growth.index(best)], 'score')}, gained {show(best, 'percent')}."


def threshold_figure(thresholds: Sequence[Mapping[str, Any]], keep: str = "best") -> Figure | None:
    """Net growth of every threshold that was tried on validation; None where none was kept.

    Args:
        thresholds: `theta`, `net_growth`, `chosen` of each.
        keep: of the config, `best` or `median`: which of them was chosen.
    """
    rows = [row for row in thresholds if is_number(row.get("theta")) and is_number(row.get("net_growth"))]
    if not rows:
        return None
    chosen = next((float(row["theta"]) for row in rows if row.get("chosen")), None)
    theta, growth = [row["theta"] for row in rows], [row["net_growth"] for row in rows]
    caption = (
        f"Net growth on validation when only forecasts beyond a threshold are traded; all {len(rows)} count as trials. "
        "A plateau is a good sign; a best value alone or at the far end, where least is traded, looks like luck."
    )
    words = _threshold_words(theta, growth, chosen, keep)
    return Figure("Threshold", threshold_curve(theta, growth, chosen), caption, words)


def forecast_table(verdict: Mapping[str, Any]) -> Table | None:
    """Classification figures of validation and, once opened, of the sealed span; None where there are none."""
    bodies = {name: get(verdict, name) for name in ("sealed", "validation")}
    found = {name: body for name, body in bodies.items() if isinstance(body, Mapping)}
    keys = [key for key in SCORES if any(is_number(body.get(key)) for body in found.values())]
    if not keys:
        return None
    rows = []
    for key in keys:
        label, kind = SCORES.get(key, (humanise(key), "plain"))
        rows.append((Cell(label), *(Cell(show(body.get(key), kind)) for body in found.values())))
        ends = [[show(body.get(f"{key}_{side}"), kind) for side in ("low", "high")] for body in found.values()]
        if key in ("log_loss", "brier"):
            rows += _always_row(key, label, found)
        if key == "auc" and all(DASH not in pair for pair in ends):
            rows.append((Cell("AUC, 95% interval"), *(Cell(" to ".join(pair)) for pair in ends)))
    return Table(("Forecasts", *found), rows, caption="Before any trading, at probability 0.5 where a cut is needed.")


def _always_row(key: str, label: str, found: Mapping[str, Mapping[str, Any]]) -> list[tuple[Cell, ...]]:
    """What always answering the base rate would score; no row where it is not known."""
    bases = [body.get("base_rate") for body in found.values()]
    if not all(is_number(base) for base in bases):
        return []
    values = [always_the_base_rate(base)[key] for base in bases if is_number(base)]
    return [(Cell(f"{label} of always answering the base rate"), *(Cell(show(value, "loss")) for value in values))]


def forecast_section(
    predictions: pl.DataFrame,
    verdict: Mapping[str, Any],
    thresholds: Sequence[Mapping[str, Any]] = (),
    keep: str = "best",
) -> Section:
    """Calibration, the threshold chosen, and the classification figures.

    Args:
        predictions: one row a forecast, see `report.run.RunData`.
        verdict: the run's verdict.
        thresholds: `theta`, `net_growth`, `chosen` of each threshold tried on validation.
        keep: which of them the config keeps.
    """
    figures = (calibration_figure(predictions), threshold_figure(thresholds, keep))
    drawn = [figure for figure in figures if figure is not None]
    blocks: list[Block] = [Grid(drawn)] if drawn else [Text("There are too few labelled forecasts to draw.", "note")]
    figures_of = forecast_table(verdict)
    blocks += [] if figures_of is None else [figures_of]
    return Section(
        "Forecasts",
        "Whether the model knows anything, before any trading: a forecast of 55% should come true 55% of the time.",
        blocks,
    )
