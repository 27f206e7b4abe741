"""Reality check, SPA and StepM: every deterministic value of the reference, p-values within Monte Carlo error.

The references are the tests as published, `error="bootstrap"`; the default differs in each model's scale alone.
"""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.stats.bootstrap import variance_of_mean
from edgeproof.stats.dependence import long_run_variance
from edgeproof.stats.spa import Error, reality_check, step_m, superior_ability

FOLDER = Path(__file__).parent / "reference"
LOSSES = np.loadtxt(FOLDER / "spa_losses.csv", delimiter=",", skiprows=1)
HETERO = np.loadtxt(FOLDER / "spa_lossdiff_hetero.csv", delimiter=",", skiprows=1)
EXCESS = LOSSES[:, :1] - LOSSES[:, 1:]
MEAN = [
    -0.011003945850000004,
    -0.0691093289,
    0.0888526551,
    -0.017956614849999993,
    -0.020197871699999995,
    0.045407242925,
    -0.29293235825,
    -0.004577825725000011,
]
OMEGA2 = {
    5: [
        0.6155693810099883,
        0.5736820695335376,
        0.4954562918742449,
        0.5044113743271771,
        0.5679587689890347,
        0.6785397321400781,
        0.5607962327722401,
        0.4653940902321887,
    ],
    10: [
        0.6724896998949985,
        0.6931480523416949,
        0.5969677532464868,
        0.5553989208643442,
        0.583442059733382,
        0.715969075961602,
        0.609160003059382,
        0.44017737103705523,
    ],
    20: [
        0.6637606677534973,
        0.9006701448695262,
        0.6800316080143355,
        0.6375420613962887,
        0.5726063934208222,
        0.7108510131294864,
        0.614333240256425,
        0.41719604468573607,
    ],
}
T = {
    5: [
        -0.28050456631237014,
        -1.8248662250289185,
        2.5246299595075308,
        -0.5056639905389364,
        -0.5360153171184415,
        1.1024717936302004,
        -7.823386743154789,
        -0.13420812808434202,
    ],
    10: [
        -0.2683710230742128,
        -1.6601742279468021,
        2.2999848191189547,
        -0.4818944754467004,
        -0.5288551500950248,
        1.0732675435319703,
        -7.50639913838758,
        -0.1379988269942129,
    ],
    20: [
        -0.27012991581848217,
        -1.4564104546108507,
        2.1549433412224155,
        -0.44977989849626243,
        -0.5338355706520741,
        1.0771243283505365,
        -7.474727011927782,
        -0.14174872455030327,
    ],
}
KEPT = [True, True, True, True, True, True, False, True]


def spa(excess, block=10, repetitions=99, seed=0, error: Error = "bootstrap"):
    g = np.random.default_rng(seed)
    found = superior_ability(excess, g, block_bars=block, repetitions=repetitions, error=error)
    assert found is not None
    return found


def check(excess, block=10, repetitions=99, seed=0, error: Error = "bootstrap"):
    g = np.random.default_rng(seed)
    found = reality_check(excess, g, block_bars=block, repetitions=repetitions, error=error)
    assert found is not None
    return found


def steps(excess, block=10, repetitions=99, seed=0, error: Error = "bootstrap"):
    g = np.random.default_rng(seed)
    found = step_m(excess, g, block_bars=block, repetitions=repetitions, error=error)
    assert found is not None
    return found


def filtered(z, rho):
    x = z.copy()
    for t in range(1, len(z)):
        x[t] += rho * x[t - 1]
    return x


@pytest.mark.parametrize("block", [5, 10, 20])
def test_deterministic_values(block):
    found = spa(EXCESS, block)
    np.testing.assert_allclose(EXCESS.mean(0), MEAN, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.omega2, OMEGA2[block], rtol=1e-12)
    np.testing.assert_allclose(found.t, T[block], rtol=1e-12)
    assert found.recentred.tolist() == KEPT
    assert found.statistic == pytest.approx(T[block][2], abs=1e-12)


def test_statistic_of_the_reality_check():
    assert (check(EXCESS).statistic, check(EXCESS).best) == (pytest.approx(1.777053102, abs=1e-12), 2)


def close(p, reference, repetitions, theirs):
    return p == pytest.approx(
        reference, abs=3.5 * (reference * (1 - reference) * (1 / repetitions + 1 / theirs)) ** 0.5
    )


def test_p_values_of_hansens_definition():
    # arch's StationaryBootstrap as resampler, block 10, 40,000 repetitions: .03085, .0508, .0533; reality check .0567
    found = spa(EXCESS, repetitions=20_000, seed=3)
    assert close(found.lower, 0.03085, 20_000, 40_000)
    assert close(found.consistent, 0.0508, 20_000, 40_000)
    assert close(found.upper, 0.0533, 20_000, 40_000)
    assert close(check(EXCESS, repetitions=20_000, seed=3).p, 0.0567, 20_000, 40_000)


def test_scale_changes_nothing_but_the_reality_check():
    # the same differences, each model on a scale of its own: studentised identical, unstudentised .389575
    plain, scaled = spa(EXCESS, repetitions=4000), spa(HETERO, repetitions=4000)
    assert scaled.statistic == pytest.approx(2.299984819118955, abs=1e-9)
    assert (plain.lower, plain.consistent, plain.upper) == (scaled.lower, scaled.consistent, scaled.upper)
    assert close(check(HETERO, repetitions=10_000).p, 0.389575, 10_000, 40_000)


@given(
    seed=st.integers(0, 1000),
    power=st.lists(st.integers(-20, 20), min_size=4, max_size=4),
    error=st.sampled_from(["prewhitened", "bootstrap"]),
)
@settings(max_examples=25)
def test_lower_consistent_upper_and_scales(seed, power, error):
    excess = np.random.default_rng(seed).standard_t(4, (80, 4)) + np.array([0.3, 0.0, -0.2, -2.0])
    found = spa(excess, 4, error=error)
    assert 0 < found.lower <= found.consistent <= found.upper <= 1
    scaled = spa(excess * 2.0 ** np.array(power), 4, error=error)  # powers of two: equal to the last bit
    assert (found.lower, found.consistent, found.upper) == (scaled.lower, scaled.consistent, scaled.upper)
    adjusted = steps(excess, 4, error=error)
    assert (np.diff(adjusted[np.argsort(-found.t)]) >= 0).all()
    assert found.statistic == 0 or adjusted.min() == found.upper


def test_a_terrible_model_hides_a_good_one_from_the_reality_check_only():
    g = np.random.default_rng(2)
    terrible = g.standard_normal((400, 1)) * 8 - 4
    wide = np.hstack([EXCESS, terrible])
    assert check(wide, repetitions=2000).p > check(EXCESS, repetitions=2000).p + 0.3
    assert spa(wide, repetitions=2000).consistent < spa(EXCESS, repetitions=2000).consistent + 0.03
    assert not spa(wide).recentred[-1]


def test_step_m_names_models_one_by_one():
    # arch 8.0.0, block 10: nothing at size .05, m2 at .10 and at .25
    found = steps(EXCESS, repetitions=10_000)
    assert 0.05 < found[2] < 0.1
    assert (np.delete(found, 2) > 0.25).all()
    strong = EXCESS + np.where(np.arange(8) == 5, 0.2, 0.0)  # m5 is now far ahead, and m2 no longer pays for it
    after = steps(strong, repetitions=10_000)
    assert after[5] < 0.001 < after[2] < found[2]
    alone = spa(np.delete(strong, 5, axis=1), repetitions=10_000)
    assert after[2] == pytest.approx(alone.upper, abs=0.01)


def test_one_model_of_independent_bars_is_the_normal_test():
    # mean block 1: omega^2 is the variance, the bootstrap maximum of one model is close to a normal
    x = np.random.default_rng(4).standard_normal((500, 1)) + 0.06
    found = spa(x, 1, 20_000)
    assert found.omega2[0] == pytest.approx(x.var(), rel=1e-12)
    from scipy.stats import norm

    assert found.upper == pytest.approx(norm.sf(found.t[0]), abs=0.008)


@pytest.mark.parametrize("excess", [np.zeros((400, 0)), np.zeros((19, 3))])
def test_too_little_to_say(excess):
    for test in (reality_check, superior_ability, step_m):
        assert test(excess, np.random.default_rng(0), block_bars=5) is None


def test_models_that_do_not_vary_take_no_part():
    flat = np.hstack([EXCESS, np.zeros((400, 2)), np.full((400, 1), 0.1)])
    found = spa(flat)
    assert found.t[-3:].tolist() == found.omega2[-3:].tolist() == [0, 0, 0]
    assert (found.lower, found.consistent, found.upper) == (
        spa(EXCESS).lower,
        spa(EXCESS).consistent,
        spa(EXCESS).upper,
    )
    nothing = spa(np.zeros((400, 2)))
    assert (nothing.statistic, nothing.lower, nothing.consistent, nothing.upper) == (0, 1, 1, 1)
    assert check(np.zeros((400, 2))).p == 1


def test_one_axis_is_refused():
    with pytest.raises(ValueError, match="bars x models"):
        superior_ability(np.zeros(100), np.random.default_rng(0), block_bars=5)


def by_hand(x):
    """Andrews & Monahan (1992), written as sums."""
    u = [float(v) for v in x - x.mean()]
    root = sum(a * b for a, b in pairwise(u)) / sum(a * a for a in u)
    e = [b - root * a for a, b in pairwise(u)]
    n, r = len(e), sum(a * b for a, b in pairwise(e)) / sum(a * a for a in e)
    lags = int(1.1447 * (4 * r * r * n / (1 - r * r) ** 2) ** (1 / 3))
    total = sum(a * a for a in e)
    for k in range(1, lags + 1):
        total += 2 * (1 - k / (lags + 1)) * sum(e[t] * e[t - k] for t in range(k, n))
    return total / n / (1 - root) ** 2


def test_the_default_divides_by_the_long_run_variance():
    found = spa(EXCESS, error="prewhitened")
    np.testing.assert_allclose(found.omega2, [by_hand(x) for x in EXCESS.T], rtol=1e-12)
    np.testing.assert_allclose(found.t, 20 * np.array(MEAN) / np.sqrt(found.omega2), rtol=1e-12)
    assert found.omega2.tolist() == spa(EXCESS, 3, error="prewhitened").omega2.tolist()  # whatever the blocks
    assert spa(EXCESS).omega2.tolist() != spa(EXCESS, 3).omega2.tolist()


def test_the_bootstrap_sees_too_little_of_an_autocorrelation():
    # AR(1) 0.2 of variance 1: the long-run variance is 1.2/0.8; at mean block 5 a lag k counts 0.8^k: 1.16/0.84
    x = filtered(np.random.default_rng(7).standard_normal(200_000), 0.2) * 0.96**0.5
    assert len(x) * variance_of_mean(x, block_bars=5) == pytest.approx(1.16 / 0.84, rel=0.02)
    assert long_run_variance(x) == pytest.approx(1.5, rel=0.02)


@pytest.mark.parametrize("error", ["prewhitened", "bootstrap"])
def test_one_model_is_the_same_question_in_all_three(error):
    x = filtered(np.random.default_rng(8).standard_normal((600, 1)), 0.4) + 0.1
    found = spa(x, 8, 999, error=error)
    assert 0.001 < found.upper < 0.2
    assert found.lower == found.upper == check(x, 8, 999, error=error).p == steps(x, 8, 999, error=error)[0]


def test_blocks_of_one_bar_no_longer_deceive():
    # autocorrelation 0.5, resampled bar by bar: as published, an error too small by sqrt(3)
    def claimed(x, error: Error):
        return [check(x, 1, error=error).p, spa(x, 1, error=error).consistent, steps(x, 1, error=error).min()]

    worlds = [filtered(z, 0.5) for z in np.random.default_rng(9).standard_normal((100, 400, 5))]
    published = np.array([claimed(x, "bootstrap") for x in worlds]) <= 0.05
    default = np.array([claimed(x, "prewhitened") for x in worlds]) <= 0.05
    assert (published.mean(axis=0) > 0.3).all()
    assert (default.mean(axis=0) <= 0.05 + 3 * 0.022).all()


def test_the_long_run_variance_costs_no_power():
    # ten models of independent bars, one 3.5 standard errors ahead
    def named(x, error: Error):
        return [check(x, 2, error=error).p <= 0.05, steps(x, 2, error=error)[0] <= 0.05]

    ahead = np.where(np.arange(10) == 0, 3.5 / 500**0.5, 0.0)
    worlds = np.random.default_rng(10).standard_normal((100, 500, 10)) + ahead
    published = np.mean([named(x, "bootstrap") for x in worlds], axis=0)
    default = np.mean([named(x, "prewhitened") for x in worlds], axis=0)
    assert (default > published - 0.03).all()
    assert (default > 0.7).all()
