"""The curves of a binary forecast, thinned to what an eye can tell apart, and what the data behind it look like."""

# N samples, F features, K distinct scores, Q quantiles

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgeproof.stats.classify import Ranking, auc, confusion, pr_auc, rank

__all__ = ["QUANTILES", "curves", "distribution"]

POINTS = 200  # of a curve
QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)


def curves(probability: np.ndarray, label: np.ndarray, *, points: int = POINTS) -> dict[str, Any]:
    """ROC and precision-recall curves, and the confusion matrix at a half (Fawcett 2006, Davis & Goadrich 2006).

    Args:
        probability: f[N] forecast of the positive class.
        label: [N] 0 or 1.
        points: of each curve at most; its ends and its areas are those of all samples.

    Returns:
        `{count, confusion, auc, pr_auc, roc, pr}`: roc has false_positive_rate, true_positive_rate and threshold, pr
        has recall, precision and threshold; both are empty where there is one class only.
    """
    ranking = rank(probability, label)
    found = {
        "count": int(np.size(label)),
        "confusion": confusion(probability, label),
        "auc": auc(probability, label),
        "pr_auc": pr_auc(probability, label),
    }
    positives = 0.0 if ranking is None else float(ranking.label.sum())
    if ranking is None or not 0 < positives < len(ranking.label):
        return found | {"roc": {}, "pr": {}}
    return found | _both(ranking, positives, points)


def _both(ranking: Ranking, positives: float, points: int) -> dict[str, Any]:
    true_K = np.cumsum(ranking.label)[ranking.last]
    called_K = ranking.last + 1.0
    false_K, negatives = called_K - true_K, len(ranking.label) - positives
    tpr, fpr = np.r_[0.0, true_K / positives], np.r_[0.0, false_K / negatives]
    threshold = np.r_[np.nan, ranking.threshold]
    roc = _thinned(np.hypot(np.diff(tpr, prepend=0), np.diff(fpr, prepend=0)), points)
    pr = _thinned(np.diff(true_K / positives, prepend=0), points)
    return {
        "roc": {
            "false_positive_rate": fpr[roc].tolist(),
            "true_positive_rate": tpr[roc].tolist(),
            "threshold": [None, *threshold[roc[1:]].tolist()],  # at the origin nothing is called positive
        },
        "pr": {
            "recall": (true_K / positives)[pr].tolist(),
            "precision": (true_K / called_K)[pr].tolist(),
            "threshold": ranking.threshold[pr].tolist(),
        },
    }


def _thinned(step_K: np.ndarray, points: int) -> np.ndarray:
    """Places at about equal steps along a curve, its first and last among them."""
    if len(step_K) <= points:
        return np.arange(len(step_K))
    along = np.cumsum(step_K)
    wanted = np.linspace(along[0], along[-1], points)
    places = np.searchsorted(along, wanted).clip(0, len(step_K) - 1)
    places[0], places[-1] = 0, len(step_K) - 1
    return np.unique(places)


def distribution(
    x: np.ndarray, label: np.ndarray, weight: np.ndarray, names: Sequence[str], parts: dict[str, np.ndarray]
) -> dict[str, Any]:
    """Balance of the labels in each part, and quantiles of each feature over the first part.

    Args:
        x: f[S, T, F] features as they are before scaling.
        label: [S, T] 0 or 1.
        weight: f[S, T] sample weights.
        names: F names.
        parts: i64[N] flat sample indices by name, `train` first.
    """
    first = next(iter(parts.values()))
    values_QF = np.quantile(x.reshape(-1, x.shape[2])[first], QUANTILES, axis=0)
    balance = {}
    for part, index in parts.items():
        y, w = label.reshape(-1)[index], weight.reshape(-1)[index]
        share = float(y.mean()) if len(y) else None
        balance[part] = {"samples": len(y), "positive": int((y == 1).sum()), "share": share, "weight": float(w.sum())}
    return {
        "labels": balance,
        "quantiles": list(QUANTILES),
        "features": {name: values_QF[:, column].tolist() for column, name in enumerate(names)},
    }
