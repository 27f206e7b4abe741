"""Intervals of forecast figures: blocks of bars are drawn again, with all symbols of a bar together.

Samples of one bar share the market's move and neighbours in time share their window: drawing samples would give
intervals that are far too narrow.
"""

# N samples, M blocks, Z repetitions

import numpy as np

from edgeproof.stats.classify import Ranking, rank

__all__ = ["forecast_intervals"]

_LEAST_BLOCKS = 10
_SMALLEST = float(np.finfo(np.float64).eps)
_FIGURES = ("auc", "f1_plus", "log_loss", "brier")


def forecast_intervals(
    probability: np.ndarray,
    label: np.ndarray,
    block: np.ndarray,
    generator: np.random.Generator,
    *,
    repetitions: int = 200,
    level: float = 0.95,
) -> dict[str, float | str | None]:
    """Percentile intervals of AUC, F1+, log loss and Brier score (block bootstrap, Kuensch 1989).

    Args:
        probability: f[N].
        label: [N] 0 or 1.
        block: i64[N] the block of bars that each sample belongs to.
        generator: of the multinomial weights of the blocks.
        repetitions: Z.
        level: coverage.

    Returns:
        `auc_low`, `auc_high` and so on; None below 10 blocks or where the figure is undefined in a resample.
    """
    empty: dict[str, float | str | None] = {f"{name}_{side}": None for name in _FIGURES for side in ("low", "high")}
    names, place = np.unique(block, return_inverse=True)
    ranking = rank(probability, label)
    if ranking is None or len(names) < _LEAST_BLOCKS:
        return empty
    count = len(names)
    weights = generator.multinomial(count, np.full(count, 1 / count), repetitions).astype(np.float64)
    draws = _sums(probability, label, place, weights) | _curves(ranking, place, weights)
    tails = [(1 - level) / 2, (1 + level) / 2]
    for name, values in draws.items():
        if np.isfinite(values).all():
            low, high = np.quantile(values, tails)
            empty |= {f"{name}_low": float(low), f"{name}_high": float(high)}
    return empty


def _sums(probability: np.ndarray, label: np.ndarray, place: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Log loss and Brier score of every resample, f64[Z], from sums over blocks."""
    p, y = np.asarray(probability, dtype=np.float64), np.asarray(label, dtype=np.float64)
    if p.min() < 0 or p.max() > 1:
        return {}
    loss = -np.log(np.clip(np.where(y > 0.5, p, 1 - p), _SMALLEST, 1.0))
    size = weights @ np.bincount(place)
    return {
        "log_loss": weights @ np.bincount(place, loss) / size,
        "brier": weights @ np.bincount(place, (p - y) ** 2) / size,
    }


def _curves(ranking: Ranking, place: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """AUC and F1+ of every resample, f64[Z]; NaN where one class is missing."""
    pairs = [ranking.auc_and_f1_plus(weight[place]) for weight in weights]
    auc, f1 = np.array(pairs, dtype=np.float64).T
    return {"auc": auc, "f1_plus": f1}
