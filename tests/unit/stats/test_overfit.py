"""CSCV against pypbo, purgedcv and R's pbo, a plain loop over splits, and its invariances."""

import os
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from edgeproof.stats.overfit import cscv, dominance

NOISE = np.loadtxt(Path(__file__).parent / "reference" / "pbo_matrix_noise.csv", delimiter=",", skiprows=1)
SKILL = NOISE + 0.0012 * (np.arange(12) == 3) + 0.0006 * (np.arange(12) == 7)


class Case(NamedTuple):
    """By pypbo (github esvhd/pypbo @ddbc631), metric mean / std ddof 1, threshold 0."""

    matrix: np.ndarray
    blocks: int
    pbo: float
    loss: float
    slope: float
    intercept: float
    correlation: float
    mean_logit: float
    median_logit: float
    at_median: int


class Curves(NamedTuple):
    """Dominance by pypbo (differences of its distribution functions), purgedcv 0.1.11, R's pbo 1.3.5 in NumPy."""

    matrix: np.ndarray
    blocks: int
    least: float
    most: float
    integral: float
    least_integral: float
    strict: float  # purgedcv counts logits below 0 only
    phi: float  # R: omega = rank / N
    infinite: int  # R: logits of the best of N
    intercept_of_inside_on_outside: float  # R regresses the other way round
    slope_of_inside_on_outside: float


CASES = [
    Case(
        NOISE,
        4,
        0.3333333333333333,
        0.3333333333333333,
        -1.9263802490054163,
        0.20095806035544106,
        -0.9773093119380812,
        0.3563803402837953,
        0.6790617420765972,
        0,
    ),
    Case(
        NOISE,
        6,
        0.6500000000000001,
        0.7,
        -1.3255167638069187,
        0.0886271103256715,
        -0.6113005206876827,
        -0.6279622261695647,
        -0.6404669227310321,
        0,
    ),
    Case(
        NOISE,
        8,
        0.5999999999999999,
        0.6428571428571429,
        -1.4815800201664417,
        0.11991906652558965,
        -0.6799874800923135,
        -0.359410740151176,
        -0.47000362924573547,
        0,
    ),
    Case(
        NOISE,
        10,
        0.6388888888888888,
        0.6785714285714286,
        -1.313475898512483,
        0.09482603157413527,
        -0.6172200360051714,
        -0.431485215255229,
        -0.8109302162163288,
        0,
    ),
    Case(
        NOISE,
        12,
        0.5303030303030303,
        0.5703463203463204,
        -1.027424575753118,
        0.08579930575359862,
        -0.556229930471014,
        -0.1066923266421948,
        -0.15415067982725822,
        0,
    ),
    Case(
        SKILL,
        4,
        0.3333333333333333,
        0.3333333333333333,
        -1.452552109597188,
        0.1935236831837725,
        -0.4075270818823914,
        -0.026000708079430113,
        0.312077154536497,
        0,
    ),
    Case(
        SKILL,
        6,
        0.35,
        0.35,
        -1.2646637171818407,
        0.19746312985287975,
        -0.4212963263788869,
        0.47963866967558866,
        0.6404669227310322,
        0,
    ),
    Case(
        SKILL,
        8,
        0.4285714285714286,
        0.45714285714285713,
        -0.5983607566974303,
        0.0947321694392092,
        -0.19302790401558956,
        0.2644796874912408,
        0.47000362924573574,
        0,
    ),
    Case(
        SKILL,
        10,
        0.42460317460317454,
        0.42857142857142855,
        -0.9291568152321085,
        0.14227898747654494,
        -0.29055822658492636,
        0.43466699570361317,
        0.8109302162163288,
        0,
    ),
    Case(
        SKILL,
        12,
        0.3203463203463204,
        0.3235930735930736,
        -0.9303224775456429,
        0.16185539663969997,
        -0.3273261340826675,
        0.7592522358004401,
        1.2039728043259361,
        0,
    ),
    Case(
        NOISE[:, :11],
        4,
        0.5,
        0.3333333333333333,
        -1.9263802490054163,
        0.20095806035544106,
        -0.9773093119380812,
        0.3145116081720632,
        0.5493061443340549,
        1,
    ),
    Case(
        NOISE[:, :11],
        6,
        0.7000000000000002,
        0.7,
        -1.4666241192712788,
        0.11029235491913472,
        -0.7350138232205451,
        -0.5118222984928773,
        -0.33647223662121284,
        3,
    ),
    Case(
        NOISE[:, :11],
        8,
        0.6285714285714286,
        0.6428571428571429,
        -1.4815800201664417,
        0.11991906652558965,
        -0.6799874800923135,
        -0.4075660567923648,
        -0.6931471805599454,
        2,
    ),
    Case(
        NOISE[:, :11],
        10,
        0.6785714285714286,
        0.6666666666666666,
        -1.409825397225514,
        0.1064765855597454,
        -0.6651429308231483,
        -0.41762338024351003,
        -0.6931471805599454,
        14,
    ),
    Case(
        NOISE[:, :11],
        12,
        0.5649350649350648,
        0.566017316017316,
        -1.066939729128999,
        0.09064007245009503,
        -0.5870561580812251,
        -0.1405885317766982,
        -0.33647223662121284,
        55,
    ),
    Case(
        NOISE[:, :5],
        4,
        0.5,
        0.3333333333333333,
        -1.9263802490054163,
        0.20095806035544106,
        -0.9773093119380812,
        0.1527151219790259,
        -1.1102230246251565e-16,
        0,
    ),
    Case(
        NOISE[:, :5],
        6,
        0.9000000000000001,
        0.5,
        -1.4911357405901853,
        0.13568502480459457,
        -0.7761601141683157,
        -0.3577307678456832,
        -0.6931471805599454,
        7,
    ),
    Case(
        NOISE[:, :5],
        8,
        0.7142857142857142,
        0.5,
        -1.465770363581803,
        0.13516932818465435,
        -0.7500534784690215,
        -0.11882523095313349,
        0.0,
        18,
    ),
    Case(
        NOISE[:, :5],
        10,
        0.6468253968253967,
        0.42857142857142855,
        -1.44010748775386,
        0.13531321266738897,
        -0.7796533151470089,
        0.0343074231597666,
        0.0,
        64,
    ),
    Case(
        NOISE[:, :5],
        12,
        0.7121212121212122,
        0.43722943722943725,
        -1.283010122718131,
        0.12459652489788214,
        -0.7458421646574025,
        -0.028217903852629525,
        0.0,
        283,
    ),
]
CURVES = [
    Curves(
        NOISE,
        4,
        -0.25,
        0.3194444444444444,
        0.0022596931287685376,
        -0.015069719653209027,
        0.3333333333333333,
        0.3333333333333333,
        2,
        0.10456488795337643,
        -0.4958177346834915,
    ),
    Curves(
        NOISE,
        6,
        -0.2583333333333333,
        -0.004166666666666673,
        -0.03267400353142086,
        -0.03267400353142088,
        0.65,
        0.65,
        0,
        0.08990654685032724,
        -0.2819189743928922,
    ),
    Curves(
        NOISE,
        8,
        -0.1642857142857143,
        0.02857142857142858,
        -0.016536391408722158,
        -0.01653639140872217,
        0.6,
        0.6,
        2,
        0.09156524350037346,
        -0.31208774874700995,
    ),
    Curves(
        NOISE,
        10,
        -0.21660052910052902,
        0.02347883597883598,
        -0.028054808691102856,
        -0.02805480869110286,
        0.6388888888888888,
        0.6388888888888888,
        12,
        0.09059319041786247,
        -0.2900400176947781,
    ),
    Curves(
        NOISE,
        12,
        -0.07449494949494939,
        0.024981962481962466,
        -0.004384179337024795,
        -0.004384179337024795,
        0.5303030303030303,
        0.5303030303030303,
        24,
        0.09361353163254865,
        -0.3011332830198267,
    ),
    Curves(
        SKILL,
        4,
        -0.25,
        0.125,
        -0.014703670286917426,
        -0.015810281500668738,
        0.3333333333333333,
        0.3333333333333333,
        0,
        0.14088085263207573,
        -0.11433553493212238,
    ),
    Curves(
        SKILL,
        6,
        -0.07916666666666666,
        0.27083333333333337,
        0.019192846273171534,
        -0.0026792354089043204,
        0.35,
        0.35,
        4,
        0.14024854975092074,
        -0.1403460795221225,
    ),
    Curves(
        SKILL,
        8,
        -0.07500000000000001,
        0.19404761904761914,
        0.008698934521751269,
        -0.002820983331363268,
        0.42857142857142855,
        0.42857142857142855,
        10,
        0.13543281382414832,
        -0.06226974498511871,
    ),
    Curves(
        SKILL,
        10,
        -0.05787037037037038,
        0.21097883597883615,
        0.014469605505259255,
        -0.002152758401315946,
        0.4246031746031746,
        0.4246031746031746,
        48,
        0.13397973900499116,
        -0.09086096302817068,
    ),
    Curves(
        SKILL,
        12,
        -0.0063131313131312705,
        0.2919372294372295,
        0.036648430337972604,
        0.0,
        0.3203463203463203,
        0.3203463203463203,
        226,
        0.13397955012357618,
        -0.11516694548342551,
    ),
    Curves(
        NOISE[:, :11],
        4,
        -0.24242424242424246,
        0.303030303030303,
        0.00011832574928823808,
        -0.015348973478185222,
        0.3333333333333333,
        0.3333333333333333,
        2,
        0.10456488795337643,
        -0.4958177346834915,
    ),
    Curves(
        NOISE[:, :11],
        6,
        -0.25,
        0.013636363636363627,
        -0.027467950787403012,
        -0.02746795078740305,
        0.55,
        0.55,
        0,
        0.08811094332883501,
        -0.3683597680049844,
    ),
    Curves(
        NOISE[:, :11],
        8,
        -0.17402597402597408,
        0.03246753246753247,
        -0.018633364778247705,
        -0.01863336477824772,
        0.6,
        0.6,
        2,
        0.09156524350037346,
        -0.31208774874700995,
    ),
    Curves(
        NOISE[:, :11],
        10,
        -0.2182539682539682,
        0.025974025974025976,
        -0.02887782105136809,
        -0.028877821051368113,
        0.623015873015873,
        0.623015873015873,
        14,
        0.09015441735428371,
        -0.31380844698546695,
    ),
    Curves(
        NOISE[:, :11],
        12,
        -0.08362849271940187,
        0.03256591892955528,
        -0.005612741515628303,
        -0.005612741515628302,
        0.5054112554112554,
        0.5054112554112554,
        24,
        0.09354654247562465,
        -0.3230125595027121,
    ),
    Curves(
        NOISE[:, :5],
        4,
        -0.1666666666666667,
        0.23333333333333328,
        -0.0059071854836977,
        -0.011377172493743174,
        0.5,
        0.5,
        2,
        0.10456488795337643,
        -0.4958177346834915,
    ),
    Curves(
        NOISE[:, :5],
        6,
        -0.29999999999999993,
        0.06,
        -0.007893406460599054,
        -0.00789340646059904,
        0.55,
        0.55,
        0,
        0.09519757572651719,
        -0.404003811609623,
    ),
    Curves(
        NOISE[:, :5],
        8,
        -0.17428571428571438,
        0.08,
        -0.003652648091269358,
        -0.003652648091269358,
        0.45714285714285713,
        0.45714285714285713,
        4,
        0.0937615156648408,
        -0.38381197665147226,
    ),
    Curves(
        NOISE[:, :5],
        10,
        -0.11190476190476184,
        0.08968253968253968,
        0.0018090623909115897,
        0.0,
        0.39285714285714285,
        0.39285714285714285,
        30,
        0.09335263527030735,
        -0.4220930013826962,
    ),
    Curves(
        NOISE[:, :5],
        12,
        -0.12575757575757585,
        0.10952380952380952,
        0.001932763415398088,
        0.0,
        0.40584415584415584,
        0.40584415584415584,
        92,
        0.09651777405800259,
        -0.4335745484239263,
    ),
]
# every one of the six splits by pypbo, S = 4: best trial, its ratio in and out of sample, rank from below, logit
SPLITS = [
    (
        NOISE,
        [
            (4, 0.1559889921364807, -0.123134715656404, 2.0, -1.7047480922384253),
            (4, 0.17383265229659223, -0.1321643578690334, 1.0, -2.4849066497880004),
            (0, 0.06359780552502976, 0.06787897427381386, 12.0, 2.4849066497880012),
            (0, 0.06787897427381386, 0.06359780552502976, 12.0, 2.4849066497880012),
            (0, 0.1195175327800505, 0.005750144910862345, 7.0, 0.15415067982725822),
            (0, 0.07798070447249517, 0.05472763415400237, 10.0, 1.2039728043259361),
        ],
    ),
    (
        SKILL,
        [
            (4, 0.1559889921364807, -0.123134715656404, 2.0, -1.7047480922384253),
            (4, 0.17383265229659223, -0.1321643578690334, 1.0, -2.4849066497880004),
            (7, 0.10386246293192088, 0.0077946665085220366, 8.0, 0.47000362924573574),
            (3, 0.1611314283401238, 0.07100186495570765, 11.0, 1.7047480922384253),
            (0, 0.1195175327800505, 0.005750144910862345, 7.0, 0.15415067982725822),
            (3, 0.14009407012539324, 0.09079455356712061, 11.0, 1.7047480922384253),
        ],
    ),
    (
        NOISE[:, :5],
        [
            (4, 0.1559889921364807, -0.123134715656404, 2.0, -0.6931471805599454),
            (4, 0.17383265229659223, -0.1321643578690334, 1.0, -1.6094379124341005),
            (0, 0.06359780552502976, 0.06787897427381386, 5.0, 1.6094379124341007),
            (0, 0.06787897427381386, 0.06359780552502976, 5.0, 1.6094379124341007),
            (0, 0.1195175327800505, 0.005750144910862345, 2.0, -0.6931471805599454),
            (0, 0.07798070447249517, 0.05472763415400237, 4.0, 0.6931471805599452),
        ],
    ),
]


@pytest.mark.parametrize("case", CASES)
def test_values_of_pypbo(case):
    ours = cscv(case.matrix, blocks=case.blocks)
    assert ours is not None
    assert ours.pbo == pytest.approx(case.pbo, abs=1e-12)
    assert ours.probability_of_loss == pytest.approx(case.loss, abs=1e-12)
    assert (ours.slope, ours.intercept) == pytest.approx((case.slope, case.intercept), abs=1e-12)
    assert ours.r2 == pytest.approx(case.correlation**2, abs=1e-12)
    assert ours.logits.mean() == pytest.approx(case.mean_logit, abs=1e-12)
    assert np.median(ours.logits) == pytest.approx(case.median_logit, abs=1e-12)
    assert np.count_nonzero(ours.logits == 0) == case.at_median


@pytest.mark.parametrize("case", CURVES)
def test_dominance_of_pypbo_and_the_conventions_of_others(case):
    ours = cscv(case.matrix, blocks=case.blocks)
    assert ours is not None
    curves = dominance(case.matrix, ours)
    assert curves is not None
    assert (curves.least, curves.most) == pytest.approx((case.least, case.most), abs=1e-12)
    assert (curves.integral, curves.least_integral) == pytest.approx((case.integral, case.least_integral), abs=1e-12)
    assert ours.pbo_strict == pytest.approx(case.strict, abs=1e-12)
    rank = np.round(ours.trials + 1) / (1 + np.exp(-ours.logits))
    assert (rank / ours.trials <= 0.5).mean() == pytest.approx(case.phi, abs=1e-12)
    assert np.count_nonzero(rank > ours.trials - 0.5) == case.infinite
    slope, intercept = np.polyfit(ours.out_of_sample, ours.in_sample, 1)
    assert slope == pytest.approx(case.slope_of_inside_on_outside, abs=1e-12)
    assert intercept == pytest.approx(case.intercept_of_inside_on_outside, abs=1e-12)


@pytest.mark.parametrize(("matrix", "splits"), SPLITS)
def test_every_split_of_pypbo(matrix, splits):
    ours = cscv(matrix, blocks=4)
    assert ours is not None
    chosen, inside, outside, rank, logits = np.array(splits).T
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
