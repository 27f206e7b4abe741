"""The best possible score on given samples, and how much of it a model reaches.

Models on a known-truth market are compared by soft AUC, with the true probabilities as label weights: at 32,000
samples its spread over markets is .0005, that of the AUC on realised labels .0021.
"""

# N samples

from dataclasses import dataclass

import numpy as np

from edgeproof.stats.classify import f1_plus, soft_auc

__all__ = ["OracleFigures", "capture", "oracle_figures"]

SMALLEST_GAIN = 0.001  # an oracle nearer to 0.5 has nothing to capture: kappa .002, or a market of noise


@dataclass(frozen=True)
class OracleFigures:
    """What could be known of the label, and what the model knew.

    Attributes:
        auc: soft AUC of the true probabilities; no score has a higher one. None without samples.
        model_auc: soft AUC of the model's score; None without a score.
        auc_share: (model_auc - .5) / (auc - .5); None where there is nothing to capture.
        log_loss: smallest possible mean log loss, in nats.
        f1_plus: largest possible F1 of the positive class, expected.
    """

    auc: float | None
    model_auc: float | None
    auc_share: float | None
    log_loss: float | None
    f1_plus: float | None


def capture(model_auc: float | None, oracle_auc: float | None) -> float | None:
    """(model - .5) / (oracle - .5): 1 for the oracle, 0 for a coin, below 0 for a model that is wrong.

    None where either is unknown or the oracle is within .001 of a coin.
    """
    if model_auc is None or oracle_auc is None or oracle_auc - 0.5 < SMALLEST_GAIN:
        return None
    return (model_auc - 0.5) / (oracle_auc - 0.5)


def oracle_figures(p_up: np.ndarray, score: np.ndarray | None = None) -> OracleFigures:
    """Figures of the oracle, and of a score, on the same samples.

    The smallest log loss is the mean entropy of the true probabilities. The largest F1 is over thresholds of the true
    probability, each sample a positive with weight p (the optimal classifier is such a threshold: Lipton, Elkan &
    Naryanaswamy 2014).

    Args:
        p_up: f64[N] true probability of the positive class.
        score: f[N] any monotone score of a model.

    Raises:
        ValueError: the two differ in length.
    """
    p = np.asarray(p_up, dtype=np.float64).ravel()
    best = soft_auc(p, p)
    model = None if score is None else soft_auc(score, p)
    return OracleFigures(
        auc=best,
        model_auc=model,
        auc_share=capture(model, best),
        log_loss=_entropy(p),
        f1_plus=f1_plus(p, p)[0],
    )


def _entropy(p: np.ndarray) -> float | None:
    """Mean of -p log p - (1 - p) log(1 - p), with 0 log 0 = 0."""
    if p.size == 0:
        return None
    parts = [-q * np.log(q, out=np.zeros_like(q), where=q > 0) for q in (p, 1.0 - p)]
    return float(np.mean(parts[0] + parts[1]))
