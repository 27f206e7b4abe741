"""The best forecast, a model's and that of volatility alone on the same samples, with errors from blocks of bars."""

# K bars, S symbols, N samples, B blocks

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeproof.stats.classify import f1_plus, soft_auc
from edgeproof.truth.figures import capture

__all__ = ["Sample", "compare", "from_volatility"]

BLOCKS = 20
EDGE = 1e-12
ROUNDS = 30

Figures = dict[str, float | None]


@dataclass(frozen=True)
class Sample:
    """What is known of N samples.

    Attributes:
        truth: f64[R, N] probability, or share of positives of R independent sets of futures.
        best: f64[R, N] the best forecast; the one of set r was made without the truth of set r.
        block: i64[N] block of bars that the sample belongs to.
        others: name to f64[N] probabilities to set beside it.
    """

    truth: np.ndarray
    best: np.ndarray
    block: np.ndarray
    others: Mapping[str, np.ndarray]


def _auc(p_RN: np.ndarray, truth_RN: np.ndarray) -> float | None:
    found = [soft_auc(p, truth) for p, truth in zip(p_RN, truth_RN, strict=True)]
    known = [value for value in found if value is not None]
    return float(np.mean(known)) if len(known) == len(found) else None


def _log_loss(p_RN: np.ndarray, truth_RN: np.ndarray) -> float:
    p = np.clip(p_RN, EDGE, 1.0 - EDGE)
    return float(-np.mean(truth_RN * np.log(p) + (1.0 - truth_RN) * np.log1p(-p)))


def _f1(p_RN: np.ndarray, truth_RN: np.ndarray) -> float | None:
    found = [f1_plus(p, truth)[0] for p, truth in zip(p_RN, truth_RN, strict=True)]
    known = [value for value in found if value is not None]
    return float(np.mean(known)) if len(known) == len(found) else None


def compare(sample: Sample) -> dict[str, Any]:
    """Soft AUC, log loss and F1+ of the best forecast and of each other; the share of what is reachable.

    Returns:
        `auc`, `log_loss`, `f1_plus` of the best, and for each other `NAME_auc`, `NAME_log_loss`, `NAME_f1_plus`,
        `NAME_share` ((AUC - .5) / (best AUC - .5); None
        where the best is within three errors of a coin); `auc_error` and `model_share_error`, standard errors by the
        jackknife over 20 blocks of bars (Künsch 1989).
    """
    truth = sample.truth
    body: dict[str, Any] = {"auc": _auc(sample.best, truth), "log_loss": _log_loss(sample.best, truth)}
    body |= {"f1_plus": _f1(sample.best, truth), "auc_error": _error(sample, lambda kept: _auc_of(sample, kept))}
    for name, p in sample.others.items():
        beside = np.broadcast_to(p, truth.shape)
        found = _auc(beside, truth)
        body |= {
            f"{name}_auc": found,
            f"{name}_log_loss": _log_loss(beside, truth),
            f"{name}_f1_plus": _f1(beside, truth),
        }
        body[f"{name}_share"] = capture(found, body["auc"]) if _found(body) else None
        if name == "model" and body["model_share"] is not None:
            body[f"{name}_share_error"] = _error(sample, lambda kept: _share_of(sample, "model", kept))
    return body


def _found(body: Mapping[str, Any]) -> bool:
    """Whether the best is above a coin by more than three of its errors: else there is nothing to have a share of."""
    best, error = body["auc"], body["auc_error"]
    return best is not None and best - 0.5 > 3.0 * (error or 0.0)


def _auc_of(sample: Sample, kept: np.ndarray) -> float | None:
    return _auc(sample.best[:, kept], sample.truth[:, kept])


def _share_of(sample: Sample, name: str, kept: np.ndarray) -> float | None:
    truth = sample.truth[:, kept]
    model = _auc(np.broadcast_to(sample.others[name][kept], truth.shape), truth)
    best = _auc_of(sample, kept)
    return None if model is None or best is None or best == 0.5 else (model - 0.5) / (best - 0.5)


def _error(sample: Sample, figure: Callable[[np.ndarray], float | None]) -> float | None:
    """Delete-one-block jackknife: sqrt((B-1)/B sum (figure_b - mean)^2)."""
    blocks = np.unique(sample.block)
    if len(blocks) < 5:
        return None
    values = [figure(sample.block != block) for block in blocks]
    known = np.array([value for value in values if value is not None])
    B = len(known)
    return float(np.sqrt((B - 1.0) / B * ((known - known.mean()) ** 2).sum())) if len(blocks) == B else None


def from_volatility(volatility_N: np.ndarray, truth_N: np.ndarray) -> np.ndarray:
    """f64[N]: the best logistic forecast from one number, by Newton's method; what size alone is worth.

    Args:
        volatility_N: log volatility known at the decision.
        truth_N: probability or share of positives.
    """
    spread = float(np.std(volatility_N))
    x = np.stack([np.ones(len(volatility_N)), (volatility_N - np.mean(volatility_N)) / max(spread, 1e-12)])
    weight = np.zeros(2)
    for _ in range(ROUNDS):
        p = 1.0 / (1.0 + np.exp(-weight @ x))
        slope = x @ (truth_N - p)
        curve = (x * np.maximum(p * (1.0 - p), 1e-9)) @ x.T + 1e-9 * np.eye(2)
        weight = weight + np.linalg.solve(curve, slope)
        if float(np.abs(slope).max()) < 1e-10 * len(truth_N):
            break
    return 1.0 / (1.0 + np.exp(-weight @ x))
