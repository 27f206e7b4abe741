"""Weights of a mixture of forecasts: non-negative, summing to 1, of least log loss on samples not trained on."""

# K members, N samples

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

__all__ = ["fit_weights", "mixture_loss"]

LEAST = 1e-12  # probability of what happened, so that its logarithm is a number


def fit_weights(logit_KN: np.ndarray, y_N: np.ndarray, weight_N: np.ndarray) -> np.ndarray:
    """f64[K] that minimises the log loss of sum_k w_k p_k over the simplex.

    Stacking (Breiman 1996) under the logarithmic score (Yao, Vehtari, Simpson & Gelman 2018). The loss is convex in w.
    With r_k = mean of p_k / sum_j w_j p_j over what happened, w is its minimum if and only if r_k <= 1 for all k, and
    r_k = 1 where w_k > 0 (Lindsay 1983, theorem 4.1).

    Args:
        logit_KN: out-of-fold logits.
        y_N: labels, 0 or 1.
        weight_N: of the samples.
    """
    said_KN, share_N = _of_what_happened(logit_KN, y_N), weight_N / weight_N.sum(dtype=np.float64)

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        mixed = np.maximum(w @ said_KN, LEAST)
        return -float(share_N @ np.log(mixed)), -(said_KN @ (share_N / mixed))

    K = len(said_KN)
    bounds, whole = [(0.0, 1.0)] * K, {"type": "eq", "fun": lambda w: w.sum() - 1, "jac": np.ones_like}
    start = np.full(K, 1 / K)
    found = minimize(loss, start, jac=True, bounds=bounds, constraints=[whole], method="SLSQP", options={"ftol": 1e-12})
    w = np.where(found.x > 1e-9, found.x, 0.0)
    w /= w.sum()
    return w if loss(w)[0] <= loss(start)[0] else start


def mixture_loss(logit_KN: np.ndarray, y_N: np.ndarray, weight_N: np.ndarray, w: np.ndarray) -> float:
    """Log loss of the mixture, in nats a sample."""
    mixed = np.maximum(w @ _of_what_happened(logit_KN, y_N), LEAST)
    return -float(np.average(np.log(mixed), weights=weight_N))


def _of_what_happened(logit_KN: np.ndarray, y_N: np.ndarray) -> np.ndarray:
    return np.maximum(expit(np.where(y_N > 0.5, 1.0, -1.0) * np.asarray(logit_KN, np.float64)), LEAST)
