"""Figures regime by regime: those of the regime's own bars, and a test that keeps blocks in their place."""

import json
from typing import Any

import numpy as np
import pytest

from edgeproof.core.rng import Rng
from edgeproof.evaluate.figures import forecast_figures, trading_figures
from edgeproof.evaluate.regimes import Scored, by_regime, regime_tests
from edgeproof.regimes.regime import Regimes
from edgeproof.stats.blocks import block_t
from edgeproof.stats.performance import performance
from tests.unit.evaluate.test_figures import HAND, forecasts, make_track

DAYS: dict[str, Any] = {"bars_per_day": 24, "horizon_bars": 1}
NAMES = ("calm", "wild", "never")


def seen(code) -> Regimes:
    return Regimes(np.asarray(code, np.int8), NAMES, "by hand")


def test_hand_worked_track_in_two_regimes():
    found = by_regime(seen([0, 0, 0, 1, 1, 1]), slice(None), HAND, np.zeros(6), rng=Rng(0), bars_per_year=6, **DAYS)
    calm, wild = found.figures
    assert (calm["name"], calm["bars"], calm["share"], calm["traded_bars"]) == ("calm", 3, 0.5, 2)
    assert (wild["bars"], wild["traded_bars"]) == (3, 2)
    # net +1.5, +1 on 100 and 101.5; then -1.5 and +2.5 on 102.5, 101, 101
    assert calm["net"]["total_return"] == pytest.approx(0.025)
    assert wild["net"]["total_return"] == pytest.approx(103.5 / 102.5 - 1)
    assert (calm["net"]["trades"], wild["net"]["trades"]) == (1, 1)
    assert (calm["p_loss"], calm["t"]) == (None, None)  # six bars are no fourteen blocks
    json.dumps(found.figures, allow_nan=False)


def long_track(bars=2000, seed=0):
    g = np.random.default_rng(seed)
    held = np.repeat(g.random(bars // 10) < 0.7, 10)
    gross = g.standard_normal(bars) * held
    return make_track(gross, 0.02 * held, held, 0.1 * held), np.repeat(g.integers(-1, 2, bars // 50), 50)


def test_one_regime_for_all_bars_is_the_span_itself():
    track, _ = long_track(2400)
    p, y, scored, volatility = forecasts(bars=2400, symbols=3)
    given = Scored(p, y, scored, volatility, p)
    one = by_regime(
        seen(np.zeros(2400)),
        slice(None),
        track,
        np.zeros(2400),
        rng=Rng(0),
        bars_per_year=8760,
        forecasts=given,
        **DAYS,
    ).figures[0]
    whole = trading_figures(track, bars_per_year=8760, hold_return=np.zeros(2400))
    assert one["gross"] == whole["gross"]
    assert {key: one["net"][key] for key in whole["net"]} == whole["net"]
    assert one["net"]["sharpe_low"] < one["net"]["sharpe"] < one["net"]["sharpe_high"]
    generator = Rng(0).child("calm", "forecast").numpy()
    assert one["forecast"] == forecast_figures(p, y, scored, generator, block_bars=24, volatility=volatility, truth=p)
    assert one["t"] == block_t(track.net_return, track.weights[:, 0] != 0, bars_per_day=24).adjusted


def test_the_panels_regimes_are_cut_to_the_span_and_unknown_bars_count_nowhere():
    track, code = long_track()
    panel = seen(np.r_[np.full(300, 1), code])
    found = by_regime(panel, slice(300, 2300), track, np.zeros(2000), rng=Rng(0), bars_per_year=8760, **DAYS)
    np.testing.assert_array_equal(found.code, code)
    assert [row["name"] for row in found.figures] == ["calm", "wild"]
    assert sum(row["bars"] for row in found.figures) == (code >= 0).sum()
    assert sum(row["share"] for row in found.figures) == pytest.approx(1)
    for k, row in enumerate(found.figures):
        mine = performance(track.net_return[code == k], bars_per_year=8760)
        assert {key: row["net"][key] for key in mine} == mine


def test_the_test_of_a_regime_keeps_the_blocks_of_the_span():
    track, code = long_track()
    net, held = track.net_return, track.weights[:, 0] != 0
    for found in regime_tests(net, held, code, **DAYS):
        x = np.where(code == found.code, net, 0.0)
        sums = np.add.reduceat(x, -(-np.arange(14) * 2000 // 14))
        assert found.test.t == pytest.approx(np.sqrt(14) * sums.mean() / sums.std(ddof=1), abs=1e-12)
    shifted = regime_tests(net - 0.3 * (code == 1), held, code, **DAYS)
    assert shifted[1].p_loss < 1e-4
    assert shifted[0].p_loss > 0.01
