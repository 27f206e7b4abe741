"""How good the forecasts are, apart from what is traded on them: calibration, ranking, and the threshold chosen."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from edgeproof.core.clock import DAY_NS
from edgeproof.report.backtest import times_of
from edgeproof.report.chart import oracle_bar, reliability, threshold_curve
from edgeproof.report.number import get, humanise, is_number, show
from edgeproof.report.part import Block, Cell, Figure, Grid, Section, Table, Text

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
    "soft_auc": ("AUC against true probabilities", "score"),
    "volatility_auc": ("AUC of trailing volatility alone", "score"),
    "f1_plus": ("F1+, best threshold", "score"),
    "always_positive_f1": ("F1+ of always answering 'rises'", "score"),
    "f1_threshold": ("Threshold of F1+", "score"),
    "log_loss": ("Log loss", "loss"),
    "brier": ("Brier score", "loss"),
    "accuracy": ("Accuracy", "percent"),
    "precision": ("Precision", "percent"),
    "recall": ("Recall", "percent"),
    "pr_auc": ("PR-AUC", "score"),
    "base_rate": ("Share of rising bars", "percent"),
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


def calibration_figure(predictions: pl.DataFrame) -> Figure | None:
    """Reliability diagram of the sealed span if it was opened, else of validation; None without enough forecasts."""
    if not len(predictions):
        return None
    name, rows = _labelled(predictions)
    if len(rows) < 2 * MIN_COUNT:
        return None
    day, forecast = times_of(rows) // DAY_MS, rows["probability"].to_numpy()
    bins = calibration_bins(day, forecast, rows["label"].cast(pl.Float64).to_numpy())
    if not len(bins["count"]):
        return None
    inside = np.abs(bins["observed"] - bins["forecast"]) <= bins["half_width"]
    where = "sealed span" if name == "sealed" else "validation"
    words = (
        f"{int(inside.sum())} of {len(inside)} bins agree with the diagonal within their 95% interval; "
        f"{len(rows):,} forecasts from {show(float(forecast.min()), 'score')} to "
        f"{show(float(forecast.max()), 'score')}."
    )
    caption = (
        f"Among forecasts of about p, the share that did rise ({where}). On the dashed line a forecast means what it "
        "says. Intervals take whole days as the unit, all symbols together."
    )
    return Figure("Calibration", reliability(bins), caption, words, height=340)


def oracle_figure(verdict: Mapping[str, Any]) -> Figure | None:
    """The model's AUC beside the best that is possible on this market; None where the truth is not known."""
    model, best, share = (get(verdict, "oracle", key) for key in ("model_auc", "auc", "auc_share"))
    if not (is_number(model) and is_number(best)):
        return None
    got = f": {show(share, 'percent')} of what there is to find" if is_number(share) and best > 0.502 else ""
    nothing = " There is nothing to find: the direction of this market is a coin flip." if best <= 0.502 else ""
    words = f"The model reaches {show(model, 'score')}, the best possible is {show(best, 'score')}{got}.{nothing}"
    caption = "This market was made, so the best score that any model could reach on it is known."
    return Figure("Against the best possible", oracle_bar(model, best), caption, words, height=190)


def threshold_figure(thresholds: Sequence[Mapping[str, Any]]) -> Figure | None:
    """Net growth of every threshold that was tried on validation; None where none was kept."""
    rows = [row for row in thresholds if is_number(row.get("theta")) and is_number(row.get("net_growth"))]
    if not rows:
        return None
    chosen = next((float(row["theta"]) for row in rows if row.get("chosen")), None)
    best = max(rows, key=lambda row: row["net_growth"])
    words = (
        "None of them gained, so the model never trades."
        if chosen is None
        else f"Of {len(rows)} thresholds {show(chosen, 'score')} was chosen; the best gained "
        f"{show(best['net_growth'], 'percent')}. "
        "A best value at the far edge, or alone among losses, would be luck rather than a plateau."
    )
    theta, growth = [row["theta"] for row in rows], [row["net_growth"] for row in rows]
    caption = f"Net growth on validation of each threshold. All {len(rows)} are counted as trials."
    return Figure("Threshold", threshold_curve(theta, growth, chosen), caption, words)


def forecast_table(verdict: Mapping[str, Any]) -> Table | None:
    """Classification figures of validation and, once opened, of the sealed span; None where there are none."""
    bodies = {name: get(verdict, name) for name in ("validation", "sealed")}
    found = {name: body for name, body in bodies.items() if isinstance(body, Mapping)}
    keys = [key for key in SCORES if any(is_number(body.get(key)) for body in found.values())]
    if not keys:
        return None
    rows = []
    for key in keys:
        label, kind = SCORES.get(key, (humanise(key), "plain"))
        cells = (
            Cell(show(body.get(key), kind), "" if is_number(body.get(key)) else "not reported")
            for body in found.values()
        )
        rows.append((Cell(label), *cells))
    return Table(("Figure", *found), rows, caption="Forecast figures, before any trading.")


def forecast_section(
    predictions: pl.DataFrame, verdict: Mapping[str, Any], thresholds: Sequence[Mapping[str, Any]] = ()
) -> Section:
    """Calibration, the oracle where the truth is known, the threshold chosen, and the classification figures.

    Args:
        predictions: one row a forecast, see `report.run.RunData`.
        verdict: the run's verdict.
        thresholds: `theta`, `net_growth`, `chosen` of each threshold tried on validation.
    """
    figures = (calibration_figure(predictions), threshold_figure(thresholds))
    drawn = [figure for figure in figures if figure is not None]
    blocks: list[Block] = [Grid(drawn)] if drawn else [Text("There are too few labelled forecasts to draw.", "note")]
    beside = [block for block in (oracle_figure(verdict), forecast_table(verdict)) if block is not None]
    blocks += [Grid(beside)] if beside else []
    return Section("Forecasts", "Whether a forecast of 55% comes true 55% of the time.", blocks)
