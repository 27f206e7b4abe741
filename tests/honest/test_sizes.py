"""How often each test claims something on nothing: at most its nominal level plus three Monte Carlo standard errors.

Normal, Student t5, AR(1) 0.2 and GARCH(1,1) noise, centred at zero, of 1,000 bars (the interval's full run is longer,
the checks run at 1,000 and 4,000).
With R repetitions a share p has a standard error of sqrt(p (1 - p) / R): 1.3 points at 5% and R = 300, 0.5 at 2,000.
Counted are claims at a one-sided 5%, and for the interval how often 95% of it miss.
"""

import numpy as np
import pytest
from scipy.signal import lfilter

from edgeproof.stats.blocks import block_t
from edgeproof.stats.bootstrap import automatic_block, sharpe_interval
from edgeproof.stats.compare import maximum_test
from edgeproof.stats.permute import product_permutation
from edgeproof.stats.spa import reality_check, step_m, superior_ability

BARS, LEVEL = 1000, 0.05
LAWS = ("normal", "t5", "ar1", "garch")


def normal(g, shape):
    return g.standard_normal(shape)


def student(g, shape):
    return g.standard_t(5, shape) * 0.6**0.5


def filtered(z, rho):
    """x_t = rho x_{t-1} + z_t along the first axis."""
    return np.asarray(lfilter([1.0], [1.0, -rho], z, axis=0))


def autoregressive(g, shape):
    return filtered(g.standard_normal((shape[0] + 50, *shape[1:])), 0.2)[50:] * 0.96**0.5


def garch(g, shape):
    """h_t = 0.05 + 0.1 r_{t-1}^2 + 0.85 h_{t-1}: variance 1, kurtosis 3.8, started in its stationary middle."""
    z = g.standard_normal((shape[0] + 100, *shape[1:]))
    h, out = np.ones(shape[1:]), np.empty_like(z)
    for t, row in enumerate(z):
        out[t] = np.sqrt(h) * row
        h = 0.05 + 0.1 * out[t] ** 2 + 0.85 * h
    return out[100:]


DRAW = {"normal": normal, "t5": student, "ar1": autoregressive, "garch": garch}


def worlds(law, repetitions, series, *, seed, bars=BARS):
    """`repetitions` arrays f64[T, N] of the law; the series share 30% of their variance."""
    g = np.random.default_rng([seed, LAWS.index(law), series])
    at_once = max(1, min(repetitions, 2000 // (series + 1)))
    for low in range(0, repetitions, at_once):
        x = DRAW[law](g, (bars, min(at_once, repetitions - low), series + 1))
        mixed = x[:, :, 1:] if series == 1 else 0.3**0.5 * x[:, :, :1] + 0.7**0.5 * x[:, :, 1:]
        yield from np.moveaxis(mixed, 1, 0)


def at_most(share, level, repetitions):
    error = (level * (1 - level) / repetitions) ** 0.5
    assert share <= level + 3 * error, f"{share:.4f} at nominal {level}, s.e. {error:.4f}"


def claims(p):
    return float(np.mean([value is not None and value <= LEVEL for value in p]))


def block_size(law, repetitions):
    held = np.ones(BARS, bool)
    return claims(block_t(x[:, 0], held, bars_per_day=1).p for x in worlds(law, repetitions, 1, seed=1))


def maximum_size(law, repetitions, series):
    g = np.random.default_rng(2)
    found = (maximum_test(x, g, repetitions=199) for x in worlds(law, repetitions, series, seed=2))
    return claims(None if test is None else test.p for test in found)


def check_sizes(law, repetitions, *, bars, series=20):
    """Reality check, SPA (consistent) and StepM (any model named) on the same noise, at its automatic block length."""
    g, found = np.random.default_rng(3), []
    for x in worlds(law, repetitions, series, seed=3, bars=bars):
        block = float(np.mean([automatic_block(x[:, k]) or 1.0 for k in range(4)]))
        options = {"block_bars": block, "repetitions": 99}
        found.append((reality_check(x, g, **options), superior_ability(x, g, **options), step_m(x, g, **options)))
    return (
        claims(check.p for check, _, _ in found if check),
        claims(spa.consistent for _, spa, _ in found if spa),
        claims(float(steps.min()) for _, _, steps in found if steps is not None),
    )


def permutation_sizes(law, repetitions):
    """A slow signal of its own, and one made of the outcome's past size: uncorrelated, yet not independent."""
    g = np.random.default_rng(4)
    own, volatile = [], []
    for x in worlds(law, repetitions, 1, seed=4):
        outcome = x[:, 0]
        slow = filtered(g.standard_normal(BARS), 0.8)
        past = filtered(np.r_[0.0, np.abs(outcome[:-1])], 0.9)
        own.append(product_permutation(slow, outcome, g, block_bars=20, repetitions=199))
        volatile.append(product_permutation(past * np.sign(slow), outcome, g, block_bars=20, repetitions=199))
    return claims(test.p for test in own if test), claims(test.p for test in volatile if test)


def interval_misses(law, repetitions, *, bars, sharpe=0.05):
    g, missed = np.random.default_rng(5), 0
    for x in worlds(law, repetitions, 1, seed=5, bars=bars):
        found = sharpe_interval(x[:, 0] + sharpe, g, repetitions=399)
        missed += found is None or not found.sharpe_low <= sharpe <= found.sharpe_high
    return missed / repetitions


@pytest.mark.parametrize("law", LAWS)
def test_block_t(law):
    at_most(block_size(law, 4000), LEVEL, 4000)


@pytest.mark.parametrize("series", [1, 20, 100])
@pytest.mark.parametrize("law", LAWS)
def test_maximum(law, series):
    repetitions = {1: 1000, 20: 600, 100: 300}[series]
    at_most(maximum_size(law, repetitions, series), LEVEL, repetitions)


@pytest.mark.parametrize("law", LAWS)
def test_reality_check_superior_ability_and_step_m(law):
    for share in check_sizes(law, 200, bars=1000):
        at_most(share, LEVEL, 200)


@pytest.mark.parametrize("law", LAWS)
def test_permutation(law):
    for share in permutation_sizes(law, 1000):
        at_most(share, LEVEL, 1000)


@pytest.mark.parametrize("law", LAWS)
def test_interval(law):
    at_most(interval_misses(law, 300, bars=1000), LEVEL, 300)


@pytest.mark.slow
@pytest.mark.parametrize("law", LAWS)
def test_every_test_in_full(law):
    at_most(block_size(law, 20_000), LEVEL, 20_000)
    for series in (1, 20, 100):
        at_most(maximum_size(law, 2000, series), LEVEL, 2000)
    for share in permutation_sizes(law, 4000):
        at_most(share, LEVEL, 4000)
    for share in check_sizes(law, 2000, bars=1000):
        at_most(share, LEVEL, 2000)
    for share in check_sizes(law, 500, bars=4000):
        at_most(share, LEVEL, 500)
    at_most(interval_misses(law, 1000, bars=4000), LEVEL, 1000)
