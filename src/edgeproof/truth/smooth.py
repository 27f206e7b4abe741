"""A smooth probability from few noisy outcomes: ridge regression on polynomials of the generator's state.

The truth is smooth in a Markov state, so a fit over all states knows more of one state than its own few futures do. The
terms and the penalty are chosen by generalised cross-validation (Golub, Heath & Wahba 1979).
"""

# N samples, D regressors, P terms

from itertools import combinations_with_replacement

import numpy as np

__all__ = ["smooth"]

DEGREE_OF_FIRST_TWO = 5  # reference figure: beats the nested estimate of 60 futures
DEGREE = 3
MOST_CROSSED = 5  # more regressors than this get squares and products only
PENALTIES = np.logspace(-6, 3, 37)  # of standardised terms, times N
CLIP = 4.0  # regressors end there, in standard deviations: a polynomial of degree 5 is wild beyond
EDGE = 1e-4


def _terms(x_ND: np.ndarray, wide: int) -> np.ndarray:
    """f64[N, P] standardised products of the regressors, all of degree `wide`; constants left out."""
    spread = x_ND.std(axis=0)
    kept = spread > 1e-9 * np.maximum(np.abs(x_ND).max(axis=0), 1e-300)
    z = np.clip((x_ND[:, kept] - x_ND[:, kept].mean(axis=0)) / spread[kept], -CLIP, CLIP)
    D = z.shape[1]
    chosen = [c for degree in range(1, wide + 1) for c in combinations_with_replacement(range(D), degree)]
    more = range(wide + 1, DEGREE_OF_FIRST_TWO + 1)
    chosen += [c for degree in more for c in combinations_with_replacement(range(min(2, D)), degree)]
    if not chosen or not D:
        return np.zeros((len(x_ND), 0))
    terms = np.stack([z[:, list(c)].prod(axis=1) for c in chosen], axis=1)
    terms = terms - terms.mean(axis=0)
    size = np.sqrt((terms**2).mean(axis=0))
    return terms[:, size > 1e-9] / size[size > 1e-9]


def smooth(x_ND: np.ndarray, share_RN: np.ndarray) -> np.ndarray:
    """Fitted probabilities f64[R, N], within 0 and 1, of R sets of outcomes at the same N states.

    Two sets of terms are tried, the first two regressors alone and all of them, each with every penalty.

    Args:
        x_ND: regressors; the first two get the highest powers.
        share_RN: observed shares of positives.
    """
    x = np.asarray(x_ND, dtype=np.float64)
    wide = DEGREE if x.shape[1] <= MOST_CROSSED else 2
    tried = [_fits(_terms(x[:, :2], DEGREE_OF_FIRST_TWO), share_RN), _fits(_terms(x, wide), share_RN)]
    fitted = [min(pairs, key=lambda pair: pair[0])[1] for pairs in zip(*tried, strict=True)]
    return np.clip(np.stack(fitted), EDGE, 1.0 - EDGE)


def _fits(x: np.ndarray, share_RN: np.ndarray) -> list[tuple[float, np.ndarray]]:
    """Score and fit of each set of outcomes at its best penalty."""
    N = len(x)
    root, basis = np.linalg.eigh(x.T @ x / N)
    root = np.maximum(root, 0.0)
    found = []
    for share in share_RN:
        mean = share.mean()
        along = basis.T @ (x.T @ (share - mean)) / N
        total = ((share - mean) ** 2).mean()
        scores = [_score(root, along, total, N, penalty) for penalty in PENALTIES]
        best = int(np.argmin(scores))
        found.append((scores[best], mean + x @ (basis @ (along / (root + PENALTIES[best])))))
    return found


def _score(root: np.ndarray, along: np.ndarray, total: float, N: int, penalty: float) -> float:
    """Generalised cross-validation: mean squared residual over (1 - effective terms / N)^2."""
    shrunk = along / (root + penalty)
    residual = total - 2.0 * (shrunk * along).sum() + (root * shrunk**2).sum()
    used = (root / (root + penalty)).sum() + 1.0
    return float(residual / (1.0 - used / N) ** 2)
