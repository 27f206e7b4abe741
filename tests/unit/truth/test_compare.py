"""Three forecasts side by side: figures by hand, errors against many samples, and the logistic of one number."""

# N samples

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from edgeproof.core.rng import Rng
from edgeproof.truth.compare import BLOCKS, Sample, compare, from_volatility
from edgeproof.truth.simulate import FEWEST_PATHS, MOST_PATHS, choose_size
from edgeproof.truth.smooth import smooth


def made(seed: int, count: int = 4_000, spread: float = 0.3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log odds, their probabilities, and a worse forecast."""
    draw = np.random.default_rng(seed)
    odds = spread * draw.standard_normal(count)
    p = 1.0 / (1.0 + np.exp(-odds))
    return odds, p, 1.0 / (1.0 + np.exp(-odds - spread * draw.standard_normal(count)))


def test_the_best_the_model_and_their_share() -> None:
    _, p, worse = made(1)
    block = np.arange(len(p)) * BLOCKS // len(p)
    body = compare(Sample(p[None], p[None], block, {"model": worse, "coin": np.full(len(p), 0.5)}))
    assert body["log_loss"] == pytest.approx(np.mean(-p * np.log(p) - (1 - p) * np.log(1 - p)))
    assert body["model_log_loss"] > body["log_loss"]
    assert body["model_share"] == pytest.approx((body["model_auc"] - 0.5) / (body["auc"] - 0.5))
    assert body["model_share"] == pytest.approx(0.7, abs=0.05)  # noise of equal size: correlation 1 / sqrt 2
    assert (body["coin_auc"], body["coin_share"]) == (0.5, 0.0)
    assert body["coin_log_loss"] == pytest.approx(np.log(2))


def test_the_error_is_the_spread_over_samples() -> None:
    """Jackknife over blocks against the standard deviation over 60 samples, with outcomes of two futures each."""
    figures, errors = [], []
    for seed in range(60):
        _, p, _ = made(seed, 2_000)
        truth = np.random.default_rng(1_000 + seed).binomial(2, p, (2, len(p))) / 2
        body = compare(Sample(truth, np.stack([p, p]), np.arange(len(p)) * BLOCKS // len(p), {}))
        figures.append(body["auc"])
        errors.append(body["auc_error"])
    assert np.mean(errors) == pytest.approx(np.std(figures, ddof=1), rel=0.3)


def test_volatility_alone_is_the_logistic_regression_of_it() -> None:
    odds, _, _ = made(3, 3_000)
    label = np.random.default_rng(4).random(3_000) < 1.0 / (1.0 + np.exp(-(0.4 + 1.5 * odds)))
    ours = from_volatility(odds, label.astype(np.float64))
    theirs = LogisticRegression(C=1e12, tol=1e-10).fit(odds[:, None], label).predict_proba(odds[:, None])[:, 1]
    assert ours == pytest.approx(theirs, abs=1e-5)
    assert from_volatility(np.full(50, 2.0), np.full(50, 0.3)) == pytest.approx(np.full(50, 0.3), abs=1e-6)


def test_smoothing_finds_a_smooth_truth_that_outcomes_hide() -> None:
    draw = np.random.default_rng(5)
    x = draw.standard_normal((20_000, 4))
    p = 0.3 + 0.1 * np.tanh(x[:, 0]) + 0.05 * np.tanh(x[:, 0]) * np.tanh(x[:, 1])
    share = draw.binomial(2, p, (2, len(p))) / 2
    fit = smooth(x, share)
    for side in (0, 1):
        assert np.corrcoef(fit[side], p)[0, 1] > 0.97
        assert np.corrcoef(share[side], p)[0, 1] < 0.5
        assert np.sqrt(np.mean((fit[side] - p) ** 2)) < 0.025
    assert smooth(np.ones((50, 3)), np.full((1, 50), 0.4)) == pytest.approx(np.full((1, 50), 0.4))


@given(st.integers(1, 20_000), st.integers(1, 200), st.integers(1, 300), st.integers(10_000, 5_000_000))
def test_what_is_simulated_stays_within_its_budget(bars: int, symbols: int, horizon: int, budget: int) -> None:
    size = choose_size(bars, symbols, horizon, budget)
    assert 1 <= size.bars <= bars
    assert FEWEST_PATHS <= size.paths <= MOST_PATHS
    assert size.paths % 2 == 0
    least = FEWEST_PATHS * symbols * (horizon + 1)
    assert size.bars * size.paths * symbols * (horizon + 1) <= max(budget, least)
    assert Rng(0).child("bars").numpy().choice(bars, size.bars, replace=False).size == size.bars
