"""Every kind of known-truth market does what it states, and looks like a market, on 240,000 bars.

Standard errors sum over symbols first, since symbols share a factor; the deciles of one market share it too, so that a
market whose factor was low by chance is low in most of them. Bounds are 3.5 standard errors.
"""

# S symbols, T bars

import numpy as np
import pytest

from edgeproof.data.synthetic import Generated, generate
from edgeproof.stats.classify import auc, soft_auc

STRENGTH = {"nonlinear": 0.17, "temporal": 0.20, "regime": 0.15, "decaying": 0.15, "costly": None, "dead": None}
# means over 20 markets of 8 x 30,000 bars; their spread is below .001, that of `regime` .002
ORACLE_AUC = {"nonlinear": 0.610, "temporal": 0.602, "regime": 0.544, "decaying": 0.521, "costly": 0.527, "dead": 0.532}


@pytest.fixture(scope="module", params=list(STRENGTH))
def made(request: pytest.FixtureRequest) -> Generated:
    return generate(request.param, 8, 30_000, 21, STRENGTH[request.param])


def tradable(made: Generated) -> np.ndarray:
    """Return from the open of t+1 to the open of t+2 at every decision bar t that has one, f64[S, T-2]."""
    opened = made.ohlcv[:, :, 0]
    return opened[:, 2:] / opened[:, 1:-1] - 1.0


def z_score(x_ST: np.ndarray) -> float:
    sum_T = x_ST.sum(axis=0)
    return float(sum_T.sum() / np.sqrt((sum_T**2).sum()))


def test_stated_probabilities_are_calibrated_by_decile(made: Generated) -> None:
    up, p = tradable(made) > 0, made.p_up[:, :-2]
    assert p.size > 200_000
    decile = np.searchsorted(np.quantile(p, np.arange(1, 10) / 10), p, side="right")
    held = [d for d in range(10) if (decile == d).any()]  # `regime` states one half while it is off
    assert len(held) >= 5
    z = np.array([z_score(np.where(decile == d, up - p, 0.0)) for d in held])
    assert np.abs(z).max() < 3.5, z
    assert (z**2).sum() < 29.6, z


def test_realised_returns_have_the_stated_mean_and_volatility(made: Generated) -> None:
    realised, mean, sigma = tradable(made), made.mean[:, :-2], made.volatility[:, :-2]
    x, y = mean / sigma, realised / sigma
    slope = (x * y).sum() / (x * x).sum()
    error_T = (x * (y - slope * x)).sum(axis=0)
    assert abs(slope - 1.0) < 3.5 * np.sqrt((error_T**2).sum()) / (x * x).sum()
    assert abs(z_score(y - x)) < 3.5
    assert abs(np.sqrt(((y - x) ** 2).mean()) - 1.0) < 0.015


def test_the_oracle_auc_is_that_of_the_kind(made: Generated) -> None:
    stated = made.parameters["oracle_auc"]
    assert stated == pytest.approx(ORACLE_AUC[made.parameters["kind"]], abs=0.003)
    up, p = tradable(made) > 0, made.p_up[:, :-2]
    assert auc(p, up) == pytest.approx(stated, abs=3.5 * 0.0021 * np.sqrt(32_000 / p.size))


def test_a_planted_market_still_looks_like_a_market(made: Generated) -> None:
    opened, high, low, close, volume = np.moveaxis(made.ohlcv, -1, 0)
    assert (low <= np.minimum(opened, close)).all()
    assert (high >= np.maximum(opened, close)).all()
    returns = np.log(close[:, 1:] / close[:, :-1])
    size = np.abs(returns)
    assert 6.0 < np.mean([np.mean((r - r.mean()) ** 4) / r.var() ** 2 for r in returns]) < 14.0
    assert 0.12 < np.mean([np.corrcoef(r[:-1], r[1:])[0, 1] for r in size]) < 0.24
    assert abs(np.mean([np.corrcoef(r[:-1], r[1:])[0, 1] for r in returns])) < 0.06
    assert np.corrcoef(returns)[np.triu_indices(8, 1)].mean() == pytest.approx(0.39, abs=0.06)
    related = [np.corrcoef(np.log(v), r)[0, 1] for v, r in zip(volume[:, 1:], size, strict=True)]
    assert np.mean(related) == pytest.approx(0.36, abs=0.05)
    assert np.abs(np.log(close[:, -1] / close[:, 0])).max() < 8.0  # no signal feeds on its own prices without end


def test_the_regime_stays_for_days_and_carries_all_of_the_signal() -> None:
    made = generate("regime", 8, 20_000, 1, 0.15)
    on = made.mean != 0.0
    assert (on == on[:1]).all()  # one switch for the whole market
    assert 0.38 < on[0].mean() < 0.52
    assert 100 < (on[0, 1:] != on[0, :-1]).sum() < 400
    inside, all_of_it = made.p_up[:, on[0]], made.p_up
    assert soft_auc(inside, inside) == pytest.approx(0.579, abs=0.004)  # that of `linear` at the same strength
    assert soft_auc(all_of_it, all_of_it) == pytest.approx(0.544, abs=0.006)


def test_a_decaying_edge_is_gone_at_the_end() -> None:
    made = generate("decaying", 8, 20_000, 1, 0.15)
    fifths = [made.p_up[:, k * 4_000 : (k + 1) * 4_000] for k in range(5)]
    measured = [soft_auc(p, p) for p in fifths]
    assert measured == pytest.approx([0.554, 0.522, 0.509, 0.503, 0.501], abs=0.003)


def test_reading_the_window_backwards_turns_the_temporal_signal_round() -> None:
    """The gate's slope changes its sign when the bars' order does; the level that `nonlinear` follows does not."""
    made = generate("temporal", 2, 3_000, 5, 0.2)
    for s in range(2):
        log_volume = np.log(made.ohlcv[s, :, 4])
        window = np.lib.stride_tricks.sliding_window_view(log_volume, 24)
        slope = window[:, 12:].mean(axis=1) - window[:, :12].mean(axis=1)
        backwards = window[:, ::-1][:, 12:].mean(axis=1) - window[:, ::-1][:, :12].mean(axis=1)
        assert backwards == pytest.approx(-slope)
        momentum = np.sign(made.mean[s, 23:]) * np.sign(slope)  # the sign of RSI - 0.5, but near the shift
        close = made.ohlcv[s, :, 3]
        risen = np.sign(close[23:] - close[9:-14])
        assert (momentum == risen).mean() > 0.6
