"""CSCV against pypbo's values, a plain loop over splits, and its invariances."""

import time
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from edgeproof.stats.overfit import cscv

NOISE = np.loadtxt(Path(__file__).parent / "reference" / "pbo_matrix_noise.csv", delimiter=",", skiprows=1)
SKILL = NOISE + 0.0012 * (np.arange(12) == 3) + 0.0006 * (np.arange(12) == 7)

# pypbo (github esvhd/pypbo @ddbc631), metric mean/std ddof 1: S, PBO, probability of loss, slope, mean logit
VALUES = [
    (NOISE, 4, 0.3333333333333333, 0.3333333333333333, -1.9263802490054163, 0.3563803402837953),
    (NOISE, 6, 0.65, 0.7, -1.3255167638069187, -0.6279622261695647),
    (NOISE, 8, 0.6, 0.6428571428571429, -1.4815800201664417, -0.359410740151176),
    (NOISE, 10, 0.6388888888888888, 0.6785714285714286, -1.313475898512483, -0.431485215255229),
    (NOISE, 12, 0.5303030303030303, 0.5703463203463204, -1.027424575753118, -0.1066923266421948),
    (SKILL, 6, 0.35, 0.35, -1.2646637171818407, 0.47963866967558866),
    (SKILL, 10, 0.42460317460317454, 0.42857142857142855, -0.9291568152321085, 0.43466699570361317),
    (NOISE[:, :11], 8, 0.6285714285714286, 0.6428571428571429, -1.4815800201664417, -0.4075660567923648),
    (NOISE[:, :5], 10, 0.6468253968253967, 0.42857142857142855, -1.44010748775386, 0.0343074231597666),
]


@pytest.mark.parametrize(("matrix", "blocks", "pbo", "loss", "slope", "logit"), VALUES)
def test_values_of_pypbo(matrix, blocks, pbo, loss, slope, logit):
    ours = cscv(matrix, blocks=blocks)
    assert ours is not None
    assert ours.pbo == pytest.approx(pbo, abs=1e-12)
    assert ours.probability_of_loss == pytest.approx(loss, abs=1e-12)
    assert ours.slope == pytest.approx(slope, abs=1e-9)
    assert ours.logits.mean() == pytest.approx(logit, abs=1e-12)


def plain_loop(returns, blocks):
    length = len(returns) // blocks
    rows = np.arange(len(returns) - length * blocks, len(returns)).reshape(blocks, length)
    found = []
    for chosen in combinations(range(blocks), blocks // 2):
        inside, outside = returns[rows[list(chosen)].ravel()], np.delete(rows, chosen, axis=0).ravel()
        a = inside.mean(0) / inside.std(0, ddof=1)
        b = returns[outside].mean(0) / returns[outside].std(0, ddof=1)
        best = a.argmax()
        found.append((1 + (b < b[best]).sum(), a[best], b[best]))
    return np.array(found)


@pytest.mark.parametrize("bars", [160, 163])
def test_a_plain_loop_agrees_on_every_split(bars):
    returns = np.random.default_rng(bars).standard_t(4, (bars, 9))
    rank, inside, outside = plain_loop(returns, 8).T
    ours = cscv(returns, blocks=8)
    assert ours is not None
    np.testing.assert_allclose(ours.in_sample, inside, atol=1e-12)
    np.testing.assert_allclose(ours.out_of_sample, outside, atol=1e-12)
    np.testing.assert_allclose(ours.logits, np.log(rank / (10 - rank)), atol=1e-12)


def test_order_and_scale_of_trials_do_not_matter():
    g = np.random.default_rng(2)
    a, b = cscv(NOISE), cscv((NOISE * g.uniform(0.1, 10, 12))[:, g.permutation(12)])
    assert a is not None
    assert b is not None
    assert (a.pbo, a.probability_of_loss) == (b.pbo, b.probability_of_loss)


def test_probability_of_loss_tells_a_shared_edge_from_noise_where_pbo_cannot():
    g = np.random.default_rng(4)
    noise = g.standard_normal((4000, 40))
    lost, shared = cscv(noise), cscv(noise + 0.08)
    assert lost is not None
    assert shared is not None
    assert lost.probability_of_loss > 0.3
    assert shared.probability_of_loss < 0.05
    assert shared.pbo > 0.25  # equally good trials: which one wins is a coin flip


def test_flat_trials_have_sharpe_zero():
    alone = cscv(np.zeros((320, 4)))
    assert alone is not None
    assert alone.probability_of_loss == 0
    assert alone.slope is None
    assert np.isfinite(alone.logits).all()
    losers = cscv(np.hstack([np.random.default_rng(0).standard_normal((3200, 3)) - 0.3, np.zeros((3200, 1))]))
    assert losers is not None
    assert losers.probability_of_loss == 0  # not trading is always chosen, and never loses


def test_too_little_to_say():
    assert cscv(np.zeros((320, 1))) is None
    assert cscv(np.zeros((31, 4))) is None
    with pytest.raises(ValueError, match="halved"):
        cscv(NOISE, blocks=7)


def test_a_thousand_trials_are_fast():
    returns = np.random.default_rng(0).standard_normal((2000, 1000))
    seconds = []
    for _ in range(3):
        start = time.process_time()
        cscv(returns)
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.6  # 0.12 s on an idle core, a loop over splits takes 36 s
