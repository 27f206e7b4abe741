"""The oracle's figures against closed forms of the Gaussian market and against their definitions."""

# N samples

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from edgeproof.truth.figures import capture, oracle_figures

# Model: s is a Gaussian AR(1) of unit variance, r_{t+1} = rho s_t + sqrt(1 - rho^2) e; the label is r > tau and the
# oracle knows s. Accuracy of the sign 1/2 + asin(rho)/pi (Sheppard 1899); AUC 1/2 + (2/pi) asin(rho / sqrt 2), the
# orthant of (s1 - s2, r1, -r2). Log loss, and AUC and best F1 for tau above 0, are quadratures of the same model.


def posterior(rho: float, tau: float = 0.0, count: int = 200_000) -> np.ndarray:
    """P(r > tau | s) at the quantile midpoints of s: no Monte Carlo error."""
    s = norm.ppf((np.arange(count) + 0.5) / count)
    return norm.cdf((rho * s - tau) / np.sqrt(1 - rho**2))


@pytest.mark.parametrize(
    ("rho", "accuracy", "auc", "log_loss"),
    [
        (0.02, 0.50636662, 0.50900346, 0.69301984),
        (0.05, 0.51592213, 0.52251260, 0.69235077),
        (0.1, 0.53188428, 0.54505341, 0.68995390),
        (0.2, 0.56409422, 0.59033447, 0.68024959),
        (0.3, 0.59698669, 0.63608138, 0.66364236),
    ],
)
def test_the_gaussian_market(rho: float, accuracy: float, auc: float, log_loss: float) -> None:
    p = posterior(rho)
    made = oracle_figures(p)
    assert np.maximum(p, 1 - p).mean() == pytest.approx(accuracy, abs=1e-6)
    assert accuracy == pytest.approx(0.5 + np.arcsin(rho) / np.pi, abs=1e-8)
    assert made.auc == pytest.approx(auc, abs=1e-6)
    assert auc == pytest.approx(0.5 + 2 / np.pi * np.arcsin(rho / np.sqrt(2)), abs=1e-8)
    assert made.log_loss == pytest.approx(log_loss, abs=1e-6)


@pytest.mark.parametrize(
    ("rho", "tau", "auc", "best_f1"),
    [
        (0.1, 0.0, 0.54505341, 0.66666676),
        (0.1, 1.0, 0.55113625, 0.27835264),
        (0.2, 0.5, 0.59333894, 0.47964290),
        (0.3, 0.0, 0.63608138, 0.67260134),
        (0.5, 0.5, 0.73654728, 0.56120924),
    ],
)
def test_labels_above_a_threshold(rho: float, tau: float, auc: float, best_f1: float) -> None:
    made = oracle_figures(posterior(rho, tau))
    assert made.auc == pytest.approx(auc, abs=1e-6)
    assert made.f1_plus == pytest.approx(best_f1, abs=1e-6)


def test_a_simulated_market_agrees_with_the_closed_form() -> None:
    rng, rho, phi = np.random.default_rng(5), 0.2, 0.9
    s = np.empty(200_000)
    s[0] = 0.0
    shocks = np.sqrt(1 - phi**2) * rng.standard_normal(s.size)
    for t in range(1, s.size):
        s[t] = phi * s[t - 1] + shocks[t]
    made = oracle_figures(norm.cdf(rho * s / np.sqrt(1 - rho**2)), score=s)
    assert made.auc == pytest.approx(0.59033447, abs=0.002)  # 200,000 bars are 10,500 independent ones: s.e. .0006
    assert made.auc_share == pytest.approx(1.0)


probabilities = st.lists(st.integers(0, 1000).map(lambda n: n / 1000), min_size=3, max_size=12)


@given(probabilities, st.data())
def test_no_score_beats_the_oracle(values: list[float], data: st.DataObject) -> None:
    p = np.array(values)
    score = np.array(data.draw(st.lists(st.integers(-9, 9), min_size=len(p), max_size=len(p))), dtype=float)
    made = oracle_figures(p, score)
    if made.auc is None or made.model_auc is None:
        return
    assert made.model_auc <= made.auc + 1e-12
    assert oracle_figures(p, -score).model_auc == pytest.approx(1 - made.model_auc, abs=1e-9)


def test_soft_auc_by_hand() -> None:
    p = np.array([0.2, 0.5, 0.9])
    made = oracle_figures(p, score=np.array([1.0, 3.0, 2.0]))
    pairs = [(i, j) for i, j in product(range(3), repeat=2) if i != j]
    weight = {(i, j): p[i] * (1 - p[j]) for i, j in pairs}
    assert made.auc == pytest.approx(sum(weight[i, j] for i, j in pairs if i > j) / sum(weight.values()))
    ordered = {(1, 0), (2, 0), (1, 2)}
    assert made.model_auc == pytest.approx(sum(weight[pair] for pair in ordered) / sum(weight.values()))
    assert made.auc is not None
    assert made.model_auc is not None
    assert made.auc_share == pytest.approx((made.model_auc - 0.5) / (made.auc - 0.5))


def test_f1_and_log_loss_by_hand() -> None:
    made = oracle_figures(np.array([0.2, 0.5, 0.9]))
    # called positive: the top 1, 2 or 3; expected true positives .9, 1.4, 1.6 of 1.6
    assert made.f1_plus == pytest.approx(max(2 * 0.9 / 2.6, 2 * 1.4 / 3.6, 2 * 1.6 / 4.6))
    entropy = [-q * np.log(q) - (1 - q) * np.log(1 - q) for q in (0.2, 0.5, 0.9)]
    assert made.log_loss == pytest.approx(np.mean(entropy))


def test_capture() -> None:
    assert capture(0.53, 0.56) == pytest.approx(0.5)
    assert capture(0.56, 0.56) == 1.0
    assert capture(0.47, 0.56) == pytest.approx(-0.5)
    assert capture(0.52, 0.5004) is None
    assert capture(None, 0.56) is None
    assert capture(0.5, None) is None


def test_nothing_to_know() -> None:
    empty = oracle_figures(np.array([]))
    assert (empty.auc, empty.log_loss, empty.f1_plus, empty.auc_share) == (None, None, None, None)
    coin = oracle_figures(np.full(50, 0.5), score=np.arange(50.0))
    assert coin.auc == pytest.approx(0.5)
    assert coin.auc_share is None
    assert coin.log_loss == pytest.approx(np.log(2))
    certain = oracle_figures(np.array([0.0, 1.0, 1.0]))
    assert certain.auc == 1.0
    assert certain.log_loss == 0.0


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="2"):
        oracle_figures(np.array([0.4, 0.6]), np.array([1.0, 2.0, 3.0]))
