"""Closed forms of the Gaussian market: what policies earn before and after costs, and two optima known on paper.

s is a Gaussian AR(1) of unit variance and lag-1 correlation phi, r_{t+1} = rho s_t + sqrt(1 - rho^2) e; c is paid for a
unit of position bought or sold. Reference values: own derivations evaluated with SciPy 1.17.1, agreed with 6,000,000
draws to 5e-4. The product's `evaluate_policy` is held to them.
"""

# T bars

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.special import erfcx
from scipy.stats import norm

from edgeproof.stats.classify import f1_plus
from edgeproof.truth import Stated, evaluate_policy

CASES = [  # rho, phi, c; flips; net mean and Sharpe of the sign; net mean and Sharpe of the linear policy
    (0.3, 0.5, 0.5, 0.33333333, -0.09396797, -0.08560884, -0.09894228, -0.09344981),
    (0.2, 0.9, 0.5, 0.14356629, 0.01601062, 0.01507920, 0.02158759, 0.02102133),
    (0.5, 0.0, 0.3, 0.5, 0.09894228, 0.10255178, 0.16148625, 0.15083931),
    (0.4, -0.3, 0.2, 0.59698668, 0.08035915, 0.08363939, 0.14268996, 0.13833261),
]


def signal(phi: float, count: int = 1_000_000) -> np.ndarray:
    shocks = np.sqrt(1 - phi**2) * np.random.default_rng(11).standard_normal(count)
    shocks[0] /= np.sqrt(1 - phi**2)
    return np.asarray(lfilter([1.0], [1.0, -phi], shocks))


def sharpe(weights: np.ndarray, s: np.ndarray, rho: float, cost: float) -> float:
    """Per period, the return's own noise integrated out."""
    earned = rho * weights * s - cost * np.abs(np.diff(weights, prepend=0.0))
    return float(earned.mean() / np.sqrt(earned.var() + (weights**2).mean() * (1 - rho**2)))


@pytest.mark.parametrize(("rho", "phi", "cost", "flips", "sign", "sign_sr", "linear", "linear_sr"), CASES)
def test_policies_after_costs(
    rho: float, phi: float, cost: float, flips: float, sign: float, sign_sr: float, linear: float, linear_sr: float
) -> None:
    root = np.sqrt(2 / np.pi)
    assert flips == pytest.approx(np.arccos(phi) / np.pi, abs=1e-8)
    assert sign == pytest.approx(rho * root - 2 * cost * flips, abs=1e-8)
    crossed = (1 - phi) / np.sqrt(2 * np.pi) - flips * root
    variance = 1 - 2 * rho**2 / np.pi + 4 * cost**2 * flips * (1 - flips) - 4 * cost * rho * crossed
    assert sign_sr == pytest.approx(sign / np.sqrt(variance), abs=1e-7)
    assert linear == pytest.approx(rho - 2 * cost * np.sqrt((1 - phi) / np.pi), abs=1e-8)
    variance = 2 * rho**2 + (1 - rho**2) + 2 * cost**2 * (1 - phi) * (1 - 2 / np.pi)
    variance -= 2 * cost * rho * (1 - phi) ** 1.5 / np.sqrt(np.pi)
    assert linear_sr == pytest.approx(linear / np.sqrt(variance), abs=1e-7)
    s = signal(phi)
    stated = Stated(np.full((1, s.size), 0.5), rho * s[None], np.ones((1, s.size)), np.ones((1, s.size), dtype=bool))
    for weights, net, ratio, turnover in (
        (np.sign(s), sign, sign_sr, 2 * flips),
        (s, linear, linear_sr, 2 * np.sqrt((1 - phi) / np.pi)),
    ):
        made = evaluate_policy(weights[None], stated, cost_bps=1e4 * cost, growth=False)
        assert made.gain == pytest.approx(net, abs=0.002)  # 1,000,000 bars, at phi .9 of 50,000 independent ones
        assert made.turnover == pytest.approx(turnover, abs=0.003)
        assert sharpe(weights, s, rho, cost) == pytest.approx(ratio, abs=0.002)


@pytest.mark.parametrize(
    ("rho", "sign", "linear", "long_flat", "largest"),
    [
        (0.02, 0.01595972, 0.01999600, 0.01128451, 0.01999601),
        (0.2, 0.16164836, 0.19611614, 0.11356320, 0.19686453),
        (0.3, 0.24653217, 0.28734789, 0.17173467, 0.29188203),
        (0.5, 0.43506293, 0.44721360, 0.29403664, 0.48421282),
    ],
)
def test_sharpe_ratios_without_costs(rho: float, sign: float, linear: float, long_flat: float, largest: float) -> None:
    """Ferson & Siegel (2001): no strategy beats weights mu / (mu^2 + sigma^2), whose ratio is sqrt(h / (1 - h))."""
    k = np.sqrt(1 - rho**2) / rho
    h = 1 - k * np.sqrt(np.pi / 2) * erfcx(k / np.sqrt(2))
    assert largest == pytest.approx(np.sqrt(h / (1 - h)), abs=1e-8)
    assert sign == pytest.approx(rho * np.sqrt(2 / np.pi) / np.sqrt(1 - 2 * rho**2 / np.pi), abs=1e-8)
    assert linear == pytest.approx(rho / np.sqrt(1 + rho**2), abs=1e-8)
    assert long_flat == pytest.approx(rho / np.sqrt(2 * np.pi) / np.sqrt(0.5 - rho**2 / (2 * np.pi)), abs=1e-8)
    assert max(sign, linear) <= largest
    s = norm.ppf((np.arange(400_000) + 0.5) / 400_000)
    mu = rho * s
    for weights, ratio in ((np.sign(s), sign), (s, linear), (s > 0, long_flat), (mu / (mu**2 + 1 - rho**2), largest)):
        mean, square = (weights * mu).mean(), (weights**2 * (mu**2 + 1 - rho**2)).mean()
        assert mean / np.sqrt(square - mean**2) == pytest.approx(ratio, abs=1e-5)


@pytest.mark.parametrize(("rho", "tau"), [(0.2, 0.5), (0.5, 0.5), (0.1, 1.0)])
def test_the_best_f1_lies_at_half_of_itself(rho: float, tau: float) -> None:
    """Lipton, Elkan & Naryanaswamy (2014): call positive where the probability exceeds F* / 2."""
    s = norm.ppf((np.arange(200_000) + 0.5) / 200_000)
    p = norm.cdf((rho * s - tau) / np.sqrt(1 - rho**2))
    best, threshold = f1_plus(p, p)
    assert best is not None
    assert threshold == pytest.approx(best / 2, abs=1e-4)


@pytest.mark.parametrize(
    ("risk", "cost", "sigma", "slope", "decay", "discount", "rate", "on_signal"),
    [
        (5.0, 10.0, 0.2, 0.1, 0.1, 0.02, 0.49325870, 0.22448365),
        (1.0, 5.0, 1.0, 0.1, 0.1, 0.0, 0.35825757, 0.03038324),
        (2.0, 1.0, 1.0, 0.05, 0.5, 0.0, 0.73205081, 0.01547005),
    ],
)
def test_quadratic_costs_trade_part_of_the_way(
    risk: float, cost: float, sigma: float, slope: float, decay: float, discount: float, rate: float, on_signal: float
) -> None:
    """Gârleanu & Pedersen (2013), propositions 2 to 4, and the same by iterating the value function.

    V(x_, f) = max_x -L (x - x_)^2 / 2 + (1 - d) [x slope f - risk sigma^2 x^2 / 2 + V(x, (1 - decay) f)].
    L = cost sigma^2.
    """
    left, g, lam = 1 - discount, risk, cost
    a = (-(g * left + lam * discount) + np.sqrt((g * left + lam * discount) ** 2 + 4 * g * lam * left**2)) / (2 * left)
    assert a / lam == pytest.approx(rate, abs=1e-8)
    aim = slope / (g * sigma**2) / (1 + decay * a / g)
    assert a / lam * aim == pytest.approx(on_signal, abs=1e-7)
    bend = cross = back = forward = 0.0  # bend and cross are slopes of the value at the next decision, in x^2 and x f
    k = lam * sigma**2 / left
    for _ in range(5_000):
        total = k + g * sigma**2 + bend
        back, forward = k / total, (slope + (1 - decay) * cross) / total
        bend, cross = lam * sigma**2 * (1 - back), lam * sigma**2 * forward
    assert 1 - back == pytest.approx(rate, abs=1e-6)
    assert forward == pytest.approx(on_signal, abs=1e-6)


def test_a_small_proportional_cost_leaves_a_band() -> None:
    """Rogers (2004), Martin & Schöneborn (2011): half width (3 c v / 2)^(1/3) at unit risk; wider or narrower loses.

    A target that diffuses with variance v, followed at the edges of a band: spread evenly within it, traded v / (2 D).
    """
    v, c, step = 1.0, 0.05, 2e-4
    best = (3 * c * v / 2) ** (1 / 3)
    draw, loss = np.random.default_rng(2), {}
    moves = np.sqrt(v * step) * draw.standard_normal((4_000, 2_000))
    for wide in (0.6, 1.0, 1.6):
        band, apart = wide * best, np.zeros(moves.shape[1])
        held = paid = 0.0
        for t, move in enumerate(moves):
            beyond = apart + move
            apart = np.clip(beyond, -band, band)
            if t >= 1_000:
                held += 0.5 * float((apart**2).mean())
                paid += c * float(np.abs(beyond - apart).mean()) / step
        loss[wide] = (held + paid) / 3_000
        formula = band**2 / 6 + c * v / (2 * band)
        assert loss[wide] == pytest.approx(formula, rel=0.06)  # steps reach the edge late: .58 of one on each side
    assert min(loss, key=lambda wide: loss[wide]) == 1.0
    assert best**2 / 2 == pytest.approx(0.08892, abs=1e-5)
