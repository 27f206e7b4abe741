"""CSCV against pypbo, purgedcv and R's pbo, a plain loop over splits, and its invariances."""

import json
import os
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeproof.stats.overfit import cscv, dominance

HERE = Path(__file__).parent / "reference"
NOISE = np.loadtxt(HERE / "pbo_matrix_noise.csv", delimiter=",", skiprows=1)
SKILL = NOISE + 0.0012 * (np.arange(12) == 3) + 0.0006 * (np.arange(12) == 7)

KNOWN: dict[str, Any] = json.loads((HERE / "pbo_cscv.json").read_text(encoding="utf-8"))
CASES = [pytest.param(case, id=f"{case['matrix']}{case['columns']}-{case['blocks']}") for case in KNOWN["cases"]]


def matrix_of(case):
    return {"noise": NOISE, "skill": SKILL}[case["matrix"]][:, : case["columns"]]


@pytest.mark.parametrize("case", CASES)
def test_values_of_pypbo(case):
    ours = cscv(matrix_of(case), blocks=case["blocks"])
    assert ours is not None
    assert ours.pbo == pytest.approx(case["pbo"], abs=1e-12)
    assert ours.probability_of_loss == pytest.approx(case["loss"], abs=1e-12)
    assert (ours.slope, ours.intercept) == pytest.approx((case["slope"], case["intercept"]), abs=1e-12)
    assert ours.r2 == pytest.approx(case["correlation"] ** 2, abs=1e-12)
    assert ours.logits.mean() == pytest.approx(case["mean_logit"], abs=1e-12)
    assert np.median(ours.logits) == pytest.approx(case["median_logit"], abs=1e-12)
    assert np.count_nonzero(ours.logits == 0) == case["at_median"]


@pytest.mark.parametrize("case", CASES)
def test_dominance_of_pypbo(case):
    ours = cscv(matrix_of(case), blocks=case["blocks"])
    assert ours is not None
    curves = dominance(matrix_of(case), ours)
    assert curves is not None
    found = (curves.least, curves.most, curves.integral, curves.least_integral)
    assert found == pytest.approx(tuple(case[k] for k in ("least", "most", "integral", "least_integral")), abs=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_conventions_of_purgedcv_and_r_follow_from_the_same_splits(case):
    ours = cscv(matrix_of(case), blocks=case["blocks"])
    assert ours is not None
    assert ours.pbo_strict == pytest.approx(case["strict"], abs=1e-12)
    rank = (ours.trials + 1) / (1 + np.exp(-ours.logits))
    assert (rank / ours.trials <= 0.5).mean() == pytest.approx(case["r_phi"], abs=1e-12)
    assert np.count_nonzero(rank > ours.trials - 0.5) == case["r_infinite"]
    turned = np.polyfit(ours.out_of_sample, ours.in_sample, 1)
    assert tuple(turned) == pytest.approx((case["r_slope"], case["r_intercept"]), abs=1e-12)


@pytest.mark.parametrize("case", KNOWN["splits_of_4_blocks"])
def test_every_split_of_pypbo(case):
    ours = cscv(matrix_of(case), blocks=4)
    assert ours is not None
    chosen, inside, outside, rank, logits = np.array(case["rows"]).T
    assert ours.chosen.tolist() == chosen.tolist()
    np.testing.assert_allclose(ours.in_sample, inside, atol=1e-14)
    np.testing.assert_allclose(ours.out_of_sample, outside, atol=1e-14)
    np.testing.assert_allclose(ours.logits, logits, atol=1e-14)
    np.testing.assert_allclose((ours.trials + 1) / (1 + np.exp(-ours.logits)), rank, atol=1e-12)


def plain_loop(returns, blocks):
    length = len(returns) // blocks
    rows = np.arange(len(returns) - length * blocks, len(returns)).reshape(blocks, length)
    found, others = [], []
    for chosen in combinations(range(blocks), blocks // 2):
        inside, outside = returns[rows[list(chosen)].ravel()], np.delete(rows, chosen, axis=0).ravel()
        a = inside.mean(0) / inside.std(0, ddof=1)
        b = returns[outside].mean(0) / returns[outside].std(0, ddof=1)
        best = a.argmax()
        found.append((1 + (b < b[best]).sum(), a[best], b[best], best))
        others.append(b)
    return np.array(found), np.array(others)


@pytest.mark.parametrize("bars", [160, 163])
def test_a_plain_loop_agrees_on_every_split(bars):
    returns = np.random.default_rng(bars).standard_t(4, (bars, 9))
    found, others = plain_loop(returns, 8)
    rank, inside, outside, best = found.T
    ours = cscv(returns, blocks=8)
    assert ours is not None
    np.testing.assert_allclose(ours.in_sample, inside, atol=1e-12)
    np.testing.assert_allclose(ours.out_of_sample, outside, atol=1e-12)
    np.testing.assert_allclose(ours.logits, np.log(rank / (10 - rank)), atol=1e-12)
    assert ours.chosen.tolist() == best.tolist()
    assert (ours.slope, ours.intercept) == pytest.approx(tuple(np.polyfit(inside, outside, 1)))
    assert ours.r2 == pytest.approx(np.corrcoef(inside, outside)[0, 1] ** 2)
    grid = np.linspace(outside.min(), outside.max(), 1000)
    gap = (others.ravel() <= grid[:, None]).mean(1) - (outside <= grid[:, None] + 1e-12).mean(1)
    curves = dominance(returns, ours)
    assert curves is not None
    assert (curves.least, curves.most) == pytest.approx((gap.min(), gap.max()), abs=1e-12)


def test_bars_before_the_first_whole_block_are_left_out():
    assert_same(cscv(NOISE[7:], blocks=8), cscv(NOISE[8:], blocks=8))


def assert_same(a, b):
    assert a is not None
    assert b is not None
    np.testing.assert_array_equal(a.logits, b.logits)
    assert (a.pbo, a.slope, a.r2) == (b.pbo, b.slope, b.r2)


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


def test_a_trial_that_is_best_everywhere_dominates():
    g = np.random.default_rng(5)
    returns = g.standard_normal((3200, 20)) + 0.5 * (np.arange(20) == 7)
    split = cscv(returns)
    assert split is not None
    curves = dominance(returns, split)
    assert curves is not None
    assert (curves.first_order, curves.second_order) == (True, True)
    assert (split.pbo, split.pbo_strict, set(split.chosen.tolist())) == (0.0, 0.0, {7})


def test_a_choice_with_a_better_mean_that_may_lose_everything_does_not_dominate():
    g = np.random.default_rng(6)
    returns = g.standard_normal((3200, 20)) * 0.1
    returns[:, 0] += np.repeat(np.where(np.arange(16) % 4 == 0, -0.3, 0.2), 200)  # wins often, loses a lot at times
    split = cscv(returns)
    assert split is not None
    curves = dominance(returns, split)
    assert curves is not None
    assert not curves.first_order
    assert not curves.second_order


def test_ties_take_their_mean_rank():
    twins = np.hstack([NOISE[:, :3]] * 2)
    ours = cscv(twins, blocks=6)
    assert ours is not None
    rank = 7 / (1 + np.exp(-ours.logits))
    assert set(np.round(rank, 9)) <= {1.5, 3.5, 5.5}
    assert set(ours.chosen.tolist()) <= {0, 1, 2}  # the first of equal ones
    assert ours.pbo - ours.pbo_strict == pytest.approx((np.round(rank, 9) == 3.5).mean())


def test_flat_trials_have_sharpe_zero():
    alone = cscv(np.zeros((320, 4)))
    assert alone is not None
    assert (alone.pbo, alone.pbo_strict) == (1.0, 0.0)  # all tie at the median
    assert alone.probability_of_loss == 0
    assert (alone.slope, alone.intercept, alone.r2) == (None, None, None)
    assert np.isfinite(alone.logits).all()
    assert dominance(np.zeros((320, 4)), alone) is None
    losers = cscv(np.hstack([np.random.default_rng(0).standard_normal((3200, 3)) - 0.3, np.zeros((3200, 1))]))
    assert losers is not None
    assert losers.probability_of_loss == 0  # not trading is always chosen, and never loses


def test_too_little_to_say():
    assert cscv(np.zeros((320, 1))) is None
    assert cscv(np.zeros((31, 4))) is None
    assert cscv(np.zeros((0, 4))) is None
    with pytest.raises(ValueError, match="halved"):
        cscv(NOISE, blocks=7)


ROUNDS = """
import time, numpy as np
from edgeproof.stats.overfit import cscv
returns = np.random.default_rng(0).standard_normal((2000, 1000))
seconds = []
for _ in range(5):
    start = time.process_time()
    cscv(returns)
    seconds.append(time.process_time() - start)
print(min(seconds))
"""


def test_a_thousand_trials_take_a_fraction_of_a_second_on_one_thread():
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    done = subprocess.run([sys.executable, "-c", ROUNDS], env=os.environ | one, capture_output=True, check=True)
    assert float(done.stdout) < 0.3  # CPU seconds; 0.1 on an idle core, a loop over splits takes 40
