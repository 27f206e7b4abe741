"""The dynamic programme against the Gaussian AR(1), a prototype's table, and small cases by hand."""

# A positions, N nodes, V volatility bins

import numpy as np
import pytest
from scipy.stats import norm

from edgeproof.truth.optimum import Chain, Optimum, Reward, check_gain, nodes, optimum, signal_kernel
from edgeproof.truth.trading import _wick_shocks

ONE = np.ones((1, 1))
THREE = np.array([-1.0, 0.0, 1.0])


def gaussian(rho: float, phi: float, cost: float, positions: np.ndarray) -> Optimum:
    """s Gaussian AR(1) of unit variance, mean of the next return rho s, risk neutral."""
    signal = nodes(401)
    kernel = signal_kernel(signal, phi, norm.ppf((np.arange(2000) + 0.5) / 2000))
    held = (positions[:, None] * rho * signal)[:, :, None]
    return optimum(Chain(signal, kernel, ONE), Reward(positions, held, cost))


# reference README section 11: relative value iteration on another grid (601 nodes move its values by 1e-4 of them)
@pytest.mark.parametrize(
    ("rho", "phi", "cost", "gain", "threshold"),
    [
        (0.1, 0.5, 0.02, 0.067876, 0.184),
        (0.1, 0.9, 0.02, 0.075157, 0.162),
        (0.1, 0.9, 0.05, 0.070223, 0.292),
        (0.1, 0.9, 0.2, 0.054705, 0.639),
        (0.2, 0.9, 0.05, 0.148452, None),
        (0.1, 0.97, 0.05, 0.075302, None),
        (0.05, 0.97, 0.02, 0.037991, None),
    ],
)
def test_the_gaussian_market(rho: float, phi: float, cost: float, gain: float, threshold: float | None) -> None:
    two, three = (gaussian(rho, phi, cost, p) for p in (np.array([-1.0, 1.0]), THREE))
    assert two.gain == pytest.approx(gain, rel=5e-4)
    assert three.gain == pytest.approx(two.gain, rel=1e-8)  # a linear objective never rests between
    assert gaussian(rho, phi, cost, np.array([0.0, 1.0])).gain == pytest.approx(gain / 2, rel=5e-4)
    if threshold is not None:  # where it is flat, the gain hardly moves with it
        assert two.threshold[0] == pytest.approx(threshold, abs=0.012)


def test_without_costs_the_sign_is_best() -> None:
    assert gaussian(0.1, 0.9, 0.0, THREE).gain == pytest.approx(0.1 * np.sqrt(2 / np.pi), rel=1e-3)


@pytest.mark.parametrize(("rho", "phi", "cost"), [(0.1, 0.9, 0.05), (0.1, 0.9, 0.2)])
def test_never_below_following_every_sign(rho: float, phi: float, cost: float) -> None:
    flips = np.arccos(phi) / np.pi
    assert gaussian(rho, phi, cost, THREE).gain > rho * np.sqrt(2 / np.pi) - 2 * cost * flips


def planted(sigma: float, kappa: float, cost_bps: float, phi: float = 0.9, *, level: float = 1.0) -> Optimum:
    """The wick signal at constant volatility `sigma`, or at a mean volatility of `level` sigmas, log growth."""
    signal = nodes()
    drift = kappa * np.clip(signal, -3, 3) * sigma * level
    held = (THREE[:, None] * drift - 0.5 * THREE[:, None] ** 2 * (level * sigma) ** 2 * 1.02)[:, :, None]
    chain = Chain(signal, signal_kernel(signal, phi, _wick_shocks()), ONE)
    return optimum(chain, Reward(THREE, held, cost_bps * 1e-4))


# reference TRUTH.md section 5, column "gain 1-D (predicted)" in bps an hour. Its market's mean volatility is not
# recorded; 0.975 of the nominal one, a single number, fits all of its rows.
@pytest.mark.parametrize(
    ("sigma", "kappa", "by_cost"),
    [
        (0.005, 0.03, (0.757, 0.535, 0.302)),
        (0.005, 0.05, (1.477, 1.194, 0.870)),
        (0.005, 0.10, (3.337, 2.959, 2.503)),
        (0.007, 0.03, (1.080, 0.820, 0.533)),
        (0.007, 0.05, (2.104, 1.777, 1.393)),
        (0.007, 0.10, (4.734, 4.307, 3.779)),
        (0.010, 0.03, (1.516, 1.216, 0.871)),
        (0.010, 0.05, (2.993, 2.618, 2.166)),
        (0.010, 0.10, (6.775, 6.293, 5.685)),
    ],
)
def test_the_prototypes_table(sigma: float, kappa: float, by_cost: tuple[float, ...]) -> None:
    made = [1e4 * planted(sigma, kappa, cost, level=0.975).gain for cost in (2.0, 5.0, 10.0)]
    assert made == pytest.approx(by_cost, rel=0.02)


@pytest.mark.parametrize(
    ("kappa", "phi", "gain_bps"), [(0.06, 0.0, 0.0), (0.06, 0.3, 0.0), (0.06, 0.5, 0.071), (0.10, 0.0, 0.024)]
)
def test_dead_and_nearly_dead_markets(kappa: float, phi: float, gain_bps: float) -> None:
    made = planted(0.005, kappa, 10.0, phi)
    assert 1e4 * made.gain == pytest.approx(gain_bps, abs=5e-4)
    if kappa == 0.06 and phi == 0.0:
        assert made.flat


def test_two_states_by_hand() -> None:
    """Signal flips with probability 1/4; holding earns its sign. A switch costs 2 c and lasts 4 bars."""
    signal = np.array([-1.0, 1.0])
    kernel = np.array([[0.75, 0.25], [0.25, 0.75]])
    positions = np.array([-1.0, 1.0])
    held = (positions[:, None] * signal)[:, :, None]
    follow = optimum(Chain(signal, kernel, ONE), Reward(positions, held, 1.0))
    assert follow.gain == pytest.approx(1.0 - 0.25 * 2.0, abs=1e-9)
    stay = optimum(Chain(signal, kernel, ONE), Reward(positions, held, 3.0))  # 1 - 0.25 * 6 < 0: never switch
    assert stay.gain == pytest.approx(0.0, abs=1e-9)


def test_volatility_that_does_not_matter_changes_nothing() -> None:
    signal = nodes(101)
    kernel = signal_kernel(signal, 0.9, _wick_shocks())
    held = (THREE[:, None] * 0.1 * signal)[:, :, None]
    one = optimum(Chain(signal, kernel, ONE), Reward(THREE, held, 0.05))
    bins = np.array([[0.9, 0.1, 0.0], [0.1, 0.8, 0.1], [0.0, 0.1, 0.9]])
    three = optimum(Chain(signal, kernel, bins), Reward(THREE, np.repeat(held, 3, axis=2), 0.05))
    assert three.gain == pytest.approx(one.gain, rel=1e-8)
    assert np.array_equal(three.choice[..., 1], one.choice[..., 0])


def test_the_kernel_keeps_mean_and_mass() -> None:
    signal, shock = nodes(), _wick_shocks()
    kernel = signal_kernel(signal, 0.9, shock)
    assert kernel.sum(axis=1) == pytest.approx(np.ones(201))
    inner = np.abs(signal) < 3.5
    assert (kernel @ signal)[inner] == pytest.approx(0.9 * signal[inner], abs=1e-9)
    spread = kernel @ signal**2 - (kernel @ signal) ** 2
    assert spread[inner] == pytest.approx(np.full(inner.sum(), 0.19), abs=0.001)


def test_the_shocks_have_the_law_of_the_wick_asymmetry() -> None:
    shock = _wick_shocks()
    assert shock == pytest.approx(-shock[::-1])
    assert np.mean(shock**2) == pytest.approx(1.0)
    assert np.mean(shock**4) == pytest.approx(3.2, abs=0.15)  # reference TRUTH.md 1.2
    assert shock.max() < 3.6


def test_more_than_the_best_is_a_leak() -> None:
    noise = np.random.default_rng(3).standard_normal(20_000) * 0.01
    assert check_gain(noise + 0.001, 0.001).level == "info"
    found = check_gain(noise + 0.002, 0.001)
    assert (found.check, found.level) == ("truth.gain", "error")
    assert found.evidence["gain"] == pytest.approx((noise + 0.002).mean())
    assert found.evidence["standard_error"] == pytest.approx(0.01 / np.sqrt(20_000), rel=0.3)
    assert check_gain(noise[:4_000] + 1.0, 0.001).level == "warning"
    assert check_gain(np.zeros(10_000), 0.0).level == "info"
