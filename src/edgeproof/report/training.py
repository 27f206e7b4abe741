"""What training did, epoch by epoch: loss, scores, and how the optimiser moved."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from edgeproof.report.chart import Plot, line, plot, points, vertical
from edgeproof.report.number import get, is_number, show
from edgeproof.report.part import Block, Figure, Grid, Section, Text

__all__ = ["always_the_base_rate", "best_epoch", "loss_figure", "training_section"]

CURVE_POINTS = 500
SAME = 0.005


def always_the_base_rate(share: float) -> dict[str, float]:
    """Log loss and Brier score of the forecast that is always the share of labels that are 1: -E ln p and p (1 - p)."""
    loss = -sum(p * math.log(p) for p in (share, 1 - share) if p > 0)
    return {"log_loss": loss, "brier": share * (1 - share)}


def _column(history: pl.DataFrame, name: str) -> np.ndarray | None:
    if name not in history.columns or history[name].null_count() == len(history):
        return None
    values = history[name].cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy()
    return values if np.isfinite(values).any() else None


def best_epoch(history: pl.DataFrame) -> int | None:
    """Position of the kept epoch: the last row marked `best`, None if none is."""
    if "best" not in history.columns:
        return None
    kept = np.flatnonzero(history["best"].fill_null(value=False).to_numpy())
    return int(kept[-1]) if len(kept) else None


def _kept(traces: Sequence[Mapping[str, Any]], epoch: float) -> list[dict[str, Any]]:
    """A ring around the kept epoch of every curve that is drawn there, once in the legend."""
    curves = [trace for trace in traces if "markers" in trace["mode"] and epoch in trace["x"]]
    rings = []
    for number, trace in enumerate(curves):
        at, color = trace["y"][trace["x"].index(epoch)], trace["line"]["color"]
        ring = points([epoch], [at], name="kept epoch", color=color, size=11)
        ring["marker"] |= {"symbol": "circle-open", "line": {"width": 1.5}}
        rings.append(ring | {"showlegend": number == 0, "hoverinfo": "skip"})
    return rings


def _curves(
    history: pl.DataFrame,
    lines: Mapping[str, tuple[str, str]],
    y: Mapping[str, Any],
    levels: Sequence[tuple[str, float, str]] = (),
) -> Plot | None:
    epochs = history["epoch"].to_numpy()
    traces = []
    for name, (word, color) in lines.items():
        values = _column(history, name)
        if values is not None:
            drawn = line(epochs, values, name=word, color=color, limit=CURVE_POINTS)
            traces.append(drawn | {"mode": "lines+markers", "marker": {"size": 4}})
    if not traces:
        return None
    ends = epochs[[0, -1]]
    traces += [line(ends, [at, at], name=word, color=color, width=1, dash="dash") for word, at, color in levels]
    best = best_epoch(history)
    marks = {} if best is None else vertical(float(epochs[best]), "", "@muted")
    traces += [] if best is None else _kept(traces, float(epochs[best]))
    first, last = float(ends[0]), float(ends[1])
    pad = 0.04 * (last - first) + 0.3
    step = {"dtick": 1} if len(epochs) <= 8 else {"nticks": 8}
    return plot(traces, x={"title": "epoch", "range": [first - pad, last + pad]} | step, y=y, **marks)


def loss_figure(history: pl.DataFrame, base_rate: Any = 0.5) -> Figure | None:
    """Training and validation loss of each epoch; None where neither was recorded.

    Args:
        history: one row an epoch.
        base_rate: share of validation labels that are 1, what knowing nothing else would answer.
    """
    if not len(history) or "epoch" not in history.columns:
        return None
    lines = {"train_loss": ("training loss", "@gross"), "log_loss": ("validation log loss", "@net")}
    drawn = _curves(history, lines, {"title": "loss", "tickformat": ".4f"})
    if drawn is None:
        return None
    caption = "Loss of each epoch. Training loss is measured while the weights move, validation after the epoch."
    best, losses = best_epoch(history), _column(history, "log_loss")
    if best is None or losses is None:
        return Figure("Loss", drawn, caption)
    known = is_number(base_rate)
    prior = always_the_base_rate(base_rate if known else 0.5)["log_loss"]
    answer = f"the base rate of {show(base_rate, 'percent')}" if known and base_rate != 0.5 else "one half"
    conclusion = (
        f"Epoch {history['epoch'][best]} of {len(history)} was kept: validation log loss {show(losses[best], 'loss')}, "
        f"after {show(losses[0], 'loss')} in the first and {show(losses[-1], 'loss')} in the last epoch. "
        f"{'This is better' if losses[best] < prior else 'This is no better'} than always answering {answer} "
        f"({show(prior, 'loss')})."
    )
    return Figure("Loss", drawn, caption, conclusion)


def _score_figure(history: pl.DataFrame, oracle: Any) -> Figure | None:
    levels = [("coin flipping", 0.5, "@muted")] + ([("best possible", oracle, "@good")] if is_number(oracle) else [])
    lines, y = {"auc": ("validation AUC", "@net")}, {"title": "AUC", "tickformat": ".3f"}
    drawn = _curves(history, lines, y, levels)
    if drawn is None:
        return None
    best, scores = best_epoch(history), _column(history, "auc")
    conclusion = ""
    if best is not None and scores is not None:
        bound = f"; no model could exceed {show(oracle, 'score')} here" if is_number(oracle) else ""
        conclusion = f"AUC {show(scores[best], 'score')} at the kept epoch{bound}."
    return Figure("Ranking skill", drawn, "How often a sample of label 1 is ranked above one of label 0.", conclusion)


def _rate_words(first: float, last: float) -> str:
    end = "almost zero" if 0 <= last < 1e-3 * first else f"{last:.2g}"
    return (
        f"The learning rate stayed {first:.2g}."
        if first == last
        else f"The learning rate went from {first:.2g} to {end}."
    )


def _step_figure(history: pl.DataFrame) -> Figure | None:
    drawn = _curves(history, {"grad_norm": ("gradient norm", "@cost-4")}, {"title": "norm", "rangemode": "tozero"})
    rates = _column(history, "lr")
    if drawn is None:
        return None
    caption = "Mean gradient norm before clipping. It should settle; a jump is the first sign of an unstable training."
    conclusion = "" if rates is None else _rate_words(float(rates[0]), float(rates[-1]))
    return Figure("Gradient norm", drawn, caption, conclusion)


def _plus_figure(history: pl.DataFrame, always: Any) -> Figure | None:
    lines = {"f1_plus": ("F1+", "@net"), "precision": ("precision", "@cost-2"), "recall": ("recall", "@cost-3")}
    drawn = _curves(history, lines, {"title": "score", "tickformat": ".2f"})
    best, scores, cuts = best_epoch(history), _column(history, "f1_plus"), _column(history, "f1_threshold")
    if drawn is None:
        return None
    caption = "F1 of label 1 at the best threshold of each epoch; precision and recall at one half."
    if best is None or scores is None:
        return Figure("F1+", drawn, caption)
    cut = "" if cuts is None else f" at threshold {show(cuts[best], 'score')}"
    rival = f"; always answering yes scores {show(always, 'score')}" if is_number(always) else ""
    same = is_number(always) and scores[best] - always < SAME
    said = " No better than that, F1+ says nothing here." if same else ""
    return Figure("F1+", drawn, caption, f"F1+ {show(scores[best], 'score')}{cut} at the kept epoch{rival}.{said}")


def training_section(history: pl.DataFrame, verdict: Mapping[str, Any]) -> Section:
    """Training curves of one run; columns that are absent or empty are left out.

    Args:
        history: one row an epoch, see `report.run.RunData`.
        verdict: the run's verdict, for the oracle's score and for how long training took.
    """
    lead = "Whether the model learned something that also holds on bars it was not trained on."
    if not len(history) or "epoch" not in history.columns:
        return Section("Training", lead, (Text("No epoch was recorded.", "note"),))
    figures = (
        loss_figure(history, get(verdict, "validation", "base_rate")),
        _score_figure(history, get(verdict, "oracle", "auc")),
        _plus_figure(history, get(verdict, "validation", "always_positive_f1")),
        _step_figure(history),
    )
    blocks: list[Block] = [Grid([figure for figure in figures if figure is not None])]
    seconds = _column(history, "seconds")
    if seconds is not None:
        word = "epoch" if len(history) == 1 else "epochs"
        took = f"{len(history)} {word} took {show(float(np.nansum(seconds)), 'seconds')}."
        blocks.append(Text(took, "note"))
    return Section("Training", lead, blocks)
