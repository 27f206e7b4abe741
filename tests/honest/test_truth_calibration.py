"""What a known-truth market states about the next bar is what happens, on 200,000 bars and more.

Outcomes of one bar move together across symbols (the factor), so every standard error sums over symbols first and is
taken over bars. Seeds are fixed: the bounds are 3 to 3.5 standard errors, and were met at the first seed.
"""

# S symbols, T bars

import numpy as np
import pytest
from scipy.stats import kstest, norm
from scipy.stats import t as student

from edgeproof.data.synthetic import Generated, generate
from edgeproof.stats.classify import auc, soft_auc

SYMBOLS, BARS, SEED = 8, 30_000, 11
GAP = 0.02


@pytest.fixture(scope="module")
def linear() -> Generated:
    return generate("linear", SYMBOLS, BARS, SEED, 0.15)


@pytest.fixture(scope="module")
def noise() -> Generated:
    return generate("noise", SYMBOLS, BARS, SEED)


def tradable(made: Generated) -> np.ndarray:
    """Return from the open of t+1 to the open of t+2 at every decision bar t that has one, f64[S, T-2]."""
    opened = made.ohlcv[:, :, 0]
    return opened[:, 2:] / opened[:, 1:-1] - 1.0


def z_score(x_ST: np.ndarray) -> float:
    """Mean over its standard error, bars being independent and symbols within a bar not."""
    sum_T = x_ST.sum(axis=0)
    return float(sum_T.sum() / np.sqrt((sum_T**2).sum()))


@pytest.mark.parametrize("strength", [0.0, 0.05, 0.15])
def test_stated_probabilities_are_calibrated_by_decile(strength: float) -> None:
    made = generate("linear", SYMBOLS, BARS, SEED + 1, strength)
    up, p = tradable(made) > 0, made.p_up[:, :-2]
    assert p.size > 200_000
    decile = np.searchsorted(np.quantile(p, np.arange(1, 10) / 10), p, side="right")
    z = np.array([z_score(np.where(decile == d, up - p, 0.0)) for d in range(10)])
    assert np.abs(z).max() < 3.5, z  # ten draws: one beyond 3.5 by chance in 200 markets
    assert (z**2).sum() < 29.6, z  # chi-squared with 10 degrees of freedom, 1 in 1,000


def test_outer_probabilities_are_calibrated_too(linear: Generated) -> None:
    up, p = tradable(linear) > 0, linear.p_up[:, :-2]
    for tail in (p < np.quantile(p, 0.01), p > np.quantile(p, 0.99)):
        assert abs(z_score(np.where(tail, up - p, 0.0))) < 3.0


def test_realised_returns_have_the_stated_mean_slope_and_volatility(linear: Generated) -> None:
    realised, mean, sigma = tradable(linear), linear.mean[:, :-2], linear.volatility[:, :-2]
    x, y = mean / sigma, realised / sigma
    slope = (x * y).sum() / (x * x).sum()
    error_T = (x * (y - slope * x)).sum(axis=0)
    assert abs(slope - 1.0) < 3.0 * np.sqrt((error_T**2).sum()) / (x * x).sum()
    assert abs(z_score(y - x)) < 3.0
    # squares of a Student t with 5 degrees of freedom have a standard error, but a heavy-tailed one
    assert abs(z_score((y - x) ** 2 - 1.0)) < 3.0
    assert abs(np.sqrt(((y - x) ** 2).mean()) - 1.0) < 0.015


def test_every_draw_can_be_recovered_from_the_bars_and_has_its_law(linear: Generated) -> None:
    """Student t body, normal gap with the volatility of the bar before it, Brownian-bridge extremes."""
    for s in range(SYMBOLS):
        opened, high, low, close, _ = linear.ohlcv[s].T
        sigma, mean = linear.volatility[s, :-1] / np.sqrt(1 + GAP), linear.mean[s, :-1]  # of bars 1, 2, ...
        body = close[1:] / opened[1:] - 1
        assert kstest((body - mean) / sigma * np.sqrt(5 / 3), student(5).cdf).pvalue > 0.001
        gap = (np.log(opened[2:] / close[1:-1]) + GAP * sigma[:-1] ** 2 / 2) / (np.sqrt(GAP) * sigma[:-1])
        assert kstest(gap, "norm").pvalue > 0.001
        turned = np.log(sigma[1:] / sigma[:-1])  # a gap with the later volatility is wide where this is high
        assert abs(np.corrcoef(gap**2, turned)[0, 1]) < 3.5 / np.sqrt(BARS)
        b = np.log1p(body)
        for reach, end in ((np.log(high / opened)[1:], b), (np.log(opened / low)[1:], -b)):
            assert kstest(np.exp(-2 * reach * (reach - end) / sigma**2), "uniform").pvalue > 0.001


@pytest.mark.parametrize(("strength", "of_body"), [(0.05, 0.5276), (0.10, 0.5548), (0.15, 0.5814), (0.20, 0.6071)])
def test_oracle_auc_follows_the_strength(strength: float, of_body: float) -> None:
    """Second witness: the AUC of P(body > 0) = T_5(strength g sqrt(5/3)) over 2,000,000 standard normal g."""
    made = generate("linear", SYMBOLS, BARS, SEED + 2, strength)
    body = student.cdf(np.sqrt(5 / 3 * (1 + GAP)) * made.mean / made.volatility, 5)
    assert soft_auc(body, body) == pytest.approx(of_body, abs=0.001)
    p = made.p_up[:, :-2]
    tradable_auc = soft_auc(p, p)
    assert tradable_auc is not None
    assert (tradable_auc - 0.5) / (of_body - 0.5) == pytest.approx(0.98, abs=0.015)  # the gap takes 2%
    if strength <= 0.15:  # the curve bends below the line after that
        assert tradable_auc == pytest.approx(0.5 + 0.545 * strength, abs=0.003)
    # realised labels agree within three of their standard errors, .0021 on 32,000 samples
    assert auc(p, tradable(made) > 0) == pytest.approx(tradable_auc, abs=3 * 0.0021 * np.sqrt(32_000 / p.size))


def test_noise_is_a_martingale_difference_and_has_no_drift(noise: Generated) -> None:
    realised, sigma = tradable(noise), noise.volatility[:, :-2]
    assert not noise.mean.any()
    assert abs(z_score(realised)) < 3.0
    assert abs(z_score(realised / sigma)) < 3.0
    assert np.abs(noise.p_up - 0.5).max() < 0.001  # a product of mean-one factors: its median is a hair below
    past = noise.ohlcv[:, 1:-2, 3] / noise.ohlcv[:, :-3, 3] - 1.0  # known at the close of t, t = 1 ...
    for known in (
        past,
        np.sign(past),
        past**2,
        np.abs(past),
        np.ones_like(past) * (np.arange(past.shape[1]) % 24 < 12),
    ):
        assert abs(z_score(known / np.abs(known).mean() * (realised / sigma)[:, 1:])) < 3.0


def simple_strategies(made: Generated) -> dict[str, np.ndarray]:
    """Positions f64[S, T - 2 - 72] at the decision bars from 72 on, each from bars up to its own alone."""
    close, opened = made.ohlcv[:, :, 3], made.open_time
    now = close[:, 72:-2]
    book: dict[str, np.ndarray] = {"buy and hold": np.ones_like(now)}
    for back in (1, 6, 24, 72):
        book[f"momentum {back}"] = np.sign(now / close[:, 72 - back : -2 - back] - 1.0)
    moves = np.abs(np.diff(np.log(close), axis=1))
    day = np.lib.stride_tricks.sliding_window_view(moves, 24, axis=1).mean(axis=2)[:, 48:-2]
    usual = np.median(day, axis=1, keepdims=True)  # of the whole path: it tells levels apart and no direction
    book |= {"long when calm": (day < usual) * 1.0, "long when wild": (day > usual) * 1.0, "inverse size": usual / day}
    hour = opened[72:-2] // 3_600_000_000_000 % 24
    book |= {f"hours {h} to {h + 5}": np.ones_like(now) * ((hour >= h) & (hour < h + 6)) for h in (0, 6, 12, 18)}
    volume = np.log(made.ohlcv[:, 72:-2, 4])
    book["loud bars"] = np.sign(now / close[:, 71:-3] - 1.0) * (volume > np.median(volume, axis=1, keepdims=True))
    ranks = np.argsort(np.argsort(now / close[:, 48:-26] - 1.0, axis=0), axis=0)
    book["winners less losers"] = np.sign(ranks - (SYMBOLS - 1) / 2)
    place = (2 * made.ohlcv[:, 72:-2, 3] - made.ohlcv[:, 72:-2, 1] - made.ohlcv[:, 72:-2, 2]) / now
    book["close near the high"] = np.sign(place)
    return book


def test_no_simple_strategy_profits_on_noise(noise: Generated) -> None:
    """Neither a strategy nor its opposite, before any cost: all t statistics within Bonferroni's bound at 1%."""
    book, realised = simple_strategies(noise), tradable(noise)[:, 72:]
    assert len(book) >= 14
    t = {name: z_score(position * realised) for name, position in book.items()}
    bound = norm.isf(0.01 / 2 / len(book))
    assert max(abs(value) for value in t.values()) < bound, t
    paid = {
        name: position * realised - 1e-4 * np.abs(np.diff(position, prepend=0.0)) for name, position in book.items()
    }
    assert max(z_score(net) for net in paid.values()) < bound  # and after 1 bp a side none is above zero either


def test_the_same_strategies_would_show_a_planted_edge(linear: Generated) -> None:
    """The test has teeth: where something is planted, the strategy that follows it is far beyond the bound."""
    position = np.sign(linear.mean[:, :-2])
    assert z_score(position * tradable(linear)) > 20.0


def test_size_stays_predictable_on_noise(noise: Generated) -> None:
    realised, sigma = np.abs(tradable(noise)), noise.volatility[:, :-2]
    large = realised > np.median(realised)
    forecast = auc(sigma, large)
    assert forecast is not None
    assert forecast > 0.6


def autocorrelation(x_ST: np.ndarray, lag: int) -> float:
    return float(np.mean([np.corrcoef(x[:-lag], x[lag:])[0, 1] for x in x_ST]))


def test_bars_look_like_a_market(noise: Generated) -> None:
    opened, high, low, close, volume = np.moveaxis(noise.ohlcv, -1, 0)
    returns = np.log(close[:, 1:] / close[:, :-1])
    kurtosis = np.mean([np.mean((r - r.mean()) ** 4) / r.var() ** 2 for r in returns])
    assert 6.0 < kurtosis < 14.0  # fat tails; 3 is the normal
    size = np.abs(returns)
    assert 0.12 < autocorrelation(size, 1) < 0.24  # volatility clusters, and slowly forgets
    assert 0.02 < autocorrelation(size, 24) < 0.12
    assert abs(autocorrelation(returns, 1)) < 0.02
    pairs = np.corrcoef(returns)[np.triu_indices(SYMBOLS, 1)]
    assert pairs.mean() == pytest.approx(0.42, abs=0.06)
    log_volume = np.log(volume[:, 1:])
    related = np.mean([np.corrcoef(v, r)[0, 1] for v, r in zip(log_volume, size, strict=True)])
    assert related == pytest.approx(0.35, abs=0.05)
    memory = [autocorrelation(log_volume, lag) for lag in (1, 6, 24)]
    assert memory == pytest.approx([0.65, 0.42, 0.28], abs=0.06)
    body = np.log(close / opened)
    parkinson = np.sqrt(np.mean(np.log(high / low) ** 2, axis=1) / (4 * np.log(2)))
    assert (parkinson / body.std(axis=1)).mean() == pytest.approx(0.99, abs=0.03)


def test_the_planted_signal_does_not_show_in_ordinary_statistics(linear: Generated, noise: Generated) -> None:
    for made in (linear, noise):
        opened, high, low, close = np.moveaxis(made.ohlcv[..., :4], -1, 0)
        asymmetry = ((close - low) - (high - close) - (close - opened)) / (high - low)
        assert asymmetry.std() == pytest.approx(0.2748, abs=0.003)
        assert abs(asymmetry.mean()) < 0.002
        assert abs(autocorrelation(asymmetry, 1)) < 0.02
        assert np.abs(np.corrcoef(asymmetry) - np.eye(SYMBOLS)).max() < 0.025
        assert abs(np.corrcoef(asymmetry.ravel(), np.sign(close - opened).ravel())[0, 1]) < 0.01
